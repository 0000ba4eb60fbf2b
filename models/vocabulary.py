"""Words as numbers, and sentences of unequal length as one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["UNKNOWN", "Vocabulary", "alike", "listed", "padded"]

UNKNOWN = "<unk>"


class Vocabulary:
    """Words in a fixed order; the id of a word is its place.

    Parameters
    ----------
    words : sequence of str
        Each once. The first one, such as `UNKNOWN`, stands for all that are not among them.

    Raises
    ------
    DomainError
        If there are none, or one occurs twice.

    Examples
    --------
    >>> vocabulary = Vocabulary.of("a rose is a rose".split(), least=2)
    >>> vocabulary.words
    ('<unk>', 'a', 'rose')
    >>> vocabulary.ids(["a", "tulip"])
    array([1, 0])
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = listed(words, "a vocabulary")
        self._ids = {word: i for i, word in enumerate(self.words)}
        if not self.words:
            raise ad.errors.DomainError("a vocabulary has a word or more; this list is empty")
        if len(self._ids) < len(self.words):
            twice = next(w for w, n in Counter(self.words).items() if n > 1)
            raise ad.errors.DomainError(f"a vocabulary has each word once; this has {twice!r}")

    @classmethod
    def of(
        cls, words: Iterable[str], least: int = 1, first: Sequence[str] = (UNKNOWN,)
    ) -> Vocabulary:
        """The words that occur `least` times or more, the commonest first, after those of `first`.

        Words that are equally common are in alphabetical order, so that the ids do not depend on
        the order of the text.
        """
        counts = Counter(words)
        known = sorted((-n, word) for word, n in counts.items() if n >= least)
        return cls([*first, *(word for _, word in known if word not in first)])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def ids(self, words: Iterable[str]) -> np.ndarray:
        """The id of each word; 0 for those that are not among ours."""
        return np.array([self._ids.get(word, 0) for word in words], np.int64)


def listed(texts: Any, taker: str) -> tuple[str, ...]:
    """Several texts as a tuple; of a single one the letters would be taken for texts."""
    is_list = isinstance(texts, Iterable) and not isinstance(texts, str)
    found = tuple(texts) if is_list else ()
    if not is_list or not all(isinstance(text, str) for text in found):
        raise ad.errors.DTypeError(
            f"{taker} takes a list of texts, not {ad.errors.describe(texts)}"
        )
    return found


def padded(sequences: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Sequences as one array, with the time as first axis and zeros after their ends.

    Parameters
    ----------
    sequences : sequence of ndarray
        Of shapes (time, ...), equal but for the time.

    Returns
    -------
    array : ndarray, shape (longest time, number of sequences, ...)
    mask : ndarray of bool, shape (longest time, number of sequences)
        Where there is an entry of a sequence.
    """
    lengths = np.array([len(sequence) for sequence in sequences])
    mask = np.arange(lengths.max())[:, None] < lengths
    first = np.asarray(sequences[0])
    array = np.zeros((*mask.shape, *first.shape[1:]), first.dtype)
    for i, sequence in enumerate(sequences):
        array[: len(sequence), i] = sequence
    return array, mask


def alike(lengths: Sequence[int], size: int) -> Iterator[np.ndarray]:
    """Which sequences go together: `size` of similar length each, those of length 0 in none."""
    order = np.argsort(lengths, kind="stable")[np.count_nonzero(np.equal(lengths, 0)) :]
    yield from (order[i : i + size] for i in range(0, len(order), size))
