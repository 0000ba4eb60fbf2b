"""Every public op at every sample of `tests/ops/samples_*.py`, against numpy and differences."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests import differences
from tests.differences import assert_close
from tests.ops.case import (
    CASES,
    CURVED,
    NUMBERS,
    PAIRS,
    SAMPLES,
    SMOOTH,
    Case,
    dense,
    each,
    gradients,
    inner,
    inner_plain,
    like,
    plain,
)

EXACT, CLOSE = 1e-9, 2e-6


def test_every_public_op_has_samples() -> None:
    assert not set(ad.FUNCTIONS) - set(SAMPLES)


def test_every_sample_is_of_a_public_op() -> None:
    assert not set(SAMPLES) - set(ad.FUNCTIONS)


@each(CASES)
def test_value(case: Case) -> None:
    actual, expected = case.values(*map(ad.Tensor, case.inputs)), case.reference(*case.inputs)
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        assert_close(plain(a), e, 1e-12, str(case))
        assert plain(a).dtype == np.asarray(e).dtype


@each(CASES)
def test_same_value_tracked_and_through_numpy(case: Case) -> None:
    expected = case.results
    ways = [f for f, ours in ad.DISPATCH.items() if ours is ad.FUNCTIONS[case.name]]
    for way in [None, *ways]:
        leaves = [ad.Tensor(x, requires_grad=True) for x in case.inputs]
        for a, e in zip(case.values(*leaves, of=way), expected, strict=True):
            np.testing.assert_array_equal(plain(a), e)


@each(SMOOTH)
def test_vjp(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    expected = differences.gradient(lambda *x: inner_plain(case.plain(*x), vs), xs)
    exact = differences.complex_step(lambda *x: inner_plain(case.reference(*x), vs), xs)
    for i, actual in enumerate(case.gradients):
        assert_close(actual, expected[i], CLOSE, f"argument {i}")
        if exact and np.allclose(exact[i], expected[i], rtol=1e-6, atol=1e-6):
            assert_close(actual, exact[i], EXACT, f"argument {i}, complex step")


@each(CASES)
def test_vjp_of_one_argument_alone(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    for i, expected in enumerate(case.gradients):
        alone = lambda x, i=i: case.values(*xs[:i], x, *xs[i + 1 :])  # noqa: E731
        (actual,) = ad.vjp(alone, xs[i])[1](tuple(vs))
        assert_close(dense(actual), expected, EXACT, f"argument {i}")


@each(CASES)
def test_jvp(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    ts = like(xs, seed=2)
    values, tangents = ad.jvp(case.values, tuple(xs), tuple(ts))
    for tangent, value in zip(tangents, values, strict=True):
        assert np.shape(tangent) == np.shape(value)
    backwards = inner_plain(case.gradients, ts)
    assert_close(inner_plain(tangents, vs), backwards, EXACT)


@each(CASES)
def test_jvp_along_one_argument(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    ts, gs = like(xs, seed=2), case.gradients
    for i, t in enumerate(ts):
        alone = lambda x, i=i: case.values(*xs[:i], x, *xs[i + 1 :])  # noqa: E731
        _, tangents = ad.jvp(alone, (xs[i],), (t,))
        assert_close(inner_plain(tangents, vs), np.sum(gs[i] * t), EXACT, f"argument {i}")


@each(CURVED)
def test_higher_orders(case: Case) -> None:
    xs, vs, ts = case.inputs, case.cotangents(), like(case.inputs, seed=2)

    def derivative(order: int) -> Callable[..., Any]:
        """Derivative of <v, f(x)> along t, so many times."""
        if order == 0:
            return lambda *x: inner(case.values(*x), vs)
        below = slope(order)
        return lambda *x: inner(below(*x), ts)

    def slope(order: int) -> Callable[..., Any]:
        return ad.grad(derivative(order - 1), tuple(range(len(xs))), allow_unused=True)

    for order in range(2, case.sample.order + 1):
        lower = slope(order - 1)
        for i, actual in enumerate(slope(order)(*xs)):
            expected = differences.directional(lambda *x: dense(lower(*x)[i]), xs, ts)  # noqa: B023
            assert_close(dense(actual), expected, CLOSE, f"order {order}, argument {i}")


@each(CURVED)
def test_second_order_every_way(case: Case) -> None:
    xs, vs, ts = case.inputs, case.cotangents(), like(case.inputs, seed=2)
    every = tuple(range(len(xs)))

    def forwards(*x: Any) -> Any:
        return inner(ad.jvp(case.values, x, tuple(ts))[1], vs)

    def backwards(*x: Any) -> Any:
        return inner(ad.vjp(case.values, *x)[1](tuple(vs)), ts)

    expected = ad.grad(backwards, every, allow_unused=True)(*xs)
    reverse_over_forward = ad.grad(forwards, every, allow_unused=True)(*xs)
    forward_over_reverse = ad.hvp(lambda *x: inner(case.values(*x), vs), tuple(xs), tuple(ts))
    for i, e in enumerate(expected):
        assert_close(dense(reverse_over_forward[i]), dense(e), EXACT, f"argument {i}")
        assert_close(dense(forward_over_reverse[i]), dense(e), EXACT, f"argument {i}")


@each(CURVED)
def test_derivative_by_the_cotangent_is_the_jvp(case: Case) -> None:
    xs, vs, ts = case.inputs, case.cotangents(), like(case.inputs, seed=2)

    def pulled(*v: Any) -> Any:
        return inner(ad.vjp(case.values, *xs)[1](v), ts)

    tangents = ad.jvp(case.values, tuple(xs), tuple(ts))[1]
    found = ad.grad(pulled, tuple(range(len(vs))), allow_unused=True)(*vs)
    for actual, expected in zip(found, tangents, strict=True):
        assert_close(dense(actual), expected, EXACT)


@each(CASES, dtype=[np.float32, np.float16])
def test_dtype_is_kept(case: Case, dtype: type) -> None:
    xs = [x.astype(dtype) for x in case.inputs]
    with np.errstate(all="ignore"):
        try:
            values, pullback = ad.vjp(case.values, *xs)
        except ad.errors.DTypeError:
            assert dtype == np.float16, "float32 is for every op"
            with pytest.raises(TypeError):  # numpy's linear algebra has no float16
                case.reference(*xs)
            return
        vs = [np.asarray(v, dtype) for v in like(values, 1)]
        ts = tuple(np.asarray(t, dtype) for t in like(xs, 2))
        found, tangents = pullback(tuple(vs)), ad.jvp(case.values, tuple(xs), ts)[1]
        # Beside integer arrays, and in a few functions, numpy goes to float64.
        numpys = [dtype] * len(values) if case.sample.numpy else case.reference(*xs)
        numpys = [np.dtype(np.float64)] if case.name == "astype" else numpys
    assert [f.dtype for f in found] == [dtype] * len(xs)
    for value, tangent, expected in zip(values, tangents, numpys, strict=True):
        assert value.dtype in (dtype, getattr(expected, "dtype", expected))
        assert tangent.dtype == value.dtype


@each(SMOOTH)
def test_float32_gradient_is_close(case: Case) -> None:
    vs = case.cotangents()
    xs = [x.astype(np.float32) for x in case.inputs]
    expected = gradients(case, [x.astype(np.float64) for x in xs], vs)
    for actual, e in zip(gradients(case, xs, vs), expected, strict=True):
        assert_close(actual, e, 2e-3)


SHAPES = [((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)), ((), (2, 3)), ((2, 3), ()),
          ((1, 1), (3,))]  # fmt: skip


@each(PAIRS, shapes=SHAPES)
def test_broadcasting(case: Case, shapes: tuple[Any, Any]) -> None:
    xs = [np.resize(x.ravel(), shape) for x, shape in zip(case.inputs, shapes, strict=True)]
    full = [np.array(b) for b in np.broadcast_arrays(*xs)]
    (value,), pullback = ad.vjp(case.values, *xs)
    np.testing.assert_array_equal(value, case.plain(*full)[0])
    (v,) = like([value], 1)
    for actual, whole, x in zip(pullback((v,)), gradients(case, full, [v]), xs, strict=True):
        axes = (*range(v.ndim - x.ndim), *(-k for k in range(1, x.ndim + 1) if x.shape[-k] == 1))
        expected = np.sum(whole, axis=axes, keepdims=True) if axes else whole
        assert_close(actual, expected.reshape(x.shape), EXACT)


@each(NUMBERS)
def test_scalars(case: Case) -> None:
    numbers = [float(x.ravel()[0]) for x in case.inputs]
    for tracked in range(1, 1 << len(numbers)):
        leaves = [ad.Scalar(n) if tracked >> i & 1 else n for i, n in enumerate(numbers)]
        (out,) = case.values(*leaves)
        assert type(out) is ad.Scalar
        assert_close(out.data, case.plain(*map(np.array, numbers))[0], 1e-12)
        out.backward()
        expected = gradients(case, [*map(np.array, numbers)], [np.array(1.0)])
        for leaf, e in zip(leaves, expected, strict=True):
            assert not isinstance(leaf, ad.Scalar) or abs(leaf.grad - e) <= EXACT * max(1, abs(e))


@each(NUMBERS)
def test_scalars_second_order(case: Case) -> None:
    def curvature(*xs: Any) -> Any:
        first = ad.grad(lambda *x: case.values(*x)[0], every, allow_unused=True)
        return ad.grad(lambda *x: sum(first(*x)) * 1.0, every, allow_unused=True)(*xs)

    numbers = [float(x.ravel()[0]) for x in case.inputs]
    every = tuple(range(len(numbers)))
    expected = curvature(*map(np.array, numbers))
    for actual, e in zip(curvature(*map(ad.Scalar, numbers)), expected, strict=True):
        assert_close(plain(actual), e, EXACT)


@each(CASES)
def test_0d_inputs(case: Case) -> None:
    check_reshaped(case, [np.array(x.ravel()[0]) if x.size else x for x in case.inputs])


@each(CASES)
def test_empty_inputs(case: Case) -> None:
    check_reshaped(case, [x[:0] if x.ndim else x for x in case.inputs])


def check_reshaped(case: Case, xs: list[np.ndarray]) -> None:
    """Value and gradients as numpy has them, or refused where numpy refuses.

    A reference of our own may be stricter or laxer than the op, so there either may refuse.
    """
    own = case.sample.numpy is not None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = attempt(case.reference, xs)
        try:
            values, pullback = ad.vjp(case.values, *xs)
        except (ad.errors.AutodiffError, IndexError, np.linalg.LinAlgError):
            assert expected is None or own
            return
        assert expected is not None or own, "numpy refuses this"
        for a, e in zip(values, expected or values, strict=True):
            assert_close(a, e, 1e-12)
        vs, ts = like(values, 1), like(xs, 2)
        found = [dense(g) for g in pullback(tuple(vs))]
        assert [g.shape for g in found] == [x.shape for x in xs]
        tangents = ad.jvp(case.values, tuple(xs), tuple(ts))[1]
        if all(np.all(np.isfinite(v)) for v in values):  # the mean of nothing is nan
            assert_close(inner_plain(tangents, vs), inner_plain(found, ts), EXACT)


def attempt(f: Callable[..., Any], args: list[np.ndarray]) -> Any:
    try:
        return f(*args)
    except (ValueError, TypeError, IndexError, ZeroDivisionError, np.linalg.LinAlgError):
        return None


def fortran(x: np.ndarray) -> ad.Tensor:
    return ad.Tensor(np.array(x, order="F"), requires_grad=True)


def strided(x: np.ndarray) -> ad.Tensor:
    return ad.Tensor(np.repeat(x, 2, axis=-1), requires_grad=True)[..., ::2] if x.ndim else whole(x)


def reversed_(x: np.ndarray) -> ad.Tensor:
    back = (slice(None, None, -1),) * x.ndim
    return ad.Tensor(x[back], requires_grad=True)[back]


def read_only(x: np.ndarray) -> ad.Tensor:
    made = whole(x)
    made.data  # noqa: B018 - from now on nobody may write into it
    return made


def whole(x: np.ndarray) -> ad.Tensor:
    return ad.Tensor(x, requires_grad=True)


@each(CASES, layout=[fortran, strided, reversed_, read_only])
def test_layout_does_not_matter(case: Case, layout: Callable[..., ad.Tensor]) -> None:
    xs, vs = case.inputs, case.cotangents()
    leaves = [layout(x).retain_grad() for x in xs]
    values = case.values(*leaves)
    inner(values, vs).backward()
    for leaf, expected in zip(leaves, case.gradients, strict=True):
        assert_close(dense(leaf.grad), expected, EXACT)
    for a, e in zip(values, case.results, strict=True):
        assert_close(plain(a), e, 1e-12)


@each(CASES)
def test_cotangent_of_any_layout(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    turned = lambda *x: tuple(np.transpose(o) for o in case.values(*x))  # noqa: E731
    summed = lambda *x: tuple(map(ad.sum, case.values(*x)))  # noqa: E731 - a broadcast array
    of_ones = gradients(case, xs, [np.ones_like(v) for v in vs])
    for f, given, wanted in [
        (turned, [v.T.copy() for v in vs], case.gradients), (summed, [1.0] * len(vs), of_ones)
    ]:  # fmt: skip
        found = ad.vjp(f, *xs)[1](tuple(given))
        for actual, expected in zip(found, wanted, strict=True):
            assert_close(dense(actual), expected, EXACT)


@each(CASES)
def test_nothing_is_mutated_or_shared(case: Case) -> None:
    xs, vs = case.inputs, case.cotangents()
    leaves = [ad.Tensor(x, requires_grad=True) for x in xs]
    results = case.values(*leaves)
    before = [plain(r).copy() for r in results]
    for r, v in zip(results, vs, strict=True):
        if getattr(r, "requires_grad", False):
            r.backward(v)
    for x, leaf, original in zip(xs, leaves, case.inputs, strict=True):
        np.testing.assert_array_equal(x, original)
        np.testing.assert_array_equal(leaf.data, original)
    for array, original in zip([*map(plain, results), *vs], [*before, *case.cotangents()],
                               strict=True):  # fmt: skip
        np.testing.assert_array_equal(array, original)
    found = [dense(leaf.grad) for leaf in leaves if leaf.grad is not None]
    held = [*xs, *vs, *(plain(r) for r in results), *(leaf.data for leaf in leaves)]
    for i, g in enumerate(found):
        assert g.flags.writeable or not g.ndim
        assert not any(np.shares_memory(g, other) for other in held + found[:i])
