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


# Hooks and kept gradients


def test_hooks_see_and_replace_the_gradient() -> None:
    for x, one in ((tracked(2.0), np.float64(1)), (ad.Scalar(2.0), 1.0)):
        seen = []
        y = x * 3.0
        y.register_hook(seen.append)
        y.register_hook(lambda g: g * 10)
        remove = y.register_hook(lambda g: g + 1)
        (y * y).backward()
        assert seen == [12.0 * one]
        assert x.grad == (12 * 10 + 1) * 3
        remove()
        x.zero_grad()
        (y * 1.0).backward()
        assert x.grad == 30.0


def test_a_hook_on_a_leaf_and_on_the_result() -> None:
    x = tracked()
    x.register_hook(lambda g: -g)
    y = ad.sum(x)
    y.register_hook(lambda g: g * 5)
    y.backward()
    np.testing.assert_array_equal(x.grad, [-5.0] * 3)


def test_a_hook_sees_the_sum_over_all_paths_once() -> None:
    seen = []
    x = tracked()
    y = x * 1.0
    y.register_hook(seen.append)
    ad.sum(y * y + y).backward()
    (g,) = seen
    np.testing.assert_array_equal(g, 2 * X + 1)


def test_a_hook_runs_once_though_a_nan_makes_the_sweep_run_twice() -> None:
    seen = []
    x = tracked([0.0, 1.0])
    y = x * 1.0
    y.register_hook(seen.append)
    with np.errstate(divide="ignore"):
        ad.sum(ad.where(x > 0, np.log(y), 0.0)).backward()
    assert len(seen) == 1


def test_a_hook_must_keep_the_shape() -> None:
    y = tracked() * 2
    y.register_hook(lambda g: g[:2])
    with pytest.raises(ShapeError, match=r"hook returned float64\(2,\)"):
        ad.sum(y).backward()


def test_a_hook_cannot_change_a_gradient_by_writing() -> None:
    def vandal(g: np.ndarray) -> None:
        g[:] = 99.0

    x = tracked()
    y, z = x * 2, x * 3
    y.register_hook(vandal)
    try:
        ad.sum(y + z).backward()
    except ValueError as error:  # refused, or harmless; never a wrong number
        assert "read-only" in str(error)
    else:
        np.testing.assert_array_equal(x.grad, [5.0] * 3)


def test_gradients_of_inner_values_are_kept_on_request() -> None:
    for x in (tracked(2.0), ad.Scalar(2.0)):
        y = (x * 3.0).retain_grad()
        z = y * y
        z.backward()
        assert (x.grad, y.grad, z.grad) == (36.0, 12.0, None)


def test_only_what_is_tracked_has_hooks_and_gradients() -> None:
    for call in (lambda t: t.register_hook(print), lambda t: t.retain_grad()):
        with pytest.raises(GraphError, match="requires_grad=True"):
            call(ad.Tensor(X))


# Ownership


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
        named = {"out": y._data, "x": x._data}
        saved = [next((n for n, v in named.items() if v is s), s) for s in y._node.saved]
        assert saved == kept


@pytest.mark.parametrize("f", [np.exp, np.cbrt, ad.sum, lambda x: x + 1.0, lambda x: x / 2.0])
def test_an_inner_value_that_no_rule_names_is_freed(f: Any) -> None:
    x = tracked()
    inner = x * 3.0
    array = weakref.ref(inner._data)
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
