"""Batches by length: every sequence once, and few steps for nothing."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.batches import by_length

LENGTHS = st.lists(st.integers(0, 9), max_size=40)
SIZES = st.integers(1, 12)
SEEDS = st.integers(0, 99)


def plan(lengths: list[int], size: int, seed: int = 0) -> list[list[int]]:
    return [rows.tolist() for rows in by_length(lengths, size, np.random.default_rng(seed))]


@given(LENGTHS, SIZES, SEEDS)
def test_each_sequence_occurs_once_and_empty_ones_never(
    lengths: list[int], size: int, seed: int
) -> None:
    rows = [row for batch in plan(lengths, size, seed) for row in batch]
    assert sorted(rows) == [i for i, length in enumerate(lengths) if length]


@given(LENGTHS, SIZES, SEEDS)
def test_all_batches_are_full_but_one(lengths: list[int], size: int, seed: int) -> None:
    sizes = sorted(map(len, plan(lengths, size, seed)), reverse=True)
    full, rest = divmod(sum(n > 0 for n in lengths), size)
    assert sizes == [size] * full + [rest] * bool(rest)


@given(LENGTHS, SIZES, SEEDS)
def test_batches_are_cut_from_the_sorted_lengths(lengths: list[int], size: int, seed: int) -> None:
    batches = sorted(sorted(lengths[i] for i in rows) for rows in plan(lengths, size, seed))
    expected = sorted(n for n in lengths if n)
    assert [n for batch in batches for n in batch] == expected


@given(LENGTHS, SIZES, SEEDS)
def test_the_same_seed_makes_the_same_plan(lengths: list[int], size: int, seed: int) -> None:
    assert plan(lengths, size, seed) == plan(lengths, size, seed)


def test_batches_and_who_meets_are_drawn() -> None:
    lengths = [1] * 20 + [5] * 20
    one, two = plan(lengths, 5, seed=1), plan(lengths, 5, seed=2)
    assert {frozenset(rows) for rows in one} != {frozenset(rows) for rows in two}
    orders = [tuple(lengths[rows[0]] for rows in plan(lengths, 5, seed)) for seed in range(5)]
    assert len(set(orders)) > 1
    rng = np.random.default_rng(0)
    first, second = (by_length(lengths, 5, rng) for _ in "ab")
    assert [rows.tolist() for rows in first] != [rows.tolist() for rows in second]


def test_lengths_may_be_an_array_and_none() -> None:
    assert plan(np.array([3, 1, 2]), 1) == plan([3, 1, 2], 1)
    assert plan([], 3) == plan([0, 0], 3) == []
