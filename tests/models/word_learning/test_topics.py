"""From a text to neighbours: words that occur together come out as neighbours."""

from __future__ import annotations

from typing import Any

import pytest

from models import CBOW, GloVe, GloVeTrainer, SkipGram, Word2VecTrainer
from models.words import Vectors, WordCounts
from tests.compiler.near import needs_compiler
from tests.models.word_learning.runs import topics

TEXT = topics(400)
WORDS = WordCounts.of(TEXT)


def trained(kind: Any, how: str, output: str = "negative") -> Vectors:
    if kind is GloVe:
        model: Any = GloVe(WORDS, size=10)
        GloVeTrainer(model, TEXT, epochs=40, lr=0.2, window=5, compile=how).fit()
        return model.vectors
    model = kind(WORDS, size=10, output=output)
    Word2VecTrainer(model, TEXT, epochs=8, lr=0.02, subsample=0, compile=how).fit()
    return model.vectors


@pytest.mark.parametrize("how", ["off", pytest.param("c", marks=needs_compiler)])
@pytest.mark.parametrize(
    ("kind", "output"),
    [(SkipGram, "negative"), (SkipGram, "hierarchical"), (CBOW, "negative"), (GloVe, "")],
)
def test_neighbours_are_of_the_same_topic(kind: Any, output: str, how: str) -> None:
    vectors = trained(kind, how, output)
    for word in vectors.words:
        if word not in ("the", "of"):
            near = [other for other, _ in vectors.most_similar(word, n=5)]
            assert {other[0] for other in near} == {word[0]}, (word, near)
