"""Which word means which, learnt from sentence pairs alone: the first of IBM's models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from models.vocabulary import Vocabulary

__all__ = ["NULL", "Lexicon", "LexiconTable", "ibm1", "word_for_word"]

NULL = ""
"""The source word of target words that translate nothing."""

Words = Sequence[str]
Lexicon = Mapping[str, Mapping[str, float]]
"""t(e|f) as ``lexicon[f][e]``, the likeliest e first."""


def ibm1(
    pairs: Sequence[tuple[Words, Words]], iterations: int = 6, least: float = 0.0
) -> dict[str, dict[str, float]]:
    """The probability t(e|f) that a word f is translated as e, by IBM model 1.

    Each target word comes from one word of the source sentence or from `NULL`, from all with the
    same probability. From equal t on, expectation maximisation (Brown et al. 1993, sec. 4.1)::

        p(f|e) = t(e|f) / sum of t(e|f') over NULL and the f' of the source sentence
        t(e|f) = sum of p(f|e) over all places / the same for all e

    Parameters
    ----------
    pairs : sequence of (words, words)
        Source and target sentences.
    iterations : int
    least : float
        Probabilities below it are left out at the end; the others stay as they are.

    Returns
    -------
    dict
        A `Lexicon`.
    """
    if not pairs:
        return {}
    sources = Vocabulary.of((f for source, _ in pairs for f in source), first=[NULL])
    targets = Vocabulary.of((e for _, target in pairs for e in target), first=[NULL])
    place, f, e = _links([(sources.ids(a), targets.ids(b)) for a, b in pairs])
    kinds, kind = np.unique(f * len(targets) + e, return_inverse=True)
    fs, es = np.divmod(kinds, len(targets))
    t = np.ones(len(kinds))
    for _ in range(iterations):
        p = t[kind] / np.bincount(place, t[kind])[place]
        count = np.bincount(kind, p)
        t = count / np.bincount(fs, count)[fs]
    kept = t >= least
    return _as_dicts(sources, targets, fs[kept], es[kept], t[kept])


def _links(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, ...]:
    """The place in the target text, f and e, of each way in which a target word may arise."""
    with_null = [(np.append(source, 0), target) for source, target in pairs]
    sizes = np.concatenate([np.full(len(target), len(source)) for source, target in with_null])
    place = np.repeat(np.arange(len(sizes)), sizes)
    f = np.concatenate([np.tile(source, len(target)) for source, target in with_null])
    e = np.concatenate([target for _, target in pairs])[place]
    return place, f, e


def _as_dicts(
    sources: Vocabulary, targets: Vocabulary, fs: np.ndarray, es: np.ndarray, t: np.ndarray
) -> dict[str, dict[str, float]]:
    lexicon: dict[str, dict[str, float]] = {}
    for i in np.lexsort((es, -t, fs)):
        lexicon.setdefault(sources.words[fs[i]], {})[targets.words[es[i]]] = float(t[i])
    return lexicon


def word_for_word(lexicon: Lexicon, words: Words) -> list[str]:
    """The likeliest translation of each word by itself; a word that is unknown stays as it is."""
    return [next(iter(_row(lexicon, word))) for word in words]


def _row(lexicon: Lexicon, word: str) -> Mapping[str, float]:
    return lexicon.get(word) or {word: 1.0}


class LexiconTable:
    """A lexicon as arrays, by the ids of a target vocabulary.

    The words that the vocabulary has not are taken together under its first id; and a source word
    that the lexicon has not is its own translation.

    Parameters
    ----------
    lexicon : Lexicon
    target : Vocabulary
    """

    def __init__(self, lexicon: Lexicon, target: Vocabulary) -> None:
        self.lexicon, self.target = lexicon, target
        self._rows = {word: self._arrays(row) for word, row in lexicon.items()}

    def _arrays(self, row: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        ids, where = np.unique(self.target.ids(row), return_inverse=True)
        return ids, np.bincount(where, list(row.values()))

    def dense(self, words: Words, dtype: Any = np.float32) -> np.ndarray:
        """t(e|f) for each f of a sentence, of shape (words, target vocabulary)."""
        table = np.zeros((len(words), len(self.target)), dtype)
        for row, word in zip(table, words):
            ids, t = self._rows.get(word) or self._arrays({word: 1.0})
            row[ids] = t
        return table

    def of_rare(self, word: str) -> float:
        """The probability that a word translates as one of those that the vocabulary has not."""
        ids, t = self._rows.get(word) or self._arrays({word: 1.0})
        return float(t[0]) if ids[0] == 0 else 0.0

    def rare(self, word: str) -> str:
        """The likeliest translation of a word among those that the vocabulary has not.

        The word itself if there is none.
        """
        return next((e for e in _row(self.lexicon, word) if e not in self.target), word)
