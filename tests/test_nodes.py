"""Nodes, and walks over them: in order, without recursion, without reference cycles."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

import autodiff as ad
from autodiff.nodes import Node, TensorNode, needed, since, tick, topological

DEEP = 1_000_000


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only reference counts free anything."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leaf() -> Node:
    return TensorNode(None, (), (), ((), np.dtype(float)))


def node(*parents: Node | None) -> Node:
    return TensorNode("op", parents, (), ((), np.dtype(float)))


def live(kind: type) -> int:
    return sum(type(thing) is kind for thing in gc.get_objects())


def test_children_come_before_parents_and_nothing_twice() -> None:
    x = leaf()
    a, b = node(x), node(x, None)
    c = node(a, b)
    d = node(c, x)
    order = topological(d)
    assert len(order) == len(set(order)) == 5
    place = {n: i for i, n in enumerate(order)}
    assert all(place[n] < place[p] for n in order for p in n.parents if p is not None)


def test_roots_may_depend_on_each_other() -> None:
    x = leaf()
    a = node(x)
    b = node(a)
    assert topological(a, b, b) == [b, a, x]
    assert topological() == []


def test_needed_is_what_leads_to_a_target() -> None:
    x, y = leaf(), leaf()
    a, b = node(x), node(y)
    c = node(a, b)
    assert needed(topological(c), [x]) == {x, a, c}
    assert needed(topological(c), [b]) == {b, c}
    assert needed(topological(c), []) == set()


def test_creation_numbers_rise() -> None:
    first, second = leaf(), ad.Scalar(1.0)
    assert first.order < second.order < leaf().order


def test_a_chain_of_a_million_scalars() -> None:
    x = y = ad.Scalar(1.0)
    for _ in range(DEEP // 2):
        y = y * 0.999999 + x
    y.backward()
    series = (1 - 0.999999 ** (DEEP // 2)) / 1e-6
    assert x.grad == pytest.approx(series + 0.999999 ** (DEEP // 2), rel=1e-9)
    del y  # frees a million nodes in a row


def test_a_chain_of_a_million_tensors_sums_every_step() -> None:
    x = y = ad.Tensor(0.0, requires_grad=True)
    for _ in range(DEEP):
        y = y + x
    y.backward()
    assert x.grad == DEEP + 1
    del y


def test_a_deep_chain_in_forward_mode_and_second_order() -> None:
    def deep(x: ad.Tensor) -> ad.Tensor:
        y = x
        for _ in range(20_000):
            y = y * 1.0001
        return y * y

    value, tangent = ad.jvp(deep, (1.0,), (1.0,))
    assert tangent == pytest.approx(2 * value, rel=1e-9)
    assert ad.grad(ad.grad(deep))(1.0) == pytest.approx(2 * value, rel=1e-9)


@pytest.mark.usefixtures("no_collector")
def test_tensors_die_with_their_last_handle() -> None:
    x = ad.Tensor(np.ones(3), requires_grad=True)
    nodes = live(TensorNode)
    y = x
    for _ in range(100):
        y = np.tanh(y) * y
    last = weakref.ref(y)
    ad.sum(y).backward()
    assert live(TensorNode) >= nodes + 200
    del y
    assert last() is None
    assert live(TensorNode) == nodes


@pytest.mark.usefixtures("no_collector")
def test_scalars_die_with_their_last_handle() -> None:
    x = ad.Scalar(0.5)
    before = live(ad.Scalar)
    y = x
    for _ in range(100):
        y = y * y + x.tanh()
    y.backward()
    assert live(ad.Scalar) >= before + 300
    del y
    assert live(ad.Scalar) == before


@pytest.mark.usefixtures("no_collector")
def test_transforms_leave_nothing_behind() -> None:
    def f(x: ad.Tensor) -> ad.Tensor:
        return ad.sum(np.exp(x) * x)

    x = np.ones(3)
    before = live(TensorNode), live(ad.Tensor)
    ad.grad(f)(x)
    ad.hessian(f)(x)
    ad.jvp(f, (x,), (x,))
    ad.hvp(f, (x,), (x,))
    assert (live(TensorNode), live(ad.Tensor)) == before


@pytest.mark.usefixtures("no_collector")
def test_create_graph_makes_no_cycle() -> None:
    x = ad.Tensor(np.ones(3), requires_grad=True)
    before = live(TensorNode)
    ad.sum(x * x * x).backward(create_graph=True)
    assert live(TensorNode) > before
    x.grad = None
    assert live(TensorNode) == before


def test_since_ends_at_what_is_older() -> None:
    x = ad.Tensor(2.0, requires_grad=True)
    old = ad.sin(x)
    start = tick()
    y = old * x
    assert since(start, y._node) == [y._node, old._node, x._node]
    z = y * 3.0
    assert since(start, z._node) == [z._node, y._node, old._node, x._node]
    assert since(tick(), z._node) == [z._node]
