"""Text with labels in three parts: to learn from, to choose by, to be judged by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Corpus", "Labelled", "Pair", "Tagged", "tokens"]

Example = TypeVar("Example")

WORD_OR_SIGN = re.compile(r"\w+(?:'\w+)*|[^\w\s]")

MARKS_TO = 0x10000
"""Marks of rare scripts are above this code; with them it would take three times as long."""


class Tagged(NamedTuple):
    """A sentence, with one tag for each word.

    Attributes
    ----------
    words, tags : tuple of str
    """

    words: tuple[str, ...]
    tags: tuple[str, ...]


class Labelled(NamedTuple):
    """A text, and the class that it belongs to.

    Attributes
    ----------
    text, label : str
    """

    text: str
    label: str


class Pair(NamedTuple):
    """A sentence, and the same in another language.

    Attributes
    ----------
    source, target : str
    """

    source: str
    target: str


@dataclass(frozen=True)
class Corpus(Generic[Example]):
    """Examples in their order; the test part is never trained on nor chosen by.

    Attributes
    ----------
    name : str
    train, validation, test : sequence of Tagged, Labelled or Pair
    note : str
        What to bear in mind about the parts.
    skipped : int
        Lines that the reader left out, since they hold a tag and no word.
    """

    name: str
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    note: str = ""
    """What to bear in mind about the parts."""
    skipped: int = 0
    """Lines that the reader left out, since they hold a tag and no word."""


def tokens(text: str) -> list[str]:
    """Words and signs of a text, in its own case.

    Parameters
    ----------
    text : str

    Returns
    -------
    list of str

    Examples
    --------
    >>> tokens("It's 5%.")
    ["It's", '5', '%', '.']
    """
    return (WORD_OR_SIGN if text.isascii() else _word_or_sign()).findall(text)


@cache
def _word_or_sign() -> re.Pattern[str]:
    """With accents and vowels that are signs of their own: for re these are no part of a word."""
    marks = "".join(c for c in map(chr, range(MARKS_TO)) if unicodedata.category(c)[0] == "M")
    word = rf"\w+(?:[{marks}\u200c\u200d]+\w*)*"
    return re.compile(rf"{word}(?:['’]{word})*|[^\w\s]")
