"""Which words occur near which, and how often: counted within bounded memory.

The text is read once. Its pairs are sorted and summed some millions at a time, and each time the
sums go to a temporary file; then all of these are merged, also some millions at a time.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

import autodiff as ad
from models.words.encoded import CHUNK, Encoded
from models.words.records import Records

__all__ = ["Cooccurrences", "Triples", "cooccurrences", "split"]

BYTES = 128
"""Memory that a pair takes while it is sorted, summed and written, with all copies."""

BLOCK_BYTES = 32
"""Memory that an entry takes while a block is read."""

EXACT = 22
"""Distances up to which weights are whole numbers: the greatest whose multiple is below 2**28."""

SUM = np.dtype([("key", np.int64), ("weight", np.int64)])
TRIPLE = np.dtype([("row", np.int32), ("column", np.int32), ("value", np.float64)])


class Triples(NamedTuple):
    """Entries of a sparse matrix: arrays of int32, int32 and float64."""

    rows: np.ndarray
    columns: np.ndarray
    values: np.ndarray


def split(entries: np.ndarray) -> Triples:
    """Entries as one array for each field."""
    return Triples(*(np.ascontiguousarray(entries[name]) for name in TRIPLE.names or ()))


class Cooccurrences:
    """A sparse matrix of counts, each entry once, sorted by row and column.

    It is made by `cooccurrences`. Entries are read by place, in stretches of any length, or in
    blocks that fit into memory; from several threads if need be.

    Parameters
    ----------
    entries : Records
    block_size : int
        Entries of a block.

    Attributes
    ----------
    blocks : int
        Number of blocks; all have the same number of entries, but for the last.
    """

    def __init__(self, entries: Records, block_size: int) -> None:
        self._entries, self._block_size = entries, block_size
        self.blocks = math.ceil(len(entries) / block_size)

    def __len__(self) -> int:
        return len(self._entries)

    def read(self, start: int, stop: int) -> Triples:
        """The entries from `start` up to `stop`."""
        return split(self._entries.read(start, min(stop, len(self))))

    def block(self, i: int) -> Triples:
        """The entries of one block."""
        return split(self._block(i))

    def dealt(self, rng: int | np.random.Generator) -> list[Records]:
        """All entries in random order, as many parts as there are blocks."""
        rng = np.random.default_rng(rng)
        parts = [Records(TRIPLE, self._block_size) for _ in range(self.blocks)]
        for i in range(self.blocks):
            block = rng.permutation(self._block(i))
            for part, share in zip(parts, np.array_split(block, self.blocks)):
                part.append(share)
        return parts

    def _block(self, i: int) -> np.ndarray:
        start = range(self.blocks)[i] * self._block_size
        return self._entries.read(start, min(start + self._block_size, len(self)))


def cooccurrences(
    encoded: Encoded,
    size: int,
    window: int = 10,
    *,
    weighted: bool = True,
    symmetric: bool = True,
    memory: int = 512 << 20,
    tell: Callable[[int], object] | None = None,
) -> Cooccurrences:
    """Count for each two words how often one occurs near the other, in the same sentence.

    The counts are the same for any `memory`, to the last bit.

    Parameters
    ----------
    encoded : Encoded
    size : int
        Words of the vocabulary.
    window : int
        The greatest distance of two words.
    weighted : bool
        Whether a pair at distance d counts 1/d, as in GloVe, or 1.
    symmetric : bool
        Whether the words on both sides of a word count, or only those before it.
    memory : int
        Bytes that may be used; what is more goes to temporary files.
    tell : callable, optional
        Called after each chunk with the number of words in it.

    Returns
    -------
    Cooccurrences
        At (i, j) how often word j occurs near word i.

    Raises
    ------
    DomainError
        If the window is not positive, an id of the text is not below `size`, or no two words are
        near each other.

    Examples
    --------
    >>> from models.words import Encoded, WordCounts
    >>> text = [["a", "rose", "is", "a", "rose"]]
    >>> words = WordCounts.of(text, least=1)
    >>> found = cooccurrences(Encoded(text, words), len(words), window=1)
    >>> for i, j, count in zip(*found.read(0, 3)):
    ...     print(words.words[i], words.words[j], count)
    a rose 2.0
    a is 1.0
    rose a 2.0
    """
    _require_window(window, size)
    window = min(window, CHUNK)  # sentences are no longer
    at_once, sums = max(memory // BYTES, 1), Records(SUM, memory // 8)
    unit = math.lcm(*range(1, min(window, EXACT) + 1)) if weighted else 1
    weights = np.array([unit, *(round(unit / (d if weighted else 1)) for d in _to(window))])
    ends = [0]
    for pairs in _gathered(_pairs(encoded, size, window, symmetric, tell), at_once):
        sums.append(_weighed(pairs, weights))
        ends.append(len(sums))
    entries = Records(TRIPLE, memory // 8)
    for merged in _merged(sums, ends, at_once):
        entries.append(_triples(merged, size, unit))
    if not len(entries):
        raise ad.errors.DomainError("co-occurrences: there are no two words in one sentence")
    return Cooccurrences(entries, max(memory // BLOCK_BYTES, 1))


def _to(window: int) -> range:
    return range(1, window + 1)


def _require_window(window: int, size: int) -> None:
    if window < 1 or size * size * (window + 1) >= 2**63:
        raise ad.errors.DomainError(
            f"co-occurrences: a window of {window:,} with {size:,} words; "
            "it has to be positive, and the square of the words times it below 2**63"
        )


def _pairs(
    encoded: Encoded,
    size: int,
    window: int,
    symmetric: bool,
    tell: Callable[[int], object] | None,
) -> Iterator[np.ndarray]:
    """Pairs of words at a distance, each as one number: (row * size + column, distance)."""
    for chunk, words in zip(encoded, encoded.sizes.tolist()):
        if chunk.max() >= size:
            raise ad.errors.DomainError(f"co-occurrences: id {chunk.max()} of {size} words")
        ids, sentence = chunk.astype(np.int64), np.cumsum(chunk < 0)
        for d in range(1, min(window, len(ids) - 1) + 1):
            near = (sentence[d:] == sentence[:-d]) & (ids[:-d] >= 0)
            before, after = ids[:-d][near], ids[d:][near]
            yield (after * size + before) * (window + 1) + d
            if symmetric:
                yield (before * size + after) * (window + 1) + d
        if tell:
            tell(words)


def _gathered(arrays: Iterator[np.ndarray], at_once: int) -> Iterator[np.ndarray]:
    """The same entries in longer arrays, each sorted."""
    held: list[np.ndarray] = []
    count = 0
    for array in arrays:
        held.append(array)
        count += len(array)
        if count >= at_once:
            yield np.sort(np.concatenate(held))
            held, count = [], 0
    if count:
        yield np.sort(np.concatenate(held))


def _weighed(pairs: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sums of the weights that belong to the distances."""
    keys = pairs // len(weights)
    return _summed(keys, weights[pairs - keys * len(weights)])


def _summed(keys: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Sorted keys, each once, with the sum of its weights."""
    starts = np.flatnonzero(np.diff(keys, prepend=-1))
    sums = np.empty(len(starts), SUM)
    sums["key"], sums["weight"] = keys[starts], np.add.reduceat(weights, starts)
    return sums


def _merged(sums: Records, ends: list[int], at_once: int) -> Iterator[np.ndarray]:
    """Sorted stretches made one, in pieces.

    Of each stretch some entries are read. Those are final that are not above the last entry of any
    piece that goes on.
    """
    places, stops = ends[:-1], ends[1:]
    each = max(at_once // max(len(stops), 1), 1)
    while places != stops:
        pieces = [sums.read(p, min(p + each, stop)) for p, stop in zip(places, stops)]
        goes_on = [p + len(piece) < stop for p, piece, stop in zip(places, pieces, stops)]
        last = min((piece["key"][-1] for piece, more in zip(pieces, goes_on) if more), default=None)
        if last is not None:
            pieces = [p[: np.searchsorted(p["key"], last, side="right")] for p in pieces]
        places = [p + len(piece) for p, piece in zip(places, pieces)]
        together = np.concatenate(pieces)
        order = np.argsort(together["key"], kind="stable")  # fast on what is sorted in stretches
        yield _summed(together["key"][order], together["weight"][order])


def _triples(sums: np.ndarray, size: int, unit: int) -> np.ndarray:
    triples = np.empty(len(sums), TRIPLE)
    triples["row"], triples["column"] = np.divmod(sums["key"], size)
    triples["value"] = sums["weight"] / unit
    return triples
