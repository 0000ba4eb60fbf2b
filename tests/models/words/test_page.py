"""What docs/pictures/words.py plots: counted by hand, and drawn."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from models import SkipGram
from models.word_learning.draws import Draws, Window, keys_of
from models.words import Encoded, WordCounts, cooccurrences
from models.words.cooccurrence import Triples

FOLDER = Path(__file__).parents[3] / "docs" / "pictures"


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("words", FOLDER / "words.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def a_text() -> tuple[WordCounts, Encoded, Triples]:
    """Some words, ids, and how often each pair occurs."""
    words = np.random.default_rng(0).choice(list("aaabbcde"), (400, 7)).tolist()
    counts = WordCounts.of(words)
    encoded = Encoded(words, counts)
    pairs = cooccurrences(encoded, len(counts), 2, weighted=False)
    return counts, encoded, pairs.read(0, len(pairs))


def test_expected_noise_is_a_sum_over_the_other_words() -> None:
    counts, _, pairs = a_text()
    P = counts.counts**0.75 / np.sum(counts.counts**0.75)
    seen = np.zeros((len(counts), len(counts)))
    seen[pairs.rows, pairs.columns] = pairs.values
    expected = [
        sum(5 * seen[i, o] * P[j] / (1 - P[o]) for o in range(len(counts)) if o != j)
        for i, j in zip(pairs.rows, pairs.columns)
    ]
    np.testing.assert_allclose(SCRIPT.noise(SkipGram(counts), pairs), expected)


def test_pairs_and_noise_are_drawn_as_often_as_is_plotted() -> None:
    counts, encoded, pairs = a_text()
    draws = Draws(counts.counts, Window(2, False, 5, 0), False, True)
    drawn = [draws.examples(encoded.chunk(0), keys_of(0, epoch, 0)) for epoch in range(20)]
    right, noise = np.zeros((2, len(counts), len(counts)))
    for inputs, outputs in drawn:
        np.add.at(right, (inputs, outputs[:, 0]), 1 / 20)
        np.add.at(noise, (inputs[:, None], outputs[:, 1:]), 1 / 20)
    np.testing.assert_allclose(right[pairs.rows, pairs.columns], pairs.values)
    expected = SCRIPT.noise(SkipGram(counts), pairs)
    assert (abs(noise[pairs.rows, pairs.columns] - expected) < 5 * np.sqrt(expected / 20)).all()


def test_the_best_product_is_where_the_loss_is_least() -> None:
    counts, _, pairs = a_text()
    best, _ = SCRIPT.of_skipgram(SkipGram(counts), pairs)
    sigmoid = 1 / (1 + np.exp(-best))
    slope = SCRIPT.noise(SkipGram(counts), pairs) * sigmoid - pairs.values * (1 - sigmoid)
    np.testing.assert_allclose(slope, 0, atol=1e-9)


@pytest.mark.parametrize("size", [1, 2])
def test_single_pairs_find_the_best_product_of_a_rank(size: int) -> None:
    errors, product = SCRIPT.factors(size)
    u, s, v = np.linalg.svd(SCRIPT.M)
    np.testing.assert_allclose(product, (u[:, :size] * s[:size]) @ v[:size], atol=0.05)
    np.testing.assert_allclose(errors[-1], SCRIPT.least_error(size), atol=1e-3)


def test_the_small_picture_is_as_the_script_makes_it(tmp_path: Path) -> None:
    SCRIPT.draw_factors().savefig(tmp_path / "factors.png")
    made, there = (matplotlib.image.imread(f / "factors.png") for f in (tmp_path, FOLDER))
    assert made.shape == there.shape
