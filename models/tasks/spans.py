"""Names as spans of words, out of tags, and how well they are found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

__all__ = ["MARKS", "Score", "Span", "is_mention", "score", "spans"]


MARKS = ("B", "I", "E", "L", "S", "U")
"""What stands before the kind of a name in its tags."""


class Span(NamedTuple):
    """Words ``start`` to ``stop`` (without it) are a name of some kind."""

    start: int
    stop: int
    kind: str


class Score(NamedTuple):
    """How many of the spans that were found are right, how many right ones were found."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def spans(tags: Sequence[str]) -> list[Span]:
    """The names in a sentence whose tags are ``B-kind``, ``I-kind`` and ``O``.

    A name begins at a B, and at an I that goes on with nothing of its kind. Tags that also mark
    the end of a name (E or L) and names of one word (S or U) are understood, too.

    >>> spans(["B-PER", "I-PER", "O", "I-LOC", "B-LOC"])
    [Span(start=0, stop=2, kind='PER'), Span(start=3, stop=4, kind='LOC'), \
Span(start=4, stop=5, kind='LOC')]
    """
    found: list[Span] = []
    is_open = False
    for i, tag in enumerate(tags):
        mark, _, kind = tag.partition("-")
        if mark not in MARKS:
            is_open = False
            continue
        goes_on = is_open and mark in "IEL" and found[-1].kind == kind
        start = found.pop().start if goes_on else i
        found.append(Span(start, i + 1, kind))
        is_open = mark in "BI"
    return found


def score(predicted: Iterable[Sequence[Span]], true: Iterable[Sequence[Span]]) -> Score:
    """Of spans of each sentence; one counts as right if start, stop and kind are."""
    right = found = there = 0
    for ours, theirs in zip(predicted, true, strict=True):
        right += len(set(ours) & set(theirs))
        found, there = found + len(ours), there + len(theirs)
    return Score(right / found if found else 0.0, right / there if there else 0.0)


def is_mention(words: Sequence[str], span: Span) -> bool:
    """Whether a span is an ``@``, as tweets have it before the name of a user, or follows one."""
    return "@" in words[max(span.start - 1, 0) : span.start + 1]
