"""Directions moved along at once give what each gives alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.testing import check_gradients
from autodiff.testing.groups import Groups


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
def test_evaluated_together_is_evaluated_alone(n: int, m: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    depends = rng.random((m, n)) < 0.3
    z, moves = rng.normal(size=n), np.diag(rng.uniform(0.5, 1, n))

    def values(z: Any) -> Any:
        return np.sin(depends * z).sum(axis=1)

    groups = Groups.of(values, z, values(z), moves)
    together = groups.evaluated(values, z, values(z), moves / 2)
    alone = np.array([values(z + move / 2) for move in moves])
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-12)
    assert sorted(np.concatenate(groups.members)) == list(range(n))


@pytest.mark.parametrize(("f", "most"), [(np.tanh, 120), (np.cumsum, 1200)])
def test_an_elementwise_function_of_many_entries_takes_few_evaluations(
    f: Callable[..., Any], most: int
) -> None:
    report = check_gradients(f, np.linspace(-2, 2, 40), checks="none", method="differences")
    assert report.ok and report.point.evaluations < most


def test_results_that_start_to_depend_on_more_at_a_small_step_are_looked_at_alone() -> None:
    # At the largest step each result seems to depend on its own entry alone.
    def f(x: Any) -> Any:
        return np.where(np.abs(x - 1) < 0.01, x * x[::-1], x)

    with_others = lambda g, x: g * x[::-1] + (g * x)[::-1]  # noqa: E731
    assert check_gradients(f, np.array([1.0, 1.001]), vjp=with_others).ok
