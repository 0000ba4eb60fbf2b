"""Right gradients of functions whose values are rough, and wrong ones of the same functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import GradientError, check_gradients

Vjp = Callable[..., Any]

ROUGH: dict[str, tuple[Callable[..., Any], Vjp, float]] = {
    "1 - cos": (lambda x: 1 - np.cos(x), lambda g, x: g * np.sin(x), 1e-4),
    "log(1 + exp)": (lambda x: np.log(1 + np.exp(-x)), lambda g, x: -g / (1 + np.exp(x)), 25.0),
    "a large number added": (lambda x: (np.exp(x) + 1e8) - 1e8, lambda g, x: g * np.exp(x), 0.3),
    "float32 within": (
        lambda x: np.sin(x.astype(np.float32)).astype(float), lambda g, x: g * np.cos(x), 0.5,
    ),
}  # fmt: skip
"""Functions that lose digits within, their gradients, and where."""


@pytest.mark.parametrize("name", ROUGH)
def test_rounding_within_a_function_accuses_nobody(name: str) -> None:
    f, vjp, x = ROUGH[name]
    assert check_gradients(f, np.array([x, 1.0]), vjp=vjp).ok


@pytest.mark.parametrize("name", ROUGH)
def test_nor_does_it_hide_a_mistake(name: str) -> None:
    f, vjp, x = ROUGH[name]
    with pytest.raises(GradientError, match="wrong in 2 of 2"):
        check_gradients(f, np.array([x, 1.0]), vjp=lambda g, x: 1.1 * vjp(g, x))


FINE = {
    "rint": (np.rint, [1024.25, 2.25, 8e6 + 0.25]),
    "floor": (np.floor, [2.5, 1000.5, -0.25]),
    "sinc": (np.sinc, [2097152.0, 1572864.0, 0.5]),
    "sin": (np.sin, [1e6, 12345.678, 3.0]),
}
"""Functions with steps or waves that are finer than large steps of a difference quotient."""


@pytest.mark.parametrize("name", FINE)
def test_what_only_small_steps_show_is_seen(name: str) -> None:
    f, x = FINE[name]
    assert check_gradients(f, np.array(x)).ok


def test_straight_through_is_not_the_gradient_of_rounding() -> None:
    with pytest.raises(GradientError, match="wrong in 2 of 2"):
        check_gradients(np.rint, np.array([2.25, -0.75]), vjp=lambda g, x: g.copy())


@pytest.mark.parametrize("x", [[4096.0, 256.0], [1e-6, 1e6], [1e-300, 1.0], [0.0, 1e-8]])
def test_entries_of_very_different_size(x: list[float]) -> None:
    for f in (np.tanh, np.sin, ad.softplus):
        assert check_gradients(f, np.array(x)).ok


def test_results_that_are_not_finite_are_not_judged() -> None:
    report = check_gradients(np.exp, np.array([1024.0, 1.0, 2.0]))
    assert report.undecided == 1


def test_products_that_vanish_accuse_nobody() -> None:
    tiny = np.array([1e-174, 1.0, 2.0])
    assert check_gradients(np.multiply, tiny, tiny).ok


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_may_lose_half_of_the_digits_to_cancellation(dtype: Any) -> None:
    x = np.array([[3.0, -1.0], [0.0, 0.5]], dtype)
    one_hot = np.array([[1.0, 0.0], [0.0, 0.0]], dtype)
    assert check_gradients(ad.softmax, x, cotangent=one_hot).ok
