"""Text with labels in three parts: to learn from, to choose by, to be judged by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

__all__ = ["Corpus", "Labelled", "Pair", "Tagged", "tokens"]

Example = TypeVar("Example")

WORD_OR_SIGN = re.compile(r"\w+(?:['’]\w+)*|[^\w\s]")


class Tagged(NamedTuple):
    """A sentence, with one tag for each word."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


class Labelled(NamedTuple):
    """A text, and the class that it belongs to."""

    text: str
    label: str


class Pair(NamedTuple):
    """A sentence, and the same in another language."""

    source: str
    target: str


@dataclass(frozen=True)
class Corpus(Generic[Example]):
    """Examples in their order; the test part is never trained on nor chosen by."""

    name: str
    train: Sequence[Example]
    validation: Sequence[Example]
    test: Sequence[Example]
    note: str = ""
    """What to bear in mind about the parts."""
    skipped: int = 0
    """Lines that the reader left out, since they hold a tag and no word."""


def tokens(text: str) -> list[str]:
    """Words and signs of a text, in its own case: ``"It's 5%."`` gives ``It's 5 % .``."""
    return WORD_OR_SIGN.findall(text)
