"""word2vec and GloVe on a tenth, on three tenths and on all of a text: what each costs, and what
each has learnt then. ``python -m benchmarks.corpus_size`` takes some seven minutes, and
``--times``, the cost alone, one.

A smaller text is a random part of the sentences of the larger one. All are asked about the same
words, those that the smallest text has; and in the end about all words of the whole text.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable, Sequence
from statistics import mean, median, stdev
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


def costs(text: Sequence[list[str]], rounds: int) -> list[list[str]]:
    """Rows of CPU times: models take turns, since the machine may be shared."""
    rows = []
    for name in MODELS:
        learnt(name, part(text, SHARES[0]), 1, 0)  # what is compiled and read, once
    for share in SHARES:
        some = part(text, share)
        runs = [{name: learnt(name, some, 1, 0) for name in MODELS} for _ in range(rounds)]
        rows += [[name, f"{share:.0%}", *cost(name, runs)] for name in MODELS]
    return rows


def cost(name: str, runs: Sequence[dict[str, Run]]) -> list[str]:
    """Words of the vocabulary, the size of an epoch, medians of times and of ratios."""
    mine = [found[name] for found in runs]
    counting, epoch = median(run.counting for run in mine), median(run.epoch for run in mine)
    ratio = median(in_all(name, found) / in_all("skip-gram", found) for found in runs)
    share = median(found[name].counting / in_all("skip-gram", found) for found in runs)
    return [f"{len(mine[0].vectors):,}", f"{mine[0].size:,}", f"{counting:.2f} s", f"{epoch:.3f} s",
            str(EPOCHS[name]), f"{ratio:.2f}", f"{share:.2f}"]  # fmt: skip


def in_all(name: str, runs: dict[str, Run]) -> float:
    """Seconds of a whole training."""
    return runs[name].counting + EPOCHS[name] * runs[name].epoch


def scores(text: Sequence[list[str]], seeds: Sequence[int], quick: bool) -> list[list[str]]:
    """Rows of what is learnt, and how many questions that is asked."""
    words = WordCounts.of(part(text, SHARES[0])).words
    rows, asked = [], dict[str, list[str]]()
    for name, epochs in EPOCHS.items():
        for share in SHARES:
            some, count = part(text, share), 2 if quick else epochs
            found = [learnt(name, some, count, seed).vectors for seed in seeds]
            small = [judged(among(vectors, words)) for vectors in found]
            rows.append([name, f"{share:.0%}", *spread(small)])
        whole = [judged(vectors) for vectors in found]
        rows.append([name, ALL_WORDS, *spread(whole)])
        asked = {"questions": covered(small[0]), f"questions, {ALL_WORDS}": covered(whole[0])}
    return rows + [["", what, *counts] for what, counts in asked.items()]


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
    parser.add_argument("--times", action="store_true", help="only what it costs")
    given = parser.parse_args()
    os.environ.update(ONE_THREAD)
    text, count = list(Text(CORPUS, fetch=True)), 1 if given.quick else 3
    head = ["vocabulary", "words or pairs", "counting", "epoch", "epochs", "in all, to skip-gram",
            "counting, to that"]  # fmt: skip
    print_table(["", "text", *head], costs(text, count))
    if not given.times:
        print_table(["", "judged on", *JUDGED], scores(text, range(count), given.quick))


def print_table(head: list[str], rows: list[list[str]]) -> None:
    """A table in Markdown."""
    print(*aligned([head, *rows]), "", sep="\n")


if __name__ == "__main__":
    main()
