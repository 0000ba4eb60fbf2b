"""A zero cotangent contributes exactly zero, whatever the local derivative is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.sparse import Product, RowGrad
from autodiff.strong_zero import has_nan

# The forward meets inf and nan on purpose.
pytestmark = [
    pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning"),
]

Function = Callable[[Any], Any]


def gradient(f: Function, x: Any) -> Any:
    return ad.grad(lambda x: ad.sum(f(x)), allow_unused=True)(np.array(x))


BAD = {
    "log of zero": (np.log, 0.0), "log of a negative": (np.log, -1.0),
    "sqrt of zero": (np.sqrt, 0.0), "sqrt of a negative": (np.sqrt, -1.0),
    "a pole": (lambda x: 1 / x, 0.0),
    "a negative power of zero": (lambda x: x**-2.0, 0.0), "overflow": (np.exp, 1000.0),
    "arcsin beyond its domain": (np.arcsin, 2.0), "nan itself": (np.sin, np.nan),
    "infinity": (lambda x: x * x, np.inf), "0/0": (lambda x: x / x, 0.0),
    "arctanh at its pole": (np.arctanh, 1.0),
    "inf - inf": (lambda x: np.exp(x) - np.exp(x), 1000.0),
    "a chain": (lambda x: np.sin(np.sqrt(-np.log(x))), 0.0),
    "a fork": (lambda x: np.log(x) * np.sqrt(x), 0.0),
}  # fmt: skip
bad = pytest.mark.parametrize(("f", "at"), BAD.values(), ids=BAD)


@bad
def test_where(f: Function, at: float) -> None:
    x = np.array([at, 0.5])
    good = np.array([False, True])
    expected = [3.0, gradient(f, [0.5])[0]]
    np.testing.assert_array_equal(gradient(lambda x: ad.where(good, f(x), 3 * x), x), expected)
    np.testing.assert_array_equal(gradient(lambda x: ad.where(~good, 3 * x, f(x)), x), expected)


@bad
def test_slices_and_indices(f: Function, at: float) -> None:
    x = np.array([at, 0.5, at])
    expected = [0.0, gradient(f, [0.5])[0], 0.0]
    for index in (slice(1, 2), 1, [1], np.array([False, True, False]), (1, None)):
        np.testing.assert_array_equal(gradient(lambda x, i=index: f(x)[i], x), expected)


@bad
def test_a_factor_of_zero(f: Function, at: float) -> None:
    weights = np.array([0.0, 2.0])
    expected = [0.0, 2 * gradient(f, [0.5])[0]]
    np.testing.assert_array_equal(gradient(lambda x: f(x) * weights, [at, 0.5]), expected)
    mask = weights > 0
    np.testing.assert_array_equal(gradient(lambda x: f(x) * mask * 2, [at, 0.5]), expected)


@bad
def test_a_row_left_out_of_a_sum(f: Function, at: float) -> None:
    x = np.array([[at, 1.0], [0.5, 0.25]])
    for reduce in (lambda y: ad.sum(y, axis=1)[1], lambda y: ad.mean(y, axis=1)[1] * 2,
                   lambda y: ad.sum(y, axis=1, keepdims=True)[1],
                   lambda y: ad.sum(ad.transpose(y), axis=0)[1]):  # fmt: skip
        found = gradient(lambda x, r=reduce: r(f(x)), x)
        np.testing.assert_array_equal(found[0], [0.0, 0.0])
        np.testing.assert_allclose(found[1], gradient(f, x[1]), rtol=1e-15)


@bad
def test_padding_masked_out_after_a_matmul(f: Function, at: float) -> None:
    # A batch of sequences: the padded rows may hold anything.
    x, W = np.array([[at, 1.0], [0.5, 0.25]]), np.array([[1.0, 2.0], [3.0, 4.0]])
    mask = np.array([[0.0], [1.0]])
    clean = np.where(mask > 0, x, 0.5)
    for product in (lambda h, W: h @ W, lambda h, W: ad.linear(h, W), lambda h, W: (h @ W) + W[0]):
        for cut in (lambda y: ad.sum(y * mask), lambda y: ad.sum(ad.where(mask > 0, y, 0.0)),
                    lambda y: ad.sum(y[1])):  # fmt: skip
            loss = lambda x, W, p=product, c=cut: c(p(f(x), W))  # noqa: E731
            found, expected = (ad.grad(loss, (0, 1))(v, W) for v in (x, clean))
            for a, e in zip(found, expected):
                np.testing.assert_allclose(a, e, rtol=1e-14)


def test_a_bad_weight_that_a_zero_input_multiplies() -> None:
    # dL/dx is inf where it has to be, dL/dW is exactly zero where x is.
    x, W = np.array([[0.0, 1.0]]), np.array([[np.inf, 2.0], [3.0, 4.0]])
    gx, gW = ad.grad(lambda x, W: (x @ W)[0, 1], (0, 1))(x, W)
    np.testing.assert_array_equal(gx, [[2.0, 4.0]])
    np.testing.assert_array_equal(gW, [[0.0, 0.0], [0.0, 1.0]])


def test_matmul_in_all_ranks() -> None:
    for shape in ((3,), (2, 3), (2, 2, 3)):
        x = np.ones(shape)
        x.reshape(-1, 3)[0] = np.nan
        W = np.arange(6.0).reshape(3, 2)
        keep = np.ones((*shape[:-1], 1)) if x.ndim > 1 else np.zeros(1)
        keep.reshape(-1)[0] = 0.0
        gx, gW = ad.grad(lambda x, W: ad.sum((x @ W) * keep), (0, 1))(x, W)  # noqa: B023
        filled = np.nan_to_num(x)
        ex, eW = ad.grad(lambda x, W: ad.sum((x @ W) * keep), (0, 1))(filled, W)  # noqa: B023
        np.testing.assert_array_equal(gx, ex)
        np.testing.assert_array_equal(gW, eW)


@bad
def test_softmax_and_its_kin(f: Function, at: float) -> None:
    x = np.array([[at, 1.0], [0.5, 0.25]])
    for normalise in (
        ad.softmax,
        ad.log_softmax,
        lambda y: y - ad.logsumexp(y, axis=-1, keepdims=True),
    ):
        found = gradient(lambda x, n=normalise: n(f(x))[1] * np.array([1.0, 2.0]), x)
        np.testing.assert_array_equal(found[0], [0.0, 0.0])
        assert np.isfinite(found[1]).all()


@bad
def test_second_order(f: Function, at: float) -> None:
    x = np.array([at, 0.5])
    first = lambda x: ad.grad(lambda x: ad.sum(ad.where([False, True], f(x), x * x)))(x)  # noqa: E731
    found = gradient(first, x)
    expected = gradient(lambda x: ad.grad(lambda x: ad.sum(f(x)))(x), [0.5])
    np.testing.assert_allclose(found, [2.0, expected[0]], rtol=1e-14)


def test_a_true_nan_stays() -> None:
    # Not everything is zero: what was used and has no derivative says so.
    assert np.isnan(gradient(np.sqrt, [-1.0]))[0]
    assert gradient(np.log, [0.0])[0] == np.inf
    found = gradient(lambda x: np.log(x) * x, [0.0, 1.0])
    assert not np.isfinite(found[0]) and found[1] == 1.0
    found = gradient(lambda x: ad.where([True, True], np.sqrt(x), 0.0), [-1.0, 4.0])
    assert np.isnan(found[0]) and found[1] == 0.25


def test_a_nan_from_outside_is_handed_on() -> None:
    x = ad.Tensor([1.0, 2.0], requires_grad=True)
    (x * x).backward([np.nan, 1.0])
    np.testing.assert_array_equal(x.grad, [np.nan, 4.0])


def test_a_nan_that_a_zero_did_not_make_is_never_cleared() -> None:
    # Ops that mix entries: a zero in one place of the cotangent excuses no other place.
    x = np.array([[np.nan, 1.0], [2.0, 3.0]])
    v = np.array([[0.0, 1.0], [0.0, 0.0]])
    for f in (ad.linalg.inv, ad.softmax, lambda x: ad.cumprod(x, axis=1)):
        assert np.isnan(gradient(lambda x, f=f: f(x) * v, x)).any()
    turned = ad.Tensor(np.ones((2, 2)), requires_grad=True)
    ad.transpose(turned).backward([[0.0, np.nan], [0.0, 1.0]])
    np.testing.assert_array_equal(turned.grad, [[0.0, 0.0], [np.nan, 1.0]])
    rolled = ad.Tensor(np.ones(3), requires_grad=True)
    ad.roll(rolled, 1).backward([np.nan, 0.0, 1.0])
    np.testing.assert_array_equal(rolled.grad, [0.0, 1.0, np.nan])


def test_a_matrix_of_a_batch_that_is_not_used() -> None:
    x = np.array([np.full((2, 2), np.nan), [[2.0, 1.0], [1.0, 3.0]]])
    for f in (ad.linalg.inv, ad.linalg.det, ad.linalg.cholesky):
        found = gradient(lambda x, f=f: f(x)[1], x)
        np.testing.assert_array_equal(found[0], np.zeros((2, 2)))
        np.testing.assert_array_equal(found[1], gradient(f, x[1]))


def test_entropy_of_a_distribution_with_zeros() -> None:
    p = np.array([0.0, 0.25, 0.75])
    found = gradient(lambda p: ad.where(p > 0, p * np.log(p), 0.0), p)
    np.testing.assert_allclose(found, [0.0, *(np.log(p[1:]) + 1)], rtol=1e-14)


def test_the_norm_of_a_row_that_is_zero_and_not_used() -> None:
    x = np.array([[0.0, 0.0], [3.0, 4.0]])
    found = gradient(lambda x: ad.where([False, True], np.sqrt(ad.sum(x * x, axis=1)), 0.0), x)
    np.testing.assert_allclose(found, [[0.0, 0.0], [0.6, 0.8]], rtol=1e-15)


def test_scalars() -> None:
    for f, at in BAD.values():
        x = ad.Scalar(at)
        (f(x) * 0.0 + 3.0 * x).backward()
        assert x.grad == 3.0


def test_dtype_is_kept_in_the_careful_sweep() -> None:
    x = np.array([0.0, 0.5], np.float32)
    found = ad.grad(lambda x: ad.sum(np.log(x) * np.array([0.0, 1.0], np.float32)))(x)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [0.0, 2.0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.0, False), (np.nan, True), (np.inf, False), (np.array([1.0, np.nan]), True),
        (np.array([np.inf, -np.inf]), False), (np.array([1e200, 1e200]), False),
        (np.array([]), False), (np.float32(np.nan), True), (np.array([[1.0], [np.nan]]), True),
        (ad.Tensor([np.nan]), True), (ad.Scalar(np.nan), True), ((1.0, np.array([np.nan])), True),
        (RowGrad(np.array([0]), np.array([[np.nan]]), (2, 1)), True),
        (RowGrad(np.array([0]), np.array([[1.0]]), (2, 1)), False),
        (Product([(np.ones((1, 2)), np.ones((1, 2)))]), False),
        (np.full((2, 3), np.inf).T[::-1], False),
    ],
)  # fmt: skip
def test_has_nan(value: Any, expected: bool) -> None:
    assert has_nan(value) is expected


def test_a_product_of_what_goes_before_an_infinity() -> None:
    x = np.array([2.0, 3.0, np.inf])
    found = ad.grad(lambda x: ad.sum(ad.cumprod(x)[:2]))(x)
    np.testing.assert_array_equal(found, [4.0, 2.0, 0.0])
