"""The alias table: exact shares, and draws that follow them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.word_learning.draws import bits_at
from models.words.alias import alias_table, columns


def shares(table: np.ndarray) -> np.ndarray:
    """The probability of each outcome, to the last of 32 bits."""
    own = table["limit"] / 2**32
    found = own.copy()
    np.add.at(found, table["other"], 1 - own)
    return found / len(table)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=50).filter(lambda w: sum(w) > 1e-6))
def test_shares_are_the_weights(weights: list[float]) -> None:
    found = shares(alias_table(weights))
    np.testing.assert_allclose(found, np.divide(weights, np.sum(weights)), atol=2**-31, rtol=0)


def test_shares_of_many_words() -> None:
    weights = 1 / np.arange(1, 10_001) ** 0.75
    found = shares(alias_table(weights))
    np.testing.assert_allclose(found, weights / weights.sum(), atol=2**-31, rtol=0)


def test_what_weighs_nothing_is_never_drawn() -> None:
    table = alias_table([0.0, 1.0, 0.0, 3.0])
    assert set(columns(table, bits_at(np.uint64(1), np.arange(10_000)))) == {1, 3}


def test_draws_follow_the_weights() -> None:
    weights, n = np.array([5.0, 1, 1, 2, 0.5, 10, 3]), 100_000
    drawn = columns(alias_table(weights), bits_at(np.uint64(7), np.arange(n)))
    expected = n * weights / weights.sum()
    found = np.bincount(drawn, minlength=len(weights))
    assert ((found - expected) ** 2 / expected).sum() < 22.5  # chi-square, 6 degrees, 0.1 %


@pytest.mark.parametrize("weights", [[], [0.0, 0.0], [1.0, -1.0], [np.nan], [np.inf], [[1.0]]])
def test_what_is_no_weight(weights: list[float]) -> None:
    with pytest.raises(ad.errors.DomainError, match="finite, not negative"):
        alias_table(weights)
