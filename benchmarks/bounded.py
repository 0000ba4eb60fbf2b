"""A text larger than the memory that is allowed: ``python -m benchmarks.bounded``.

A file of 2 GB is made, and removed in the end. It has common words, distributed as in Zipf's law,
and many that occur once. A process that may have half as much address space, as by ``ulimit -v``,
counts its words, reads it as numbers, and learns skip-gram vectors from it in one epoch.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.harness import fresh
from benchmarks.memory import held
from models import SkipGram, Word2VecTrainer
from models.words import Encoded, Text, WordCounts

__all__ = ["measured", "write_text"]

KNOWN = 200_000
"""Different words of the text that occur again and again."""

SHORTEST = 26 + 26**2
"""So many numbers are words of one letter or two, which are left out, so that the mean length is
like that of English."""

ONCE = 0.02
"""The share of those that occur once."""

LINES, LENGTH = 2_000, 25
"""Lines that are made at once, and words in each."""


def write_text(path: Path, size: int) -> None:
    """Make a text of `size` bytes."""
    rng = np.random.default_rng(0)
    words = np.array([_word(i + SHORTEST) for i in range(KNOWN)], object)
    share = np.cumsum(1 / np.arange(1, KNOWN + 1))
    with path.open("w") as file:
        for first in range(0, size, LINES * LENGTH):
            if file.tell() >= size:
                break
            chosen = words[np.searchsorted(share / share[-1], rng.random(LINES * LENGTH))]
            once = np.flatnonzero(rng.random(len(chosen)) < ONCE)
            chosen[once] = [f"once{first + i}" for i in once]
            file.writelines(f"{' '.join(line)}\n" for line in chosen.reshape(LINES, LENGTH))


def _word(i: int) -> str:
    """A word for each number, shorter for smaller ones."""
    rest, last = divmod(i, 26)
    return (_word(rest - 1) if rest else "") + chr(ord("a") + last)


def measured(path: str, limit: int) -> list[dict[str, Any]]:
    """For each stage its name, what came out, words of the text, seconds, and the peak so far."""
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    text, stages = Text(path), list[dict[str, Any]]()

    def stage(name: str, run: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = run()
        seconds, peak = time.perf_counter() - start, held("VmHWM")
        stages.append({"name": name, "seconds": seconds, "peak": peak, "space": held("VmPeak")})
        return result

    counts = stage("count", lambda: WordCounts.of(text))
    encoded = stage("encode", lambda: Encoded(text, counts))
    read = stage("read chunks", lambda: sum(np.count_nonzero(chunk >= 0) for chunk in encoded))
    assert read == encoded.words == counts.counts.sum()
    trainer = Word2VecTrainer(SkipGram(counts), encoded, epochs=1, quiet=True)
    stage("learn", trainer.fit)
    return [{**found, "words": counts.total, "vocabulary": len(counts)} for found in stages]


def main() -> None:
    """Make the text, measure, and print a line for each stage."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bounded", description=__doc__)
    parser.add_argument("--size", type=int, default=2_000, help="MB of text (default: 2000)")
    parser.add_argument("--limit", type=int, default=1_000, help="MB allowed (default: 1000)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "text.txt")
        write_text(path, given.size * 10**6)
        print(f"{path.stat().st_size / 1e6:,.0f} MB of text, {given.limit:,} MB allowed")
        for found in fresh("benchmarks.bounded", "measured", str(path), given.limit * 10**6):
            print(_line(**found))


def _line(name: str, seconds: float, peak: int, space: int, words: int, vocabulary: int) -> str:
    speed = f"{words / seconds / 1e6:.2f} million words/s of {words:,} ({vocabulary:,} different)"
    memory = f"peak {peak / 1e6:,.0f} MB resident, {space / 1e6:,.0f} MB of address space"
    return f"{name:12} {seconds:7.1f} s  {speed}; {memory}"


if __name__ == "__main__":
    main()
