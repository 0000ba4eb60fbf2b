"""Words with their vectors: which are alike, which complete an analogy, which is the odd one out.

A word's vector may lie in a file of many gigabytes: nothing here takes up more than a block of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

import autodiff as ad
from models.words.counted import unknown

__all__ = ["Term", "Vectors", "blocks"]

Term: TypeAlias = str | np.ndarray
"""What is asked about: a word, or a vector."""

BLOCK = 1 << 20
"""Entries that are taken up at once."""


class Vectors:
    """Words with their vectors.

    Parameters
    ----------
    words : iterable of str
        Each once; the commonest first, where that is known.
    vectors : array_like, shape (words, size)
        A row for each word, kept as float32. An array of that dtype is not copied, so it may be a
        memory map; it is not to be changed any more.
    counts : array_like of int, shape (words,), optional
        How often each word occurred in the text.

    Raises
    ------
    DomainError
        If there are no words, or one occurs twice.
    ShapeError
        If the arrays do not fit the words.

    Examples
    --------
    >>> v = Vectors(["king", "queen", "tea"], [[1, 0.1], [1, 0], [0, 1]])
    >>> v.most_similar("king", n=1)[0][0]
    'queen'
    >>> v.doesnt_match(["king", "queen", "tea"])
    'tea'
    """

    def __init__(self, words: Iterable[str], vectors: Any, counts: Any = None) -> None:
        self.words = tuple(words)
        self.vectors = np.asarray(vectors, np.float32)
        self.counts = None if counts is None else np.asarray(counts, np.int64)
        self._ids = {word: i for i, word in enumerate(self.words)}
        _require_each_once(self.words, self._ids)
        _require_fit(len(self.words), self.vectors, self.counts)

    @property
    def size(self) -> int:
        """Length of a vector."""
        return self.vectors.shape[1]

    def __len__(self) -> int:
        return len(self.words)

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._ids

    def __getitem__(self, word: str | Sequence[str]) -> np.ndarray:
        """The vector of a word; of several words, a row for each."""
        is_one = isinstance(word, str) or not isinstance(word, Iterable)
        ids = self.id(word) if is_one else [self.id(each) for each in word]
        return self.vectors[ids]

    def __repr__(self) -> str:
        return f"Vectors of {len(self):,} words in {self.size} dimensions"

    def id(self, word: str) -> int:
        """The row of a word.

        Parameters
        ----------
        word : str

        Returns
        -------
        int

        Raises
        ------
        DomainError
            If it is not there; the message has close spellings.
        """
        if not isinstance(word, str) or word not in self._ids:
            raise unknown(word, self.words)
        return self._ids[word]

    @cached_property
    def norms(self) -> np.ndarray:
        """Euclidean norm of each vector, in float32."""
        norms = np.empty(len(self), np.float32)
        for rows in blocks(len(self), self.size):
            norms[rows] = np.linalg.norm(self.vectors[rows].astype(np.float64), axis=1)
        if not np.isfinite(norms).all():
            word = self.words[int(np.argmin(np.isfinite(norms)))]
            raise ad.errors.DomainError(f"the vector of {word!r} is not finite")
        return norms

    def units(self, rows: Any) -> np.ndarray:
        """Some of the vectors at length 1, in float32; zeros stay zeros."""
        norms = self.norms[rows]
        return self.vectors[rows] / np.where(norms > 0, norms, 1)[..., None]

    def similarity(self, a: Term, b: Term) -> float:
        """The cosine of the angle between two vectors; 0 where one of them is zero.

        Parameters
        ----------
        a, b : str or ndarray of shape (size,)

        Returns
        -------
        float

        Raises
        ------
        DomainError
            If a word is not there.
        """
        return float(_unit(self._vector(a)) @ _unit(self._vector(b)))

    def most_similar(
        self,
        positive: Term | Sequence[Term],
        negative: Term | Sequence[Term] = (),
        n: int = 10,
        among: int | None = None,
    ) -> list[tuple[str, float]]:
        """The words whose vectors point most in the direction of a sum of vectors.

        Parameters
        ----------
        positive, negative : str, ndarray of shape (size,), or a sequence of these
            What is added up, and what is subtracted. Vectors of words are first brought to
            length 1.
        n : int
            How many words.
        among : int, optional
            Only the first so many words, which are the commonest; all by default.

        Returns
        -------
        list of (str, float)
            Words, and the cosine of the angle between their vectors and the sum, the most
            similar first. Words that were asked about are left out.

        Raises
        ------
        DomainError
            If a word is not there, or the sum is zero.
        ShapeError
            If a vector has another length.
        """
        added, subtracted = _terms(positive), _terms(negative)
        total = sum((self._term(t) for t in added), np.zeros(self.size))
        direction = _unit(total - sum((self._term(t) for t in subtracted), np.zeros(self.size)))
        if not direction.any():
            raise ad.errors.DomainError("these vectors add up to zero, to which nothing is similar")
        cosines = self._cosines(direction, among)
        asked = [self.id(t) for t in (*added, *subtracted) if isinstance(t, str)]
        cosines[[i for i in asked if i < len(cosines)]] = -np.inf
        best = _largest(cosines, min(n, np.count_nonzero(cosines > -np.inf)))
        return [(self.words[i], float(cosines[i])) for i in best]

    def analogy(
        self, a: Term, b: Term, c: Term, n: int = 10, among: int | None = None
    ) -> list[tuple[str, float]]:
        """What is to `c` as `b` is to `a`.

        Parameters
        ----------
        a, b, c : str or ndarray of shape (size,)
        n, among
            As for `most_similar`.

        Returns
        -------
        list of (str, float)
            `most_similar` to b - a + c.

        References
        ----------
        Mikolov, Yih and Zweig 2013; called 3CosAdd by Levy and Goldberg 2014.
        """
        return self.most_similar((b, c), (a,), n, among)

    def doesnt_match(self, words: Iterable[str]) -> str:
        """The word that is least similar to the mean of all of them, at length 1 each.

        Parameters
        ----------
        words : iterable of str

        Returns
        -------
        str

        Raises
        ------
        DomainError
            If there are fewer than three, or one is not there.
        """
        words = _terms(words)
        if len(words) < 3:
            raise ad.errors.DomainError("the odd one out is one of three words or more")
        units = np.array([_unit(self._vector(word)) for word in words])
        return words[int(np.argmin(units @ units.mean(0)))]

    def _vector(self, term: Term) -> np.ndarray:
        if isinstance(term, str):
            vector = self[term].astype(np.float64)
        else:
            vector = np.asarray(term, np.float64)
        if vector.shape != (self.size,):
            found = ad.errors.describe(vector)
            raise ad.errors.ShapeError(f"expected a word or a vector of {self.size}, not {found}")
        if not np.isfinite(vector).all():
            what = f"the vector of {term!r}" if isinstance(term, str) else "a vector"
            raise ad.errors.DomainError(f"{what} is not finite")
        return vector

    def _term(self, term: Term) -> np.ndarray:
        vector = self._vector(term)
        return _unit(vector) if isinstance(term, str) else vector

    def _cosines(self, direction: np.ndarray, among: int | None) -> np.ndarray:
        if among is not None and among < 1:
            raise ad.errors.DomainError(f"among: expected a number of words, not {among}")
        cosines = np.empty(min(among or len(self), len(self)), np.float32)
        for rows in blocks(len(cosines), self.size):
            cosines[rows] = self.vectors[rows] @ direction.astype(np.float32)
        norms = self.norms[: len(cosines)]
        return cosines / np.where(norms > 0, norms, 1)


def blocks(rows: int, size: int) -> Iterator[slice]:
    """Slices that take up so many rows of `size` entries, a block at a time."""
    step = max(1, BLOCK // size)
    yield from (slice(i, min(i + step, rows)) for i in range(0, rows, step))


def _require_each_once(words: Sequence[object], ids: dict[str, int]) -> None:
    if not words:
        raise ad.errors.DomainError("word vectors: there are no words")
    if len(ids) < len(words):
        twice = Counter(words).most_common(1)[0][0]
        raise ad.errors.DomainError(f"word vectors: each word is there once; {twice!r} is not")
    other = next((word for word in words if not isinstance(word, str)), None)
    if other is not None:
        raise ad.errors.DomainError(f"word vectors: a word is a text, not {other!r}")


def _require_fit(count: int, vectors: np.ndarray, counts: np.ndarray | None) -> None:
    if vectors.ndim != 2 or len(vectors) != count or not vectors.size:
        found = ad.errors.describe(vectors)
        raise ad.errors.ShapeError(f"{count:,} words need an array of shape ({count}, size); this "
                                   f"is {found}")  # fmt: skip
    if counts is not None and counts.shape != (count,):
        found = ad.errors.describe(counts)
        raise ad.errors.ShapeError(f"{count:,} words need as many counts; these are {found}")


def _terms(asked: Any) -> tuple[Any, ...]:
    if isinstance(asked, str) or not isinstance(asked, Iterable):
        return (asked,)
    is_vector = isinstance(asked, np.ndarray) and asked.ndim == 1 and asked.dtype.kind in "fiu"
    return (asked,) if is_vector else tuple(asked)


def _unit(vector: np.ndarray) -> np.ndarray:
    norm = np.linalg.norm(vector)
    return vector / norm if norm > 0 else vector


def _largest(values: np.ndarray, n: int) -> np.ndarray:
    """Where the `n` largest values are, the largest first; of equal ones the first comes first."""
    if n < 1:
        return np.empty(0, np.int64)
    least = np.partition(values, -n)[-n]
    found = np.flatnonzero(values >= least)
    return found[np.argsort(-values[found], kind="stable")[:n]]
