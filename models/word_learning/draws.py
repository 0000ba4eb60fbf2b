"""What word2vec draws from a text: which words are seen, how far, and the noise.

Each number has a place of its own in an endless sequence that depends on a key alone (Steele, Lea
and Flood, OOPSLA 2014: SplitMix), so that it does not matter in which order they are drawn:
``word2vec.c`` draws the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from operator import index
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from models.words.alias import COLUMN, alias_table, columns

__all__ = ["Draws", "Examples", "Piece", "Window", "bits_at", "keys_of"]

POWER = 0.75
"""Of the counts, for the noise (Mikolov et al., NIPS 2013)."""

ALL = 2**32 - 1

MOST = 10_000
"""Words of the noise on each side of a centre: in C they are on the stack."""

SAME = 0.9999
"""Share of the noise from which on it takes too long to find another word."""

_U = np.uint64


@dataclass(frozen=True)
class Window:
    """What is drawn around the words of a text.

    Attributes
    ----------
    size : int
        Words on each side.
    shrink : bool
        Whether the window of each word is of any size up to that, all of them equally likely:
        near words weigh more.
    negatives : int
        Words of the noise that each right one is compared with.
    subsample : float
        A word of which this share of the text consists is kept always, one x times as frequent with
        probability ``1/sqrt(x) + 1/x``; 0 keeps all.

    Raises
    ------
    DomainError
        If one of them is too small.

    Notes
    -----
    All are of Mikolov et al. 2013 (see `SkipGram`): the noise is drawn in proportion to
    ``count ** 0.75``. The paper drops frequent words with probability ``1 - 1/sqrt(x)``; what is
    here is in the program that came with it.
    """

    size: int = 5
    shrink: bool = True
    negatives: int = 5
    subsample: float = 1e-3

    def __post_init__(self) -> None:
        for name, least in (("size", 1), ("negatives", 1), ("subsample", 0)):
            ad.errors.require_number(getattr(self, name), f"window: {name}")
            if not getattr(self, name) >= least:
                raise ad.errors.DomainError(
                    f"window: {name} is at least {least}, not {getattr(self, name)}"
                )
        for name in ("size", "negatives"):
            index(getattr(self, name))  # a TypeError for what is no whole number


class Examples(NamedTuple):
    """n things to learn.

    `inputs` are words, shape (n,), or the words of a window, shape (n, 2 size) with -1 where there
    is none; `outputs` are words, shape (n,), or with noise after them (n, 1 + negatives).
    """

    inputs: np.ndarray
    outputs: np.ndarray


class Piece(NamedTuple):
    """A part of what is learnt from.

    The words of a chunk, the keys of what is drawn from it, and the learning rate.
    """

    ids: np.ndarray
    keys: np.ndarray
    rate: float


@dataclass(frozen=True)
class Draws:
    """Examples drawn from chunks of a text.

    Parameters
    ----------
    counts : ndarray of int
        Of the words.
    window : Window
    is_bag : bool
        Whether a window predicts its centre (CBOW) or the centre its window (skip-gram).
    has_noise : bool
    """

    counts: np.ndarray
    window: Window
    is_bag: bool
    has_noise: bool
    keep: np.ndarray = field(init=False)
    """For each word: it is kept if 32 random bits are at most this."""
    table: np.ndarray = field(init=False)
    """Of the noise; empty if there is none."""

    def __post_init__(self) -> None:
        _require_room(self.window.size, self.window.negatives if self.has_noise else 1)
        table = _noise(self.counts) if self.has_noise else np.empty(0, COLUMN)
        object.__setattr__(self, "keep", _keep(self.counts, self.window.subsample))
        object.__setattr__(self, "table", table)

    @property
    def busiest(self) -> float:
        """How many times the commonest word is asked for in an example, on average."""
        kept = self.counts * (self.keep / 2**32)
        noise = self.counts**POWER * (self.window.negatives * self.has_noise)
        return float(np.max(kept / kept.sum() + noise / np.sum(self.counts**POWER)))

    def examples(self, ids: np.ndarray, keys: np.ndarray) -> Examples:
        """The examples of a chunk in the order of the text.

        Parameters
        ----------
        ids : ndarray of int32
            Words, with -1 after each sentence.
        keys : ndarray of uint64, shape (3,)
            Of `keys_of`.
        """
        kept = np.flatnonzero((ids < 0) | (_upper(keys[0], len(ids)) <= self.keep[ids]))
        words, near = self._near(ids[kept], kept, keys[1])
        if self.is_bag:
            rows = np.flatnonzero((words >= 0) & (near >= 0).any(1))
            inputs, outputs, place = near[rows], words[rows], kept[rows]
        else:
            rows, slots = np.nonzero((near >= 0) & (words >= 0)[:, None])
            inputs, outputs = words[rows], near[rows, slots]
            place = kept[rows] * near.shape[1] + slots
        return Examples(inputs, self._with_noise(outputs, place, keys[2]))

    def _near(self, words: np.ndarray, place: np.ndarray, key: Any) -> tuple[np.ndarray, Any]:
        """The words, and those in the window of each: -1 where there is none."""
        size = self.window.size
        reach = np.full(len(words), size)
        if self.window.shrink:
            reach -= ((_upper(key, place) * _U(size)) >> _U(32)).astype(int)
        sentence = np.cumsum(words < 0)
        near = np.full((len(words), 2 * size), -1, np.int32)
        for slot, d in enumerate([*range(-size, 0), *range(1, size + 1)]):
            i = np.arange(max(-d, 0), len(words) - max(d, 0))
            is_near = (sentence[i] == sentence[i + d]) & (abs(d) <= reach[i])
            near[i[is_near], slot] = words[i[is_near] + d]
        return words, near

    def _with_noise(self, right: np.ndarray, place: np.ndarray, key: Any) -> np.ndarray:
        """Words, each with words of the noise that are others; drawn again until they are."""
        if not self.has_noise:
            return right
        count = self.window.negatives
        index = (place[:, None] * count + np.arange(count)).ravel()
        target = np.repeat(right, count)
        noise = columns(self.table, bits_at(key, index))
        while len(same := np.flatnonzero(noise == target)):
            key = bits_at(key, 0)
            noise[same] = columns(self.table, bits_at(key, index[same]))
        return np.column_stack([right, noise.reshape(-1, count)])


def _require_room(size: int, negatives: int) -> None:
    if size * negatives > MOST:
        raise ad.errors.DomainError(
            f"window: size times negatives is at most {MOST:,}, not {size:,} times {negatives:,}"
        )


def keys_of(seed: int, epoch: int, chunk: int) -> np.ndarray:
    """Three keys: of the words that are kept, of the windows, of the noise."""
    return np.random.SeedSequence([seed, epoch, chunk]).generate_state(3, np.uint64)


def bits_at(key: Any, places: Any) -> Any:
    """64 random bits for each place in the sequence of a key."""
    with np.errstate(over="ignore"):  # it is arithmetic modulo 2^64
        x = key + (np.asarray(places).astype(np.uint64) + _U(1)) * _U(0x9E3779B97F4A7C15)
        x = (x ^ (x >> _U(30))) * _U(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> _U(27))) * _U(0x94D049BB133111EB)
        return x ^ (x >> _U(31))


def _upper(key: Any, places: Any) -> np.ndarray:
    """32 of the bits; `places` may be a number of them, from 0 on."""
    places = np.arange(places) if isinstance(places, int) else places
    return bits_at(key, places) >> _U(32)


def _noise(counts: np.ndarray) -> np.ndarray:
    weights = counts**POWER
    if weights.max() > SAME * weights.sum():
        raise ad.errors.DomainError(
            "noise: it would nearly always be the same word, so that there is none to compare that "
            "word with; give more words, or take another output"
        )
    return alias_table(weights)


def _keep(counts: np.ndarray, subsample: float) -> np.ndarray:
    """Of the original program; the paper's own rule is 1/sqrt(x)."""
    if not subsample:
        return np.full(len(counts), ALL, np.uint32)
    x = np.maximum(counts, 1) / (subsample * max(counts.sum(), 1))
    return np.minimum((np.sqrt(1 / x) + 1 / x) * 2**32, ALL).astype(np.uint32)
