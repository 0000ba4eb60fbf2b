"""Word vectors from a text, by whatever is there to run the steps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.word2vec import CBOW, SkipGram
from models.word_learning.draws import Draws, Window
from models.word_learning.loop import Learner, Loop
from models.word_learning.word2vec import Chunks, InC, OnGraph
from models.words.encoded import Encoded
from models.words.text import Sentences, Text

__all__ = ["learn_words"]


def learn_words(
    model: SkipGram | CBOW,
    text: Text | Sentences | str | Path | Encoded,
    *,
    epochs: int = 5,
    lr: float = 0.025,
    least_lr: float = 1e-4,
    window: int = 5,
    shrink: bool = True,
    negatives: int = 5,
    subsample: float = 1e-3,
    threads: int = 1,
    compile: str = "auto",
    rng: int | np.random.Generator = 0,
    quiet: bool = False,
) -> list[dict[str, float]]:
    return make_loop(**locals()).fit()


def make_loop(
    model, text, *, epochs, lr, least_lr, window, shrink, negatives, subsample, threads, compile,
    rng, quiet=False, checkpoint=None, settings=None,
):
    encoded = text if isinstance(text, Encoded) else Encoded(text, model.words)
    has_noise = model.output == "negative"
    draws = Draws(model.words.counts, Window(window, shrink, negatives, subsample), isinstance(model, CBOW), has_noise)
    seed = int(np.random.default_rng(rng).integers(2**63))
    learner = InC(model, draws, threads) if compile in ("auto", "c") and model.output != "softmax" else OnGraph(model, draws, "auto" if compile=="auto" else compile)
    return Loop(learner, Chunks(encoded, seed, lr, least_lr), epochs=epochs, quiet=quiet, checkpoint=checkpoint, settings=settings)
