"""Clipping gradients by their common norm."""

from __future__ import annotations

import math

import numpy as np
import pytest

import autodiff as ad
from autodiff import optim
from autodiff.errors import DomainError
from tests.step_rules import leaf


def norm_after(parameters):
    dense = [p.grad.dense() if isinstance(p.grad, ad.RowGrad) else p.grad for p in parameters]
    return math.sqrt(sum(float(np.sum(np.square(g, dtype=float))) for g in dense))


def test_clipping_shortens_all_gradients_alike():
    x, y, z, unused = leaf([0.0, 0.0]), leaf(0.0), ad.Scalar(0.0), leaf([0.0])
    x.grad, y.grad, z.grad = np.array([1.0, 2.0]), np.float64(2.0), 4.0
    assert optim.clip_grad_norm([x, y, z, unused], 1.0) == pytest.approx(5.0)
    np.testing.assert_allclose(x.grad, [0.2, 0.4])
    assert y.grad == pytest.approx(0.4) and z.grad == pytest.approx(0.8) and unused.grad is None
    assert norm_after([x, y, z]) == pytest.approx(1.0)


def test_short_gradients_stay_as_they_are():
    x = leaf([0.0, 0.0])
    x.grad = gradient = np.array([3.0, 4.0])
    assert optim.clip_grad_norm(iter([x]), 5.0) == 5.0
    assert x.grad is gradient
    assert optim.clip_grad_norm([], 1.0) == 0.0


def test_rows_that_occur_twice_count_as_their_sum():
    table = leaf(np.zeros((4, 2)))
    table.grad = ad.RowGrad(np.array([1, 1]), np.array([[3.0, 0.0], [0.0, 4.0]]), (4, 2))
    assert optim.clip_grad_norm([table], 1.0) == pytest.approx(5.0)
    assert isinstance(table.grad, ad.RowGrad) and norm_after([table]) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("dtype", "size"), [("float64", 1e200), ("float32", 1e30), ("float16", 6e4)]
)
def test_large_gradients_do_not_overflow(dtype, size):
    x = leaf(np.zeros(4), dtype)
    x.grad = np.full(4, size, dtype)
    assert optim.clip_grad_norm([x], 1.0) == pytest.approx(2 * size, rel=1e-3)
    assert x.grad.dtype == dtype
    np.testing.assert_allclose(x.grad, 0.5, rtol=1e-2)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_gradient_without_a_direction_stays(bad):
    x, y = leaf([0.0, 0.0]), leaf([0.0])
    x.grad, y.grad = np.array([bad, 1e9]), np.array([1e9])
    norm = optim.clip_grad_norm([x, y], 1.0)
    assert not math.isfinite(norm)
    np.testing.assert_array_equal(x.grad, [bad, 1e9])
    assert y.grad == 1e9


@pytest.mark.parametrize("limit", [0, -1, math.nan, math.inf])
def test_a_norm_is_above_zero(limit):
    with pytest.raises(DomainError, match="max_norm"):
        optim.clip_grad_norm([], limit)


def test_a_nan_is_told_from_an_infinity():
    x, y = leaf([0.0]), leaf([0.0])
    x.grad, y.grad = np.array([np.nan]), np.array([np.inf])
    assert math.isnan(optim.clip_grad_norm([x, y], 1.0))
    x.grad = np.array([np.inf])
    assert optim.clip_grad_norm([x, y], 1.0) == math.inf
