"""word2vec and GloVe on a tenth, on three tenths and on all of a text: what each costs, and what
each has learnt then. ``python -m benchmarks.corpus_size`` takes some ten minutes.

A smaller text is a random part of the sentences of the larger one. All are asked about the same
words, those that the smallest text has; and in the end about all words of the whole text.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import ONE_THREAD
from benchmarks.report import aligned
from models import CBOW, GloVe, SkipGram
from models.word_learning import GloVeTrainer, Word2VecTrainer
from models.words import Encoded, Text, Vectors, WordCounts, evaluate
from models.words.evaluation import Score

__all__ = ["Run", "among", "learnt", "part"]

CORPUS, SHARES = "brown+bbc", (0.1, 0.3, 1.0)
EPOCHS = {"skip-gram": 10, "CBOW": 10, "GloVe": 25}
MODELS: dict[str, Callable[..., Any]] = {"skip-gram": SkipGram, "CBOW": CBOW, "GloVe": GloVe}
JUDGED = {
    "WordSim-353": "wordsim353", "SimLex-999": "simlex999", "semantic": "semantic",
    "syntactic": "syntactic",
}  # fmt: skip
ALL_WORDS = "100 %, all words"


class Run(NamedTuple):
    """What was learnt, and what it took.

    `size` are the words of the text, or the pairs of GloVe; the seconds are of CPU time, those for
    counting the pairs and those for one epoch.
    """

    vectors: Vectors
    size: int
    counting: float
    epoch: float


def part(text: Iterable[list[str]], share: float) -> list[list[str]]:
    """A random part of the sentences; a larger one holds all of a smaller one."""
    rng = np.random.default_rng(0)
    return [sentence for sentence in text if rng.random() < share]


def learnt(name: str, text: Sequence[list[str]], epochs: int, seed: int) -> Run:
    """Train with one thread and the settings that a trainer has unless told otherwise."""
    counts = WordCounts.of(text)
    model, encoded = MODELS[name](counts, rng=seed), Encoded(text, counts)
    start = time.process_time()
    trainer_of = GloVeTrainer if name == "GloVe" else Word2VecTrainer
    trainer = trainer_of(model, encoded, epochs=epochs, rng=seed, quiet=True)
    counted = time.process_time()
    trainer.fit()
    seconds = (time.process_time() - counted) / epochs
    return Run(model.vectors, int(trainer.source.sizes.sum()), counted - start, seconds)


def among(vectors: Vectors, words: Sequence[str]) -> Vectors:
    """The vectors of some of the words."""
    return Vectors(words, vectors[words])


def judged(vectors: Vectors) -> list[Score]:
    """One for each of `JUDGED`."""
    scores = evaluate(vectors)
    return [scores[name] for name in JUDGED.values()]


def measure(quick: bool) -> tuple[list[list[str]], list[list[str]]]:
    """The rows of two tables: the cost, and the scores."""
    text, seeds = list(Text(CORPUS, fetch=True)), range(1 if quick else 3)
    words = WordCounts.of(part(text, SHARES[0])).words
    costs, scores, asked = [], [], dict[str, list[str]]()
    for name, epochs in EPOCHS.items():
        learnt(name, part(text, SHARES[0]), 1, 0)  # what is compiled and read, once
        for share in SHARES:
            some, count = part(text, share), 2 if quick else epochs
            runs = [learnt(name, some, count, seed) for seed in seeds]
            costs.append([name, f"{share:.0%}", *cost(runs, count)])
            found = [judged(among(run.vectors, words)) for run in runs]
            scores.append([name, f"{share:.0%}", *spread(found)])
            asked["questions"] = covered(found[0])
        found = [judged(run.vectors) for run in runs]
        scores.append([name, ALL_WORDS, *spread(found)])
        asked[f"questions, {ALL_WORDS}"] = covered(found[0])
    return costs, scores + [["", what, *counts] for what, counts in asked.items()]


def cost(runs: Sequence[Run], epochs: int) -> list[str]:
    """Words of the vocabulary, the size of an epoch, and CPU time."""
    first, counting = runs[0], mean(run.counting for run in runs)
    epoch = mean(run.epoch for run in runs)
    times = [f"{seconds:.2f} s" for seconds in (counting, epoch, counting + epochs * epoch)]
    return [f"{len(first.vectors):,}", f"{first.size:,}", str(epochs), *times]


def spread(found: Sequence[list[Score]]) -> list[str]:
    """For each score the mean over the seeds, in percent, and the standard deviation."""
    columns = [[100 * score.value for score in column] for column in zip(*found)]
    return [
        f"{mean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")
        for values in columns
    ]


def covered(scores: Sequence[Score]) -> list[str]:
    """How many pairs or questions each score is of."""
    return [f"{score.covered:,}" for score in scores]


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.corpus_size", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two epochs, and one seed")
    os.environ.update(ONE_THREAD)
    costs, scores = measure(parser.parse_args().quick)
    size = "words or pairs"
    print_table(["", "text", "vocabulary", size, "epochs", "counting", "epoch", "in all"], costs)
    print_table(["", "judged on", *JUDGED], scores)


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """A table in Markdown."""
    print(*aligned([head, *rows]), "", sep="\n")


if __name__ == "__main__":
    main()
