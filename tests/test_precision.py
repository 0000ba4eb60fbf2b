"""Derivatives keep their digits: far out in the tails, and in short dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad

FAR = 40.0


@pytest.mark.parametrize(
    ("f", "at", "first", "second"),
    [
        (ad.tanh, FAR, 4 * np.exp(-2 * FAR), -8 * np.exp(-2 * FAR)),
        (ad.tanh, -FAR, 4 * np.exp(-2 * FAR), 8 * np.exp(-2 * FAR)),
        (ad.sigmoid, FAR, np.exp(-FAR), -np.exp(-FAR)),
        (ad.sigmoid, -FAR, np.exp(-FAR), np.exp(-FAR)),
        (ad.softplus, FAR, 1.0, np.exp(-FAR)),
        (ad.softplus, -FAR, np.exp(-FAR), np.exp(-FAR)),
        (ad.log_sigmoid, FAR, np.exp(-FAR), -np.exp(-FAR)),
        (ad.log_sigmoid, -FAR, 1.0, -np.exp(-FAR)),
        (ad.silu, -FAR, (1 - FAR) * np.exp(-FAR), (2 - FAR) * np.exp(-FAR)),
    ],
)
@pytest.mark.parametrize("kind", [np.float64, ad.Scalar])
def test_tails_without_cancellation(f: Any, at: float, first: float, second: float, kind: Any):
    assert float(ad.grad(f)(kind(at))) == pytest.approx(first, rel=1e-12)
    assert float(ad.grad(ad.grad(f))(kind(at))) == pytest.approx(second, rel=1e-12)


def test_tails_in_float32():
    slope = ad.grad(ad.tanh)(np.float32(9))
    assert slope.dtype == np.float32
    assert slope == pytest.approx(4 * np.exp(-18.0), rel=1e-5)


def test_a_mean_of_more_than_float16_counts():
    many = np.ones(70_000, np.float16)
    slopes = ad.grad(ad.mean)(many)
    assert slopes.dtype == np.float16
    np.testing.assert_allclose(slopes, 1 / 70_000, rtol=1e-2)
    loss = ad.cross_entropy(np.zeros((70_000, 2), np.float16), np.zeros(70_000, int))
    assert loss.item() == pytest.approx(np.log(2), rel=1e-3)
