"""Bags of words against naive Bayes by hand."""

from __future__ import annotations

from fractions import Fraction
from math import log

import numpy as np
import pytest

import autodiff as ad
from models.bag import Bag, grams, words
from tests.models.networks import with_biases

TEXTS = ["good good film", "bad film", "bad"]
Y = np.array([1, 0, 0])
GRAMS = ["<unk>", "good", "bad", "film", "bad film"]


def test_words_are_in_lower_case_with_signs() -> None:
    assert words("It's GOOD, no?") == ["it's", "good", ",", "no", "?"]
    assert words(" ") == ["<unk>"]


def test_grams_are_distinct_words_and_pairs() -> None:
    assert grams("good good film") == ["film", "good", "good film", "good good"]
    assert grams("good good film", bigrams=False) == ["film", "good"]


def test_scores_are_sums_over_the_grams_of_each_text() -> None:
    bag = with_biases(Bag(GRAMS, 3, dtype="float64"))
    B, a = bag.B.table.data, bag.a.data
    scores = bag(bag.ids([*TEXTS, "tulip"])).data
    expected = [a + B[1] + B[3], a + B[2] + B[3] + B[4], a + B[2], a]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)


def test_without_pairs_none_are_looked_for() -> None:
    bag = Bag(["<unk>", "bad", "film"], 2)
    np.testing.assert_array_equal(np.sort(bag.ids(["bad film"]), 0), [[1], [2]])


def test_gradients_are_slopes() -> None:
    bag = with_biases(Bag(GRAMS, 2, dtype="float64"))
    ad.testing.check_gradients(lambda bag: bag(bag.ids(TEXTS)), bag)


def test_starts_from_naive_bayes() -> None:
    bag = Bag(GRAMS, 2, dtype="float64")
    bag.start_from(TEXTS, Y)
    # In how many texts of each class, plus 1: good, bad, film, bad film; in sum 8 and 6.
    negative = [Fraction(n, 8) for n in (1, 3, 2, 2)]
    positive = [Fraction(n, 6) for n in (2, 1, 2, 1)]
    ratios = [log(q / p) for p, q in zip(negative, positive)]
    B = bag.B.table.data
    np.testing.assert_allclose(B[1:, 1] - B[1:, 0], ratios, rtol=1e-12)
    np.testing.assert_allclose(B.sum(1), 0, atol=1e-12)
    np.testing.assert_allclose(bag.a.data, np.log([2 / 3, 1 / 3]), rtol=1e-12)
    p = Fraction(2, 3) * negative[1] * negative[2] * negative[3]
    q = Fraction(1, 3) * positive[1] * positive[2] * positive[3]
    probabilities = ad.softmax(bag(bag.ids(["bad film"]))).data[0]
    np.testing.assert_allclose(probabilities, [float(p / (p + q)), float(q / (p + q))], rtol=1e-12)


def test_what_is_unknown_counts_nothing() -> None:
    bag = Bag(GRAMS, 2)
    bag.start_from(TEXTS, Y)
    np.testing.assert_array_equal(bag.B.table.data[0], 0)


def test_drops_whole_grams_in_training_only() -> None:
    bag = Bag(["<unk>", *"abcdefgh"], 2, dropout=0.5, dtype="float64")
    bag.B.table.data = np.repeat(2.0 ** np.arange(9)[:, None], 2, 1)
    text = " ".join("abcdefgh")
    scores = bag(bag.ids([text])).data[0]
    assert scores[0] == scores[1] != 510
    assert scores[0] % 4 == 0  # what is left counts twice
    assert bag.eval()(bag.ids([text])).data[0, 0] == 510


def test_keeps_the_dtype() -> None:
    bag = Bag(GRAMS, 2, dropout=0.5)
    bag.start_from(TEXTS, Y)
    ad.sum(bag(bag.ids(TEXTS))).backward()
    values = [*bag.parameters(), *(p.grad for p in bag.parameters())]
    assert {value.dtype for value in values} == {np.dtype("float32")}


@pytest.mark.parametrize(("rate", "count"), [(1.0, 2), (-0.1, 2)])
def test_refuses_shares(rate: float, count: int) -> None:
    with pytest.raises(ad.errors.DomainError, match="outside"):
        Bag(GRAMS, count, dropout=rate)
