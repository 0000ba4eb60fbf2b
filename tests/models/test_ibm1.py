"""IBM model 1 against its equations word by word, and the arrays made of a lexicon."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest

from models.ibm1 import NULL, LexiconTable, ibm1, word_for_word
from models.vocabulary import UNKNOWN, Vocabulary

PAIRS = [
    (["das", "haus"], ["the", "house"]),
    (["das", "buch"], ["the", "book"]),
    (["ein", "buch"], ["a", "book"]),
    (["das", "buch", "das"], ["the", "book", "the", "end"]),
]


def by_hand(pairs: list[tuple[list[str], list[str]]], iterations: int) -> dict:
    t: dict = defaultdict(lambda: 1.0)
    for _ in range(iterations):
        count: dict = defaultdict(float)
        for source, target in pairs:
            for e in target:
                total = sum(t[f, e] for f in [NULL, *source])
                for f in [NULL, *source]:
                    count[f, e] += t[f, e] / total
        sums: dict = defaultdict(float)
        for (f, _), n in count.items():
            sums[f] += n
        t = {(f, e): n / sums[f] for (f, e), n in count.items()}
    return t


@pytest.mark.parametrize("iterations", [1, 2, 6])
def test_is_its_equations(iterations: int) -> None:
    lexicon, expected = ibm1(PAIRS, iterations), by_hand(PAIRS, iterations)
    found = {(f, e): p for f, row in lexicon.items() for e, p in row.items()}
    assert found.keys() == expected.keys()
    for pair, p in found.items():
        assert p == pytest.approx(expected[pair], rel=1e-12), pair


def test_rows_are_probabilities_in_falling_order() -> None:
    for row in ibm1(PAIRS).values():
        p = list(row.values())
        assert p == sorted(p, reverse=True)
        assert sum(p) == pytest.approx(1, rel=1e-12)


def test_finds_which_word_means_which() -> None:
    lexicon = ibm1(PAIRS, iterations=20)
    assert word_for_word(lexicon, ["ein", "haus"]) == ["a", "house"]
    assert word_for_word(lexicon, ["das", "auto"]) == ["the", "auto"]


def test_leaves_out_what_is_unlikely() -> None:
    whole, cut = ibm1(PAIRS), ibm1(PAIRS, least=0.2)
    expected = {f: {e: p for e, p in row.items() if p >= 0.2} for f, row in whole.items()}
    assert cut == {f: row for f, row in expected.items() if row}


def test_does_not_depend_on_the_order_of_pairs() -> None:
    one, other = ibm1(PAIRS), ibm1(PAIRS[::-1])
    assert one.keys() == other.keys()
    for f, row in one.items():
        assert row == pytest.approx(other[f], rel=1e-12)


def test_learns_nothing_from_nothing() -> None:
    assert ibm1([]) == {}


def test_table_is_the_lexicon_by_ids() -> None:
    target = Vocabulary([UNKNOWN, "</s>", "the", "rose"])
    lexicon = {"die": {"the": 0.5, "who": 0.25, "that": 0.125}, "dorn": {"thorn": 0.75}}
    table = LexiconTable(lexicon, target)
    dense = table.dense(["dorn", "die", "rose", "ulm", "</s>"])
    expected = [[0.75, 0, 0, 0], [0.375, 0, 0.5, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]]
    np.testing.assert_array_equal(dense, np.array(expected, np.float32), strict=True)
    assert table.dense([]).shape == (0, 4)


def test_rare_words_are_those_that_the_vocabulary_has_not() -> None:
    lexicon = {"die": {"the": 0.5, "who": 0.25}, "rose": {"rose": 1.0}}
    table = LexiconTable(lexicon, Vocabulary([UNKNOWN, "the", "rose"]))
    assert [table.rare(word) for word in ("die", "rose", "ulm")] == ["who", "rose", "ulm"]
