"""Trainings of word vectors for the tests: a small text, models, and how to interrupt them."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

import numpy as np

import models
from models import CBOW, GloVe, GloVeTrainer, SkipGram, Word2VecTrainer
from models.words import Encoded, WordCounts

__all__ = []


def topics(sentences: int = 600, seed: int = 0) -> list[list[str]]:
    """Sentences of words of one of two topics, and of a few that are in both."""
    rng = np.random.default_rng(seed)
    both = ["the", "of"]
    found = []
    for _ in range(sentences):
        letter = "ab"[rng.integers(2)]
        topic = [f"{letter}{i}" for i in range(8)]
        found.append(rng.choice(topic + both, size=10).tolist())
    return found


TEXT = topics(40)
WORDS = WordCounts.of(TEXT, least=1)


def chunked(text: Any = TEXT, chunk: int = 50) -> Encoded:
    """A text in chunks so small that it has several."""
    with_small = models.words.encoded
    before, with_small.CHUNK = with_small.CHUNK, chunk
    try:
        return Encoded(text, WORDS)
    finally:
        with_small.CHUNK = before


def trainer(kind: Any = SkipGram, text: Any = None, **options: Any) -> Any:
    """One of a small model."""
    text = chunked() if text is None else text
    options = {"epochs": 3, "compile": "off", "rng": 5, "quiet": True, **options}
    if kind is GloVe:
        options = {"window": 4, **options}
        return GloVeTrainer(GloVe(WORDS, size=6, rng=1), text, **options)
    of_model = {name: options.pop(name) for name in ("output", "dtype") if name in options}
    options = {"subsample": 0.02, "window": 3, **options}
    return Word2VecTrainer(kind(WORDS, size=6, rng=1, **of_model), text, **options)


def assert_same(one: Any, two: Any) -> None:
    """Equal to the last bit: losses, parameters, and what else is kept for the next step."""
    assert one.history == two.history
    state, other = one.learner.state(), two.learner.state()
    assert state.keys() == other.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)
    for name, value in one.learner.model.state_dict().items():
        np.testing.assert_array_equal(value, two.learner.model.state_dict()[name], err_msg=name)


def at_round(run: Any, number: int, event: Callable[[], None]) -> None:
    """Let something happen while a training learns from its round of this number, from 0."""
    learn, rounds = run.learner.learn, iter(range(10**6))

    def learn_and_more(pieces: Any) -> Any:
        if next(rounds) == number:
            event()
        return learn(pieces)

    run.learner.learn = learn_and_more


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


KINDS = (SkipGram, CBOW, GloVe)
