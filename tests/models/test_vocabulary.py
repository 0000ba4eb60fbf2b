"""Words as numbers, and sequences of unequal length as one array."""

from __future__ import annotations

import numpy as np
import pytest

import autodiff as ad
from models.vocabulary import UNKNOWN, Vocabulary, padded

TEXT = list("bacabad")


def test_ids_are_places_and_0_is_for_all_that_is_not_known() -> None:
    vocabulary = Vocabulary([UNKNOWN, "a", "rose"])
    ids = vocabulary.ids(["rose", "tulip", "a", UNKNOWN])
    np.testing.assert_array_equal(ids, [2, 0, 1, 0])
    assert ids.dtype == np.int64
    assert (len(vocabulary), "rose" in vocabulary, "tulip" in vocabulary) == (3, True, False)


def test_no_words_have_no_ids() -> None:
    ids = Vocabulary(["a"]).ids([])
    assert (ids.shape, ids.dtype) == ((0,), np.int64)


def test_the_commonest_come_first_and_equals_by_the_alphabet() -> None:
    assert Vocabulary.of(TEXT).words == (UNKNOWN, "a", "b", "c", "d")
    assert Vocabulary.of(reversed(TEXT)).words == Vocabulary.of(TEXT).words
    assert Vocabulary.of(["z", "y"]).words == (UNKNOWN, "y", "z")


@pytest.mark.parametrize(("least", "count"), [(1, 4), (2, 2), (3, 1), (4, 0)])
def test_rare_words_are_left_out(least: int, count: int) -> None:
    assert len(Vocabulary.of(TEXT, least)) == 1 + count


def test_words_that_come_first_are_not_repeated() -> None:
    assert Vocabulary.of(TEXT, first=("<pad>", "b")).words == ("<pad>", "b", "a", "c", "d")
    assert Vocabulary.of(TEXT, first=()).words == ("a", "b", "c", "d")
    assert Vocabulary.of([]).words == (UNKNOWN,)


def test_words_make_the_same_vocabulary_again() -> None:
    one = Vocabulary.of(TEXT)
    np.testing.assert_array_equal(Vocabulary(list(one.words)).ids(TEXT), one.ids(TEXT))


@pytest.mark.parametrize(
    ("words", "message"), [(["a", "b", "a"], "this has 'a'"), ([], "this list is empty")]
)
def test_refuses_words_that_occur_twice_and_none(words: list[str], message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        Vocabulary(words)


def test_padding_has_the_time_first_and_zeros_after_the_ends() -> None:
    array, mask = padded([np.array([1, 2, 3]), np.array([4]), np.array([], int)])
    np.testing.assert_array_equal(array, [[1, 4, 0], [2, 0, 0], [3, 0, 0]])
    np.testing.assert_array_equal(mask, [[True, True, False], [True, False, False], [True, 0, 0]])
    assert (array.dtype, mask.dtype) == (np.dtype(int), np.dtype(bool))


def test_padding_keeps_further_axes_and_the_dtype() -> None:
    one, two = np.ones((2, 3), np.float32), np.full((4, 3), 2, np.float32)
    array, mask = padded([one, two])
    assert (array.shape, array.dtype, mask.shape) == ((4, 2, 3), np.float32, (4, 2))
    np.testing.assert_array_equal(array[:2, 0], one)
    np.testing.assert_array_equal(array[:, 1], two)
    assert not array[2:, 0].any()
