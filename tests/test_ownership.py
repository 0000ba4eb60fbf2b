"""No gradient shares memory with another, and no write by the user changes one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad

X = np.array([0.5, -1.0, 2.0])


def tracked(data: Any = X, **settings: Any) -> ad.Tensor:
    return ad.Tensor(data, requires_grad=True, **settings)


def assert_apart(*arrays: np.ndarray) -> None:
    for i, a in enumerate(arrays):
        assert not any(np.shares_memory(a, b) for b in arrays[:i])


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: a + b + a,
        lambda a, b: ad.reshape(a, (3, 1)) + ad.reshape(b, (3, 1)),
        lambda a, b: (+a) + (+b),
        lambda a, b: ad.transpose(a) + ad.transpose(b),
        lambda a, b: ad.concatenate([a, b, a]),
        lambda a, b: ad.stack([a, b]),
        lambda a, b: a[::-1] + b[:],
        lambda a, b: ad.broadcast_to(a, (2, 3)) + b,
        lambda a, b: ad.where(X > 0, a, b),
    ],
)
def test_gradients_share_memory_with_nothing(f: Any) -> None:
    a, b = tracked(), tracked()
    y = f(a, b)
    y.retain_grad()
    v = np.random.default_rng(0).normal(size=y.shape)
    given = v.copy()
    y.backward(v)
    assert_apart(a.grad, b.grad, y.grad, v, a.data, b.data, y.data)
    before = b.grad.copy()
    a.grad[:] = 7.0  # an optimiser may write into it
    np.testing.assert_array_equal(b.grad, before)
    np.testing.assert_array_equal(v, given)


def test_adding_up_does_not_write_into_an_earlier_gradient() -> None:
    x = tracked()
    ad.sum(x).backward()
    first = x.grad
    ad.sum(x).backward()
    np.testing.assert_array_equal(first, [1.0] * 3)
    np.testing.assert_array_equal(x.grad, [2.0] * 3)


def test_leaves_with_the_same_data_have_gradients_of_their_own() -> None:
    source = X.copy()
    a, b = tracked(source), tracked(source)
    ad.sum(a * b).backward()
    a.grad += 1
    np.testing.assert_array_equal(b.grad, X)


def test_pullbacks_may_be_called_again_and_their_results_written_into() -> None:
    _, pullback = ad.vjp(lambda a, b: a + b, X, X)
    v = np.ones(3)
    first = pullback(v)
    assert_apart(*first, v)
    first[0][:] = 99
    np.testing.assert_array_equal(pullback(v)[0], np.ones(3))


WRITES = {
    "operand on the right": lambda x, a: x * a,
    "operand on the left": lambda x, a: a * x,
    "operand of a function": lambda x, a: np.multiply(a, x),
    "operand of matmul": lambda x, a: x @ a,
    "operand of a power": lambda x, a: x**a,
    "condition": lambda x, a: ad.where(a > 0, x, 0.0),
    "bool index": lambda x, a: x[a > 0],
    "part of a list": lambda x, a: ad.stack([x, a]) * np.array([[1.0], [2.0]]) * ad.stack([x, a]),
}


@pytest.mark.parametrize("f", WRITES.values(), ids=WRITES)
def test_writing_into_an_operand_changes_no_gradient(f: Any) -> None:
    a, x, same = np.array([2.0, 3.0, -1.0]), tracked(np.abs(X)), tracked(np.abs(X))
    ad.sum(f(same, a.copy())).backward()
    y = ad.sum(f(x, a))
    a[:] = -7.0
    y.backward()
    np.testing.assert_array_equal(x.grad, same.grad)


INDICES = {
    "integers": (lambda x, i: x[i], np.array([0, 2, 2])),
    "a mask": (lambda x, i: x[i], np.array([True, False, True])),
    "a list": (lambda x, i: x[i], [0, 2, 2]),
    "a tuple of arrays": (lambda x, i: x[i,], np.array([0, 2, 2])),
    "take": (lambda x, i: ad.take(x, i), np.array([0, 2, 2])),
    "take_along_axis": (lambda x, i: ad.take_along_axis(x, i, 0), np.array([0, 2, 2])),
    "embedding": (lambda x, i: ad.embedding(ad.reshape(x, (3, 1)), i), np.array([0, 2, 2])),
    "condition": (lambda x, i: ad.where(i, x, 0.0), np.array([True, False, True])),
    "repeats": (lambda x, i: ad.repeat(x, i), np.array([1, 0, 2])),
    "at": (lambda x, i: x.at[i].multiply(2.0), np.array([0, 2])),
    "classes": (lambda x, i: ad.cross_entropy(ad.stack([x, x, x]), i), np.array([0, 2, 2])),
}


@pytest.mark.parametrize(("f", "index"), INDICES.values(), ids=INDICES)
def test_writing_into_an_index_changes_no_gradient(f: Any, index: Any) -> None:
    x, same = tracked(), tracked()
    weighted(f(same, index)).backward()
    y = weighted(f(x, index))
    index[:] = [type(index[0])(1)] * len(index)
    y.backward()
    np.testing.assert_array_equal(x.grad, same.grad)


def weighted(y: ad.Tensor) -> ad.Tensor:
    return ad.sum(y * np.reshape(np.arange(1.0, y.size + 1), y.shape))
