"""Counts of words, and the errors for words that are not there."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.words.counted import Tally, WordCounts, unknown

TEXT = [["b", "a", "c", "a", "b", "a", "d"], [], ["a", "e"]]
TEXTS = st.lists(st.lists(st.sampled_from("abcdefgh")))


def test_the_commonest_come_first_and_equals_by_the_alphabet() -> None:
    counts = WordCounts.of(TEXT, least=1)
    assert counts.words == ("a", "b", "c", "d", "e")
    np.testing.assert_array_equal(counts.counts, [4, 2, 1, 1, 1])
    assert (counts.counts.dtype, counts.total) == (np.int64, 9)


def test_rare_words_are_left_out_but_belong_to_the_total() -> None:
    counts = WordCounts.of(TEXT, least=2)
    assert (counts.words, counts.total) == (("a", "b"), 9)


def test_at_most_so_many_words_are_kept() -> None:
    assert WordCounts.of(TEXT, least=1, most=3).words == ("a", "b", "c")


@given(TEXTS)
def test_counts_are_those_of_a_counter(text: list[list[str]]) -> None:
    expected = Counter(word for sentence in text for word in sentence)
    if len(expected) > 1:
        counts = WordCounts.of(text, least=1)
        assert dict(zip(counts.words, counts.counts.tolist())) == expected
        assert counts.total == expected.total()


def test_ids_are_places() -> None:
    counts = WordCounts.of(TEXT, least=1)
    np.testing.assert_array_equal(counts.ids(["c", "a"]), [2, 0])
    assert (counts.require("b"), counts.known(["c", "tulip", "a"])) == (1, [2, 0])


def test_an_unknown_word_is_an_error_with_close_spellings() -> None:
    counts = WordCounts(["house", "rose", "horse"], [3, 2, 1])
    for look_up in (counts.require, lambda word: counts.ids([word])):
        with pytest.raises(ad.errors.DomainError, match="did you mean 'house' or 'horse'"):
            look_up("hourse")
    assert str(unknown("xyz", counts.words)) == "'xyz' is not in the vocabulary"


@pytest.mark.parametrize(
    ("text", "settings", "message"),
    [
        ([], {}, "there are no words in it"),
        ([[], []], {}, "there are no words in it"),
        (TEXT, {}, "no word is left of 9; the commonest, 'a', occurs 4 times, and a word has to "
                   "occur 5 times: lower the minimum count"),
        (TEXT, {"least": 3}, "only one word is left of 9; the commonest, 'a'"),
        (TEXT, {"least": 1, "most": 1}, "most: at least 2 words are kept, not 1"),
    ],
)  # fmt: skip
def test_too_few_words_are_an_error(text: list[list[str]], settings: dict, message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=re.escape(message)):
        WordCounts.of(text, **settings)


def test_a_word_of_any_length_fits_into_the_message() -> None:
    with pytest.raises(ad.errors.DomainError, match=r"'x+\.\.\.', occurs 2 times") as raised:
        WordCounts.of([["x" * 10**5, "x" * 10**5]])
    assert len(str(raised.value)) < 300
    assert len(str(unknown("x" * 10**5, []))) < 300


def test_counts_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(ad.errors.ShapeError, match=r"2 words, and counts of shape \(1,\)"):
        WordCounts(["a", "b"], [1])


def test_the_rarest_are_forgotten_when_there_are_too_many() -> None:
    tally: Tally[str] = Tally(2)
    tally.add("aaabbc")
    assert (tally.counts, tally.total) == ({"a": 3, "b": 2}, 6)
    tally.add("cd")
    assert (tally.counts, tally.total) == ({"a": 3}, 8)


def test_what_is_frequent_is_counted_right_within_bounded_memory() -> None:
    text = [["often", f"once{i}", "often"] for i in range(1000)] + [["also"] * 50]
    counts = WordCounts.of(text, held=100, least=20)
    assert (counts.words, counts.counts.tolist()) == (("often", "also"), [2000, 50])
    assert counts.total == 3050
