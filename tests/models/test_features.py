"""Features of words: what they are, and the numbers that stand for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.features import FEATURES, Features, normal, shape
from models.vocabulary import UNKNOWN

WORDS = st.text(max_size=6) | st.text("abAB12-.<unk>", max_size=6)
SENTENCES = st.lists(st.lists(WORDS, max_size=6), max_size=6)
NAMES = st.lists(st.sampled_from([*FEATURES]), min_size=1, max_size=4, unique=True)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Paris", "paris"), ("B-52", "b-00"), ("3.14", "0.00"), ("", ""), ("😀", "😀"),
        ("ÉCOLE", "école"), ("٣x", "0x"), ("http://a.b/1", "<url>"), ("HTTPS:", "<url>"),
        ("www.a.b", "<url>"), ("awww.", "awww."), ("http", "http"),
    ],
)  # fmt: skip
def test_normal_words(word: str, expected: str) -> None:
    assert normal(word) == expected


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Paris", "Xxx"), ("a", "x"), ("A", "X"), ("IBM-3000", "XX-dd"), ("...", ".."), ("", ""),
        ("Élan", "Xxx"), ("東京", "xx"), ("😀😀😀", "😀😀"), ("it's", "xx'x"), ("a b", "x x"),
        ("٣٤٥", "dd"), ("aBcDeFgHiJ", "xXxXxXxX"),
    ],
)  # fmt: skip
def test_shapes(word: str, expected: str) -> None:
    assert shape(word) == expected


@given(WORDS)
def test_shapes_are_short_and_have_no_long_runs(word: str) -> None:
    found = shape(word.replace("\n", ""))
    assert len(found) <= 8
    assert all(len(set(found[i : i + 3])) > 1 for i in range(len(found) - 2))


@pytest.mark.parametrize(
    ("name", "expected"),
    [("prefix1", "r"), ("prefix4", "rose"), ("suffix1", "s"), ("suffix3", "ses")],
)
def test_beginnings_and_ends(name: str, expected: str) -> None:
    assert FEATURES[name]("Roses") == expected
    assert FEATURES[name]("") == ""
    assert FEATURES[name]("É") == "é"


@given(WORDS)
def test_ends_are_beginnings_read_backwards(word: str) -> None:
    for n in (1, 2, 3, 4):
        assert word.lower().startswith(FEATURES[f"prefix{n}"](word))
        assert word.lower().endswith(FEATURES[f"suffix{n}"](word))
        assert len(FEATURES[f"suffix{n}"](word)) == min(n, len(word.lower()))


@given(SENTENCES, NAMES, WORDS, st.lists(WORDS))
def test_ids_depend_on_the_word_alone(
    sentences: list[list[str]], names: list[str], word: str, others: list[str]
) -> None:
    features = Features.of(sentences, names, least=1)
    fresh = Features(features.tables).ids([word])
    np.testing.assert_array_equal(features.ids([*others, word])[-1:], fresh)
    np.testing.assert_array_equal(features.ids([word, *others])[:1], fresh)


@given(SENTENCES, NAMES, st.integers(1, 3), st.integers(1, 3))
def test_ids_say_what_is_known(
    sentences: list[list[str]], names: list[str], least: int, least_word: int
) -> None:
    features = Features.of(sentences, names, least, least_word)
    text = [word for sentence in sentences for word in sentence]
    ids = features.ids(text)
    assert (ids.shape, ids.dtype) == ((len(text), len(names)), np.int64)
    for name, column in zip(names, ids.T):
        values = [FEATURES[name](word) for word in text]
        often = least_word if name == "word" else least
        known = [values.count(v) >= often and v != UNKNOWN for v in values]
        np.testing.assert_array_equal(column > 0, known)
        table = features.tables[name]
        assert [table[i] for i in column[column > 0]] == [v for v, k in zip(values, known) if k]


@given(SENTENCES, NAMES)
def test_tables_make_the_same_features_again(sentences: list[list[str]], names: list[str]) -> None:
    features = Features.of(sentences, names)
    again = Features(features.tables)
    assert [*again.tables.items()] == [*features.tables.items()]
    assert [*features.tables] == names
    text = [word for sentence in sentences for word in sentence]
    np.testing.assert_array_equal(again.ids(text), features.ids(text))
    assert Features.of(sentences[::-1], names).tables == features.tables


@given(WORDS)
def test_what_is_unknown_is_0(word: str) -> None:
    features = Features({name: [UNKNOWN] for name in FEATURES})
    np.testing.assert_array_equal(features.ids([word]), [[0] * len(FEATURES)])


def test_rare_words_and_rare_endings_have_bounds_of_their_own() -> None:
    features = Features.of([["tulip"], ["rose", "rose", "nose"]], ["word", "suffix2"], 3, 2)
    assert features.tables == {"word": [UNKNOWN, "rose"], "suffix2": [UNKNOWN, "se"]}
    np.testing.assert_array_equal(features.ids(["Rose", "hose", "tulip"]), [[1, 1], [0, 1], [0, 0]])


def test_further_words_follow_those_of_the_text() -> None:
    further = ["tulip", "rose", UNKNOWN]
    features = Features.of([["rose"]], ["word", "suffix1"], least=1, words=further)
    assert features.tables == {"word": [UNKNOWN, "rose", "tulip"], "suffix1": [UNKNOWN, "e"]}
    assert "word" not in Features.of([["rose"]], ["shape"], words=further).tables


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Features({"colour": ["red"]}), "unknown feature 'colour'; there are word, "),
        (lambda: Features.of([["a"]], ["word", "colour"]), "unknown feature 'colour'"),
        (lambda: Features({}), "no features; there are word, "),
        (lambda: Features.of([["a"]], []), "no features"),
        (lambda: Features({"word": []}), "this list is empty"),
        (lambda: Features({"word": ["a", "a"]}), "this has 'a'"),
    ],
    ids=["table", "name", "no table", "no name", "no values", "twice"],
)
def test_refuses_features(make: Any, message: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=message):
        make()
