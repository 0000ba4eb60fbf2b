"""Word vectors learnt from Brown and BBC news, beside gensim with as many workers.

Timed is all that follows upon the vocabulary: gensim turns words into numbers in each epoch, we do
so once. Times are wall times, since threads are at work; one of them is held to one core.
``--quality`` trains for longer, and compares what comes out with people's judgements instead.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import mean, median, stdev
from typing import Any

import numpy as np

from benchmarks.harness import Row, Table, installed, row
from models import CBOW, GloVe, GloVeTrainer, SkipGram, Word2VecTrainer
from models.data import sentences
from models.report import table
from models.words import Encoded, Vectors, WordCounts, evaluate

__all__ = ["measure", "quality"]

SIZES = {"full": (3, 3), "quick": (1, 1), "tiny": (1, 1)}
"""Epochs, and repeats."""

SETTINGS: dict[str, tuple[str, dict[str, Any], float | None]] = {
    "skip-gram, 1 thread": ("skip-gram", {"threads": 1}, 0.5),
    "CBOW, 1 thread": ("CBOW", {"threads": 1}, 0.667),
    "skip-gram, 2 threads": ("skip-gram", {"threads": 2}, None),
    "CBOW, 2 threads": ("CBOW", {"threads": 2}, None),
    "skip-gram, 1 thread, on numpy": ("skip-gram", {"threads": 1, "compile": "numpy"}, 3.5),
}
"""What is trained, how ours are, and how long they may take if gensim takes 1."""

GAIN = 170.0
"""Per cent of the speed of one thread that two threads are to have."""

MODELS: dict[str, Callable[..., Any]] = {
    "skip-gram": SkipGram,
    "CBOW": CBOW,
    "CBOW, whole error": lambda words, **options: CBOW(words, whole_error=True, **options),
    "GloVe": GloVe,
}


def corpus(size: str) -> list[list[str]]:
    """The sentences; a few made up ones for the smallest size."""
    if size == "tiny":
        rng = np.random.default_rng(0)
        return [[f"w{i}" for i in line] for line in rng.integers(0, 50, (200, 20))]
    found = [s for name in ("brown", "bbc") for s in sentences(name, fetch=True)]
    return found if size == "full" else found[:10_000]


def ours(text: Sequence[list[str]], kind: str, epochs: int, **options: Any) -> tuple[float, float]:
    """Seconds, and without those in which one thread turns words into numbers."""
    words = WordCounts.of(text)
    model = MODELS[kind](words, size=100)
    start = time.perf_counter()
    encoded = Encoded(text, words)
    middle = time.perf_counter()
    Word2VecTrainer(model, encoded, epochs=epochs, quiet=True, **options).fit()
    end = time.perf_counter()
    return end - start, end - middle


def theirs(
    text: Sequence[list[str]], kind: str, epochs: int, threads: int, **_: Any
) -> tuple[float, float]:
    """gensim's seconds; its threads share the turning of words into numbers."""
    model = gensim_model(text, kind, threads, 1)
    start = time.perf_counter()
    model.train(text, total_examples=model.corpus_count, epochs=epochs)
    return (time.perf_counter() - start,) * 2


def gensim_model(text: Sequence[list[str]], kind: str, threads: int, seed: int) -> Any:
    """With its vocabulary, before its first step."""
    from gensim.models import Word2Vec

    model = Word2Vec(
        vector_size=100, window=5, min_count=5, negative=5, sg=int(kind == "skip-gram"),
        workers=threads, seed=seed,
    )  # fmt: skip
    model.build_vocab(text)
    return model


@contextmanager
def cores(count: int) -> Iterator[None]:
    """Hold this process to so many of its cores, where the system lets it."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(before)[-count:])
    yield
    os.sched_setaffinity(0, before)


def measure(size: str, peers: list[str]) -> Table:
    """Seconds for a million words."""
    there, missing = installed(peers, ["autodiff", "gensim"])
    text, (most, repeats) = corpus(size), SIZES[size]
    runs = {"autodiff": ours, "gensim": theirs}
    whole: dict[tuple[str, str], list[float]] = {}
    alone: dict[tuple[str, str], list[float]] = {}
    places = [(setting, peer) for setting in SETTINGS for peer in there]
    order = random.Random(0)
    for _ in range(repeats):
        for setting, peer in order.sample(places, len(places)):
            kind, options, _ = SETTINGS[setting]
            epochs = 1 if "compile" in options else most  # on numpy it takes minutes
            with cores(options["threads"]):
                found = runs[peer](text, kind, epochs, **options)
            for times, seconds in zip((whole, alone), found):
                million = epochs * sum(map(len, text)) / 1e6
                times.setdefault((setting, peer), []).append(seconds / million)
    rows = [
        row(setting, {peer: whole[setting, peer] for peer in there}, "gensim", goal)
        for setting, (_, _, goal) in SETTINGS.items()
    ]
    rows += [gain(kind, alone, there) for kind in ("skip-gram", "CBOW")]
    return Table("word vectors, time for a million words", "s", "gensim", rows, missing)


def gain(kind: str, times: dict[tuple[str, str], list[float]], there: list[str]) -> Row:
    """The speed of two threads in learning, if that of one is 100."""
    found = {
        peer: 100 * median(
            one / two
            for one, two in zip(times[f"{kind}, 1 thread", peer], times[f"{kind}, 2 threads", peer])
        )
        for peer in there
    }  # fmt: skip
    return Row(f"{kind}, speed of 2 threads for 1", found, goal=GAIN, unit="%", least=True)


# ---- quality


def quality(epochs: int, seeds: Sequence[int]) -> str:
    """A table of scores: the mean over seeds, and in brackets their standard deviation."""
    text = corpus("full")
    words = WordCounts.of(text)
    encoded = Encoded(text, words)
    rows = []
    for kind in MODELS:
        for threads in (1, 2):
            found = [_learnt(kind, words, encoded, epochs, threads, seed) for seed in seeds]
            rows.append((f"{kind}, {threads} thread{'s' * (threads > 1)}", *_summary(found)))
            print(rows[-1], flush=True)
    for kind in ("skip-gram", "CBOW"):
        found = [_gensims(kind, text, epochs, seed) for seed in seeds]
        rows.append((f"gensim's {kind}, 1 worker", *_summary(found)))
        print(rows[-1], flush=True)
    return table(["", "WordSim-353", "SimLex-999", "analogies"], rows)


def _learnt(
    kind: str, words: WordCounts, encoded: Encoded, epochs: int, threads: int, seed: int
) -> Vectors:
    model = MODELS[kind](words, size=100, rng=seed)
    trainer = GloVeTrainer if kind == "GloVe" else Word2VecTrainer
    trainer(model, encoded, epochs=epochs, threads=threads, rng=seed, quiet=True).fit()
    return model.vectors


def _gensims(kind: str, text: Sequence[list[str]], epochs: int, seed: int) -> Vectors:
    model = gensim_model(text, kind, 1, seed)
    model.train(text, total_examples=model.corpus_count, epochs=epochs)
    return Vectors(model.wv.index_to_key, model.wv.vectors)


def _summary(found: Sequence[Vectors]) -> Iterator[str]:
    scores = [evaluate(vectors) for vectors in found]
    for name in ("wordsim353", "simlex999", "analogies"):
        values = [score[name].value for score in scores]
        spread = f" ({stdev(values):.3f})" if len(values) > 1 else ""
        yield f"{mean(values):.3f}{spread}"


def main() -> None:
    """Print the table of quality."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.words", description=__doc__)
    parser.add_argument("--quality", action="store_true", required=True)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    print(quality(given.epochs, range(1, given.seeds + 1)))


if __name__ == "__main__":
    main()
