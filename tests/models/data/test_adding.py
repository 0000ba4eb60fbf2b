"""The adding problem: its numbers, its marks, its sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.data.adding import adding_problem

COUNT = 400


@pytest.mark.parametrize("steps", [2, 3, 9, 10])
def test_one_number_of_each_half_is_marked(steps: int) -> None:
    xs, _ = adding_problem(COUNT, steps, rng=0)
    marks = xs[:, :, 1]
    assert xs.shape == (steps, COUNT, 2)
    assert set(np.unique(marks)) <= {0, 1}
    assert (marks[: steps // 2].sum(axis=0) == 1).all()
    assert (marks[steps // 2 :].sum(axis=0) == 1).all()
    assert marks.sum(axis=1).all(), "a step that is never marked"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_targets_are_the_sums_of_what_is_marked(dtype: str) -> None:
    xs, targets = adding_problem(COUNT, 10, rng=0, dtype=dtype)
    assert (xs.dtype, targets.dtype) == (dtype, dtype)
    for sequence, target in zip(xs.swapaxes(0, 1), targets, strict=True):
        first, second = (number for number, mark in sequence if mark)
        assert first + second == target


def test_numbers_are_uniform() -> None:
    numbers = adding_problem(COUNT, 50, rng=0)[0][:, :, 0]
    assert numbers.min() >= 0 and numbers.max() < 1
    shares = np.histogram(numbers, bins=10, range=(0, 1))[0] / numbers.size
    np.testing.assert_allclose(shares, 0.1, atol=0.01)


def test_always_one_has_an_error_of_a_sixth() -> None:
    _, targets = adding_problem(20_000, 4, rng=0)
    np.testing.assert_allclose(np.mean((targets - 1) ** 2), 1 / 6, rtol=0.03)


def test_a_seed_and_its_generator_give_the_same_sequences() -> None:
    xs, targets = adding_problem(3, 5, rng=7)
    generator = np.random.default_rng(7)
    again, sums = adding_problem(3, 5, rng=generator)
    np.testing.assert_array_equal(again, xs)
    np.testing.assert_array_equal(sums, targets)
    assert (adding_problem(3, 5, rng=generator)[0] != xs).any()


def test_both_dtypes_hold_the_same_numbers() -> None:
    single, double = (adding_problem(3, 5, rng=0, dtype=t)[0] for t in ("float32", "float64"))
    np.testing.assert_array_equal(single, double)


@pytest.mark.parametrize("sizes", [{"count": 0, "steps": 5}, {"count": 3, "steps": 1}])
def test_refuses_what_has_no_two_halves(sizes: dict[str, Any]) -> None:
    with pytest.raises(ad.errors.DomainError, match=r"adding problem: . sequences of . steps"):
        adding_problem(**sizes, rng=0)


def test_refuses_integers() -> None:
    with pytest.raises(ad.errors.DTypeError, match="would round all to 0"):
        adding_problem(count=1, steps=2, rng=0, dtype=int)
