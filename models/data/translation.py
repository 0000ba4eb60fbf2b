"""Sentences in two languages."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

from models.data import own
from models.data.corpus import Corpus, Pair
from models.data.fetch import files_of
from models.data.lines import read_lines
from models.data.own import Rows
from models.data.tsv import read_tsv

__all__ = ["TRANSLATION", "load_translation"]

REMARK = re.compile(r"\[[^\]]*\]|\{[^}]*\}")
"""Grammar and register in the dictionary, which nobody says."""

UNCLEAR = re.compile(r"[;/()<>#]")
"""Signs of alternatives and comments within a sentence."""

WORDS = range(3, 21)
"""Lengths of sentences that are kept."""

ENDS = ".", "?", "!"

TEST, VALIDATION = 0.06, 0.03
"""Shares of the entries."""


def load_translation(name_or_path: str | Path, *, fetch: bool = False) -> Corpus[Pair]:
    """Pairs of sentences, by name or from files of your own.

    Parameters
    ----------
    name_or_path : str or Path
        A name in `TRANSLATION`; a file with lines ``source<TAB>target``, cut into consecutive
        blocks of 80, 10 and 10 percent; or a folder with such files ``train.*``, ``dev.*`` (or
        ``validation.*``) and ``test.*``.
    fetch : bool
        Download a corpus that is not here yet.

    Returns
    -------
    Corpus of Pair

    Raises
    ------
    DataError
        If there is no such corpus, or its files are not what they should be.
    """
    return own.load(name_or_path, TRANSLATION, _read, lambda pair: (), fetch)


def _read(path: Path) -> Rows:
    return read_tsv(path, ("source", "target"), Pair)


def _de_en(fetch: bool) -> Corpus[Pair]:
    (path,) = files_of("de-en", fetch)
    entries = [pairs for pairs in _entries(path) if pairs]
    random.Random(0).shuffle(entries)
    ends = [int(len(entries) * share) for share in (TEST, TEST + VALIDATION)]
    test, validation, rest = (
        list(chain(*entries[start:stop])) for start, stop in zip([0, *ends], [*ends, None])
    )
    known = {sentence for pair in test + validation for sentence in pair}
    train = [pair for pair in rest if known.isdisjoint(pair)]
    note = "Whole entries are held out, and no sentence of theirs is trained on."
    return Corpus("de-en", train, validation, test, note=note)


def _entries(path: Path) -> Iterator[list[Pair]]:
    """The sentence pairs of each entry that no earlier one has."""
    seen: set[Pair] = set()
    for line in read_lines(path):
        # Most entries are words alone, and to look for what ends a sentence is quick.
        if any(end in line for end in ENDS):
            new = [pair for pair in dict.fromkeys(_pairs(line)) if pair not in seen]
            seen.update(new)
            yield new


def _pairs(entry: str) -> Iterator[Pair]:
    """The sentences of ``German | German :: English | English``, each with its translation."""
    german, _, english = entry.partition(" :: ")
    for sides in zip(german.split("|"), english.split("|")):
        sentences = [sentence for side in sides if (sentence := _sentence(side))]
        if len(sentences) == 2:
            yield Pair(*sentences)


def _sentence(side: str) -> str:
    """The text without remarks; empty if it is no sentence."""
    words = REMARK.sub("", side).split()
    if len(words) in WORDS and words[-1].endswith(ENDS) and not UNCLEAR.search(" ".join(words)):
        return " ".join(words)
    return ""


TRANSLATION: dict[str, Callable[[bool], Corpus[Pair]]] = {"de-en": _de_en}
"""Ready-made corpora."""
