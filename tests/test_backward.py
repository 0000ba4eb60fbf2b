"""The sweep: paths add up, nothing is shared or changed behind the user's back."""

from __future__ import annotations

import threading
import tracemalloc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.backward import sweep
from autodiff.errors import GraphError, ShapeError
from autodiff.nodes import SMALL

X = np.array([0.5, -1.0, 2.0])


def tracked(data: Any = X, **settings: Any) -> ad.Tensor:
    return ad.Tensor(data, requires_grad=True, **settings)


# Paths


def test_a_value_used_twice() -> None:
    # The counterexample to setting gradients instead of adding them: a + a.
    for a in (ad.Scalar(3.0), tracked(3.0)):
        (a + a).backward()
        assert a.grad == 2.0
        b = a * 1.0
        a.zero_grad()
        (b * b + b).backward()
        assert a.grad == 7.0


def test_a_diamond_of_diamonds() -> None:
    # Each step doubles the number of paths: 2**50 of them, each counted once.
    for x in (ad.Scalar(1.0), tracked(1.0)):
        y = x
        for _ in range(50):
            y = y + y
        y.backward()
        assert x.grad == 2.0**50


def test_paths_of_different_lengths() -> None:
    x = tracked()
    y = np.tanh(x)
    z = np.exp(y)
    ad.sum(z * y + x * z - y).backward()
    t, e = np.tanh(X), np.exp(np.tanh(X))
    expected = (e * t + e + X * e - 1) * (1 - t**2) + e
    np.testing.assert_allclose(x.grad, expected, rtol=1e-14)


def test_backward_twice_adds_up() -> None:
    for x in (ad.Scalar(3.0), tracked(3.0)):
        y = x * x
        y.backward()
        y.backward()
        (x * 2.0).backward()
        assert x.grad == 14.0
        x.zero_grad()
        assert x.grad is None


def test_gradient_argument() -> None:
    x = tracked()
    (x * x).backward(np.array([1.0, 10.0, 100.0]))
    np.testing.assert_array_equal(x.grad, 2 * X * [1, 10, 100])
    x.zero_grad()
    (x * x).backward([1, 0, 2])
    np.testing.assert_array_equal(x.grad, 2 * X * [1, 0, 2])
    x.zero_grad()
    (x * x).backward(ad.Tensor(X))
    np.testing.assert_array_equal(x.grad, 2 * X * X)
    s = ad.Scalar(2.0)
    (s * s).backward(3)
    assert s.grad == 12.0


def test_gradient_of_the_wrong_shape_is_an_error() -> None:
    x = tracked()
    for wrong in (1.0, np.ones(2), np.ones((1, 3)), ad.Tensor([1.0])):
        with pytest.raises(ShapeError, match=r"for a result of shape \(3,\)"):
            (x * x).backward(wrong)
    assert x.grad is None


def test_a_result_that_is_not_one_number_needs_a_gradient() -> None:
    with pytest.raises(ShapeError, match=r"shape \(3,\).*sum or mean.*pass the gradient"):
        (tracked() * 2).backward()
    x = tracked([[2.0]])
    (x * x).backward()  # one number, in whatever shape
    np.testing.assert_array_equal(x.grad, [[4.0]])


def test_nothing_tracked_is_an_error() -> None:
    x = tracked()
    with ad.no_grad():
        unrecorded = ad.sum(x)
    for value in (ad.Tensor(1.0), unrecorded, ad.sum(x.detach()), ad.Tensor(2.0) * 3,
                  ad.Scalar(1.0, requires_grad=False)):  # fmt: skip
        with pytest.raises(GraphError, match=r"requires_grad=True.*no_grad"):
            value.backward()


def test_a_leaf_is_its_own_result() -> None:
    for x in (tracked(3.0), ad.Scalar(3.0)):
        x.backward()
        assert x.grad == 1.0


def test_only_what_leads_to_a_target_is_visited() -> None:
    calls = []

    def rule(g: Any, x: Any) -> Any:
        calls.append(x)
        return g * 2.0

    double = ad.custom_op(lambda x: x * 2.0, rule)
    a, b = tracked(), tracked()
    y = ad.sum(double(a) * double(double(b)))
    sweep({y._node: np.float64(1.0)}, targets=[a._node])
    assert len(calls) == 1
    sweep({y._node: np.float64(1.0)}, targets=[])
    assert len(calls) == 1
    y.backward()
    assert len(calls) == 4


def test_a_target_may_lie_inside() -> None:
    x = tracked()
    y = x * x
    z = ad.sum(y * y)
    found = sweep({z._node: np.float64(1.0)}, targets=[y._node, z._node])
    np.testing.assert_array_equal(found[y._node], 2 * X**2)
    assert found[z._node] == 1.0
    assert x.grad is None


# Dtypes


def test_float32_stays_float32() -> None:
    x = tracked(dtype=np.float32)
    y = ad.mean(np.tanh(x * 2 + 1) ** 2 / 3.0)
    assert y.dtype == np.float32
    y.backward()
    assert x.grad.dtype == np.float32


def test_each_leaf_gets_a_gradient_of_its_own_dtype() -> None:
    a, b, c = (tracked(dtype=d) for d in (np.float16, np.float32, np.float64))
    y = ad.sum(a * b * c + a)
    assert y.dtype == np.float64
    y.backward()
    assert [t.grad.dtype for t in (a, b, c)] == [np.float16, np.float32, np.float64]
    np.testing.assert_allclose(b.grad, X**2, rtol=1e-6)


def test_the_given_gradient_is_cast_to_the_dtype_of_the_result() -> None:
    x = tracked(dtype=np.float32)
    (x * x).backward(np.ones(3))
    assert x.grad.dtype == np.float32


# Higher orders


def test_create_graph_makes_gradients_differentiable() -> None:
    for x in (tracked(2.0), ad.Scalar(2.0)):
        (x * x * x).backward(create_graph=True)
        first = x.grad
        assert first.requires_grad and first.item() == 12.0
        x.grad = None
        first.backward(create_graph=True)
        second = x.grad
        assert second.item() == 12.0
        x.grad = None
        second.backward()
        assert float(x.grad) == 6.0


def test_without_create_graph_gradients_are_plain() -> None:
    x, s = tracked(), ad.Scalar(1.0)
    (ad.sum(x) * s).backward()
    assert type(x.grad) is np.ndarray and type(s.grad) is float


def test_a_penalty_on_the_gradient() -> None:
    w = tracked()
    loss = ad.sum(np.exp(w))
    loss.backward(create_graph=True)
    g, w.grad = w.grad, None
    ad.sum(g * g).backward()
    np.testing.assert_allclose(w.grad, 2 * np.exp(2 * X), rtol=1e-14)


# Memory


def test_only_what_a_rule_names_is_kept() -> None:
    x, constant = tracked(), np.ones(3)
    for f, kept in [
        (lambda x: x + constant, []), (lambda x: x - constant, []), (lambda x: -x, []),
        (lambda x: ad.sum(x), [None, False, (3,)]), (lambda x: np.exp(x), ["out"]),
        (lambda x: np.sin(x), ["x"]), (lambda x: x * 2.0, [2.0, None]),
    ]:  # fmt: skip
        y = f(x)
        named = {"out": y._value, "x": x._value}
        saved = [next((n for n, v in named.items() if v is s), s) for s in y._node.saved]
        assert saved == kept


@pytest.mark.parametrize("f", [np.exp, np.cbrt, ad.sum, lambda x: x + 1.0, lambda x: x / 2.0])
def test_a_large_inner_value_that_no_rule_names_is_freed(f: Any) -> None:
    x = tracked(np.ones(SMALL + 1))
    inner = x * 3.0
    array = weakref.ref(inner._value)
    y = f(inner)
    assert array() is not None
    del inner
    assert array() is None
    ad.sum(y).backward()


def test_memory_of_a_chain_is_what_backward_needs() -> None:
    x, size, steps = tracked(np.ones(10_000)), 80_000, 100
    tracemalloc.start()
    try:
        y = x
        for _ in range(steps):
            y = y + 1.0
        y = ad.sum(y)
        assert tracemalloc.get_traced_memory()[1] < 4 * size  # additions keep nothing
        z = x
        for _ in range(steps):
            z = np.tanh(z)
        z = ad.sum(z)
        tracemalloc.reset_peak()
        base = tracemalloc.get_traced_memory()[0]
        assert base < (steps + 4) * size  # each output once
        z.backward()
        assert tracemalloc.get_traced_memory()[1] < base + 6 * size  # gradients do not pile up
    finally:
        tracemalloc.stop()


# Threads


def run_together(work: Callable[[int], None], count: int = 8) -> None:
    start = threading.Barrier(count)

    def begin(number: int) -> None:
        start.wait(timeout=60)
        work(number)

    threads = [threading.Thread(target=begin, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_eight_threads_with_one_in_no_grad() -> None:
    w, problems = tracked(np.linspace(-1.0, 1.0, 1000)), []

    def work(number: int) -> None:
        for step in range(30):
            x = np.full(1000, number + step / 100)
            if number == 0:
                with ad.no_grad():
                    if ad.sum(np.tanh(w * x)).requires_grad:
                        problems.append("no_grad was lost")
                continue
            g = ad.grad(lambda w, x=x: ad.sum(np.tanh(w * x)))(w)
            if not np.allclose(g, x / np.cosh(w.data * x) ** 2):
                problems.append(f"thread {number} got a wrong gradient")

    run_together(work)
    assert not problems
    assert w.grad is None


def test_threads_that_add_to_one_gradient_lose_nothing() -> None:
    w = tracked(np.zeros(2000))

    def work(number: int) -> None:
        for _ in range(100):
            ad.sum(w * 1.0).backward()

    run_together(work)
    np.testing.assert_array_equal(w.grad, np.full(2000, 800.0))


@pytest.mark.parametrize("axis", [0, -1, None])
def test_thousands_of_parts(axis: int | None) -> None:
    parts = [ad.Tensor([[float(i), 1.0]], requires_grad=True) for i in range(3000)]
    joined = ad.concatenate(parts, axis)
    slopes = np.arange(joined.size, dtype=float).reshape(joined.shape)
    ad.sum(joined * slopes).backward()
    pieces = np.split(slopes, 3000, 0 if axis is None else axis)
    for part, piece in zip(parts, pieces, strict=True):
        np.testing.assert_array_equal(part.grad, piece.reshape(1, 2))
