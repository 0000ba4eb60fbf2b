"""Counts of pairs, against two loops; the same within any memory."""

from __future__ import annotations

import tracemalloc
from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.words.cooccurrence import BYTES, Cooccurrences, cooccurrences
from models.words.counted import WordCounts
from models.words.encoded import Encoded

WORDS = list("abcdefghij")
VOCABULARY = WordCounts(WORDS, range(10, 0, -1))
SIZE = len(WORDS)


def two_loops(
    text: list[list[str]], window: int, weighted: bool = True, symmetric: bool = True
) -> np.ndarray:
    expected = np.zeros((SIZE, SIZE))
    for sentence in text:
        ids = VOCABULARY.ids(sentence)
        for i, j in np.ndindex(len(ids), len(ids)):
            if 0 < i - j <= window or (symmetric and 0 < j - i <= window):
                expected[ids[i], ids[j]] += 1 / abs(i - j) if weighted else 1
    return expected


def dense(found: Cooccurrences) -> np.ndarray:
    matrix = np.zeros((SIZE, SIZE))
    for i in range(found.blocks):
        rows, columns, values = found.block(i)
        np.add.at(matrix, (rows, columns), values)
    return matrix


TEXTS = st.lists(st.lists(st.sampled_from(WORDS), max_size=12), max_size=8).filter(
    lambda text: any(len(sentence) > 1 for sentence in text)
)


@given(TEXTS, st.integers(1, 30), st.booleans(), st.booleans(), st.integers(1, 40 * BYTES))
def test_counts_are_those_of_two_loops(
    text: list[list[str]], window: int, weighted: bool, symmetric: bool, memory: int
) -> None:
    encoded = Encoded(text, VOCABULARY)
    found = cooccurrences(
        encoded, SIZE, window, weighted=weighted, symmetric=symmetric, memory=memory
    )
    expected = two_loops(text, window, weighted, symmetric)
    np.testing.assert_allclose(dense(found), expected, rtol=1e-7, atol=0)
    assert len(found) == np.count_nonzero(expected)


@pytest.fixture(scope="module")
def encoded() -> Encoded:
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.3, 60_000) % SIZE
    return Encoded([[WORDS[i] for i in part] for part in np.split(ids, 3000)], VOCABULARY)


def test_are_the_same_within_any_memory_to_the_last_bit(encoded: Encoded) -> None:
    whole = cooccurrences(encoded, SIZE)
    expected = whole.read(0, len(whole))
    key = expected.rows * SIZE + expected.columns
    assert (np.diff(key) > 0).all()
    for memory in (50 * BYTES, 1000 * BYTES):
        found = cooccurrences(encoded, SIZE, memory=memory)
        blocks = [found.block(i) for i in range(found.blocks)]
        for ours, theirs in zip(map(np.concatenate, zip(*blocks)), expected):
            np.testing.assert_array_equal(ours, theirs)
            assert ours.dtype == theirs.dtype


def test_distances_far_away_are_weighed_too() -> None:
    text = [["a", *"c" * 39, "b"]]
    found = dense(cooccurrences(Encoded(text, VOCABULARY), SIZE, 40))
    np.testing.assert_allclose(found[0, 1], 1 / 40, rtol=1e-7)


def test_a_window_longer_than_any_sentence_is_all_of_it() -> None:
    encoded = Encoded([WORDS], VOCABULARY)
    widest = cooccurrences(encoded, SIZE, 10**12)  # as a list of weights this has no room
    np.testing.assert_array_equal(dense(widest), dense(cooccurrences(encoded, SIZE, 30)))


def test_memory_is_bounded() -> None:
    rng = np.random.default_rng(0)
    words = [f"w{i}" for i in range(3000)]
    text = [[words[i] for i in part] for part in rng.integers(0, 3000, (100, 1000))]
    encoded = Encoded(text, WordCounts(words, [1] * 3000))
    tracemalloc.start()
    found = cooccurrences(encoded, 3000, memory=8 << 20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 << 20 < 16 * len(found)
    assert found.blocks > 1


def test_tells_how_many_words_are_done(encoded: Encoded) -> None:
    told: list[int] = []
    cooccurrences(encoded, SIZE, tell=told.append)
    assert told == encoded.sizes.tolist()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "a window of 0 with 10 words"),
        ({"size": 1 << 31, "window": 2}, "below"),
        ({"size": 5}, "id 9 of 5 words"),
    ],
)
def test_what_does_not_fit_is_an_error(
    encoded: Encoded, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        cooccurrences(encoded, **{"size": SIZE, **settings})


def test_words_that_are_alone_are_an_error() -> None:
    with pytest.raises(ad.errors.DomainError, match="no two words in one sentence"):
        cooccurrences(Encoded([["a"], ["b"]], VOCABULARY), SIZE)


def test_all_pairs_are_counted() -> None:
    found = cooccurrences(Encoded([["a", "b", "a"]], VOCABULARY), SIZE, 2, weighted=False)
    rows, columns, values = found.read(0, len(found))
    counts = dict(zip(zip(rows.tolist(), columns.tolist()), values))
    assert Counter(counts) == {(0, 0): 2, (0, 1): 2, (1, 0): 2}
