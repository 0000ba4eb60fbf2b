"""What an experiment learns from: a share that is drawn, and nothing of the test part."""

from __future__ import annotations

import numpy as np
import pytest

from models.data import Corpus
from models.experiments import vectors
from models.experiments.experiment import limited

CORPUS = Corpus("made", list(range(100)), [1], [2])


def test_a_limit_draws_from_the_whole_training_part() -> None:
    found = limited(CORPUS, 10, np.random.default_rng(0))
    assert len(set(found.train)) == 10 and max(found.train) > 50
    assert found.train == sorted(found.train)
    assert found.train == limited(CORPUS, 10, np.random.default_rng(0)).train
    assert (found.validation, found.test) == ([1], [2])


@pytest.mark.parametrize("limit", [None, 100, 1000])
def test_without_a_limit_nothing_is_drawn(limit: int | None) -> None:
    rng = np.random.default_rng(0)
    assert limited(CORPUS, limit, rng) is CORPUS
    assert rng.random() == np.random.default_rng(0).random()


def test_vectors_see_nothing_of_the_test_part(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"brown": [["brown", "all"]], "bbc": [["bbc", "all"]]}
    monkeypatch.setattr(vectors, "sentences", lambda name, fetch: texts[name])
    monkeypatch.setattr(vectors, "word_vectors", lambda text, size, rng: (text, size))
    rng, own = np.random.default_rng(0), [["Own"]]

    def text(names: list[str], corpus: str) -> list[list[str]]:
        return vectors.counted_vectors(names, corpus, own, str.lower, 3, rng)[0]

    assert text(["brown", "bbc", "own"], "btc") == [["brown", "all"], ["bbc", "all"], ["own"]]
    assert text(["brown", "bbc"], "brown") == [["bbc", "all"], ["own"]]
    assert text(["brown", "own"], "brown") == [["own"]]
    assert text(["bbc"], "btc") == [["bbc", "all"]]
    assert text([], "btc") == []
