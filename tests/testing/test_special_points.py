"""Gradients that are wrong at single points only, and points at which little can be known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import AutodiffError
from autodiff.testing import GradientError, check_gradients

X = np.array([0.0, 1.0, 2.0])

AT_ONE_POINT: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "0 at 0": (lambda x: 3 * x, lambda g, x: 3 * g * (x != 0)),
    "0 at 1": (np.sin, lambda g, x: g * np.cos(x) * (x != 1)),
    "masked": (np.exp, lambda g, x: g * np.exp(x) * (x > 0)),
    "10 % off at 2": (np.sin, lambda g, x: g * np.cos(x) * np.where(x == 2, 1.1, 1.0)),
}


@pytest.mark.parametrize("name", AT_ONE_POINT)
def test_wrong_at_one_point_is_wrong(name: str) -> None:
    f, vjp = AT_ONE_POINT[name]
    with pytest.raises(GradientError, match="wrong in 1 of 3"):
        check_gradients(f, X, vjp=vjp)


def test_a_forward_that_gives_other_values_each_time_is_named() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(GradientError, match="a second call of the forward gives another value"):
        check_gradients(lambda x: x * rng.random(), X, vjp=lambda g, x: g * 0.5)


@pytest.mark.parametrize("slope", [-np.inf, np.nan])
def test_an_infinite_slope_has_a_sign(slope: float) -> None:
    root = lambda right: lambda g, x: g * np.where(x == 0, right, 0.5 / np.sqrt(x))  # noqa: E731
    inputs = np.array([0.0, 1.0, 4.0])
    assert check_gradients(np.sqrt, inputs, vjp=root(np.inf), cotangent=np.ones(3)).ok
    with pytest.raises(GradientError, match="wrong in 1 of 3"):
        check_gradients(np.sqrt, inputs, vjp=root(slope), cotangent=np.ones(3))


def test_nothing_is_known_where_values_beside_the_point_are_not() -> None:
    def entropy(p: Any) -> Any:
        return np.sum(p * np.log(p)) if abs(p.sum() - 1) < 1e-9 else np.nan

    with pytest.raises(GradientError, match="cannot be decided in 3 of 3 entries: the values"):
        check_gradients(entropy, np.array([0.2, 0.3, 0.5]), vjp=lambda g, p: g * (np.log(p) + 1))


def test_a_budget_that_is_used_up_accuses_nobody() -> None:
    with pytest.raises(GradientError, match="max_evals= is used up"):
        check_gradients(np.square, X, vjp=lambda g, x: 2 * g * x, max_evals=10, checks="none")


def test_taylors_rate_is_that_of_small_steps() -> None:
    right = lambda g, x: g * np.cos(x)  # noqa: E731
    assert check_gradients(np.sin, np.array(1024.0), vjp=right, order=2).ok
    with pytest.raises(GradientError, match="does not fall as the square"):
        check_gradients(np.sin, X, vjp=lambda g, x: 1.0001 * right(g, x), order=2, rtol=1e-2)


def test_single_entries_of_a_large_input_full_of_kinks() -> None:
    zeros = np.zeros(300)
    assert check_gradients(ad.relu, zeros).ok
    with pytest.raises(GradientError, match="wrong in 24 of 24 entries looked at, of 300"):
        check_gradients(ad.relu, zeros, vjp=lambda g, x: 2 * g)


def test_a_jump_is_not_a_slope() -> None:
    assert check_gradients(ad.floor, np.array([4.0, 2.5, 1.25])).ok


def test_what_was_seen_does_not_hide_what_explains_the_values() -> None:
    with pytest.raises(GradientError) as caught:
        check_gradients(ad.relu, np.array([-1.0, 2.0, -3.0]), vjp=lambda g, x: g)
    assert "a mask or clip is forgotten" in str(caught.value)
    assert "shares memory with the cotangent" in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"rtol": np.nan}, {"rtol": -1}, {"rtol": "a"}, {"atol": None}, {"projections": 0},
        {"max_evals": "x"}, {"seed": "a"}, {"seed": -1}, {"checks": 3}, {"cotangent": "a"},
        {"cotangent": (X, X)}, {"cotangent": X * 1j}, {"cotangent": X * np.nan},
    ],
    ids=str,
)  # fmt: skip
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(AutodiffError, match=next(iter(options))):
        check_gradients(np.sin, X, **options)
