"""How often each word of a text occurs."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

import autodiff as ad
from models.data.lines import quoted
from models.vocabulary import Vocabulary
from models.words.text import Sentences, Text

__all__ = ["HELD", "Tally", "WordCounts", "unknown"]

HELD = 3_000_000
"""Different words that are held while they are counted."""

LOOKED_AT = 100_000
"""Words, the commonest, among which close spellings are looked for."""

Item = TypeVar("Item", bound=Hashable)


class WordCounts(Vocabulary):
    """The words of a text, the commonest first, and how often each occurs.

    Parameters
    ----------
    words : sequence of str
        Each once. There is none for unknown words.
    counts : sequence of int
        How often each occurs.
    total : int, optional
        Words of the text, with those too rare to be here; the sum of `counts` if not given.

    Attributes
    ----------
    words : tuple of str
    counts : ndarray of int64
    total : int

    Raises
    ------
    DomainError
        If there are no words, one occurs twice, or a count is negative or no number.
    ShapeError
        If there are more counts than words, or fewer.

    Examples
    --------
    >>> counts = WordCounts.of([["a", "rose"], ["is", "a", "rose"]], least=2)
    >>> counts.words, counts.counts, counts.total
    (('a', 'rose'), array([2, 2]), 5)
    """

    def __init__(self, words: Sequence[str], counts: Sequence[int], total: int = 0) -> None:
        super().__init__(words)
        if np.asarray(counts).dtype.kind not in "iuf" or np.any(np.less(counts, 0)):
            raise ad.errors.DomainError("counts are whole numbers of at least 0, one for each word")
        self.counts = np.asarray(counts, np.int64)
        self.total = total or int(self.counts.sum())
        if self.counts.shape != (len(self.words),):
            raise ad.errors.ShapeError(
                f"{len(self.words)} words, and counts of shape {self.counts.shape}"
            )

    @classmethod
    def of(  # type: ignore[override]
        cls,
        text: Text | Sentences | str | Path,
        least: int = 5,
        most: int | None = None,
        held: int = HELD,
    ) -> WordCounts:
        """Count the words of a text.

        Words that are equally common are in alphabetical order, so that the ids do not depend on
        the order of the text.

        Parameters
        ----------
        text : Text, or anything it can be made of
        least : int
            How often a word has to occur.
        most : int, optional
            Keep at most so many words, the commonest.
        held : int
            Different words held in memory while counting. Each time there are more, the rarest so
            far are forgotten: those seen once, the next time those seen up to twice, and so on.

        Raises
        ------
        DomainError
            If fewer than two words are left, or `most` is below 2.
        """
        if most is not None and most < 2:
            raise ad.errors.DomainError(f"most: at least 2 words are kept, not {most}")
        tally: Tally[str] = Tally(held)
        for sentence in Text(text):
            tally.add(sentence)
        ranked = sorted((-n, word) for word, n in tally.counts.items() if n >= least)[:most]
        _require_words(tally, len(ranked), least)
        return cls([word for _, word in ranked], [-n for n, _ in ranked], tally.total)

    def ids(self, words: Iterable[str]) -> np.ndarray:
        """The id of each word.

        Raises
        ------
        DomainError
            If one is not among ours; it names close spellings.
        """
        return np.array([self.require(word) for word in words], np.int64)

    def require(self, word: str) -> int:
        """The id of a word.

        Parameters
        ----------
        word : str

        Returns
        -------
        int

        Raises
        ------
        DomainError
            If it is not among ours; the message has close spellings.
        """
        if word not in self._ids:
            raise unknown(word, self.words)
        return self._ids[word]

    def known(self, words: Iterable[str]) -> list[int]:
        """The ids of those words that are among ours."""
        return [i for i in map(self._ids.get, words) if i is not None]


class Tally(Generic[Item]):
    """Counts of things, of which a limited number is held.

    Parameters
    ----------
    held : int
        Things held at most; when there are more, the rarest are forgotten.

    Attributes
    ----------
    counts : Counter
    total : int
        Things seen, with those that are forgotten.
    """

    def __init__(self, held: int) -> None:
        self.counts: Counter[Item] = Counter()
        self._held, self._floor, self._forgotten = held, 0, 0

    @property
    def total(self) -> int:
        return self.counts.total() + self._forgotten

    def add(self, items: Iterable[Item]) -> None:
        """Count each once more."""
        self.counts.update(items)
        if len(self.counts) > self._held:
            self._forget()

    def _forget(self) -> None:
        # A floor that rises, as in word2vec: else each new word might need another sweep.
        self._floor += 1
        before = self.total
        kept = {item: n for item, n in self.counts.items() if n > self._floor}
        self.counts = Counter(kept)
        self._forgotten = before - self.counts.total()


def _require_words(tally: Tally[str], left: int, least: int) -> None:
    if not tally.total:
        raise ad.errors.DomainError("text: there are no words in it")
    if left < 2:
        (word, n), *_ = tally.counts.most_common(1) or [("", 0)]
        raise ad.errors.DomainError(
            f"text: {'no word is' if not left else 'only one word is'} left of {tally.total:,}; "
            f"the commonest, {quoted(word)}, occurs {n:,} times, and a word has to occur {least:,} "
            "times: lower the minimum count, or give more text"
        )


def unknown(word: str, words: Iterable[str]) -> ad.errors.DomainError:
    """The error for a word that is not among `words`, the commonest first; with close spellings."""
    if not isinstance(word, str):
        return ad.errors.DomainError(f"a word is a text, not {ad.errors.describe(word)}")
    alike = [w for w in islice(words, LOOKED_AT) if abs(len(w) - len(word)) <= 2]
    near = difflib.get_close_matches(word, alike, 3, 0.65)
    hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else ""
    return ad.errors.DomainError(f"{quoted(word)} is not in the vocabulary{hint}")
