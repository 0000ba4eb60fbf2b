"""Writing sentences word by word: the likeliest word at each step, or several at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

import autodiff as ad
from models.data import tokens
from models.vocabulary import UNKNOWN, alike, listed

__all__ = ["END", "FIRST", "Translator", "Words", "joined", "words"]

END = "</s>"
"""Stands after the last word of a sentence, and before the first one that is written."""

FIRST = (UNKNOWN, END)
"""With these the vocabularies begin."""

Words = Sequence[str]


class Beginning(NamedTuple):
    """Of a translation: its log probability, the id of its last word, and its words."""

    log_p: float
    last: int
    words: list[str]


class Translator(ad.Module):
    """Base of the networks that write a sentence from a sentence.

    A subclass states `begin`, `advance` and `written`. Its state is a named tuple of arrays, whose
    first axis is that of the sentences; `a` is the attention.

    Attributes
    ----------
    width : int
        Of the beam, unless `translate` is told another one.
    """

    width: int = 1

    def begin(self, sentences: Sequence[Words]) -> tuple[Any, Any]:
        """What is kept of some sentences, and the state before the first word."""
        raise NotImplementedError(f"{type(self).__name__} states no begin()")

    def advance(self, encoded: Any, y: np.ndarray, state: Any) -> tuple[Any, np.ndarray]:
        """The next state from the ids of the last words, and the log of p(t)."""
        raise NotImplementedError(f"{type(self).__name__} states no advance()")

    def written(self, sentence: Words, y: int, a: np.ndarray) -> str:
        """What the id of a written word stands for, by the attention to the sentence."""
        raise NotImplementedError(f"{type(self).__name__} states no written()")

    def translate(self, texts: str | Sequence[str], beam: int | None = None) -> str | list[str]:
        """Sentences in lower case, from sentences as they are.

        Parameters
        ----------
        texts : str or sequence of str
        beam : int, optional
            1 takes the likeliest word at each step. More: see `beam`. Default: `width`.
        """
        if isinstance(texts, str):
            return self.translate([texts], beam)[0]
        sentences = [words(text) for text in listed(texts, "translate")]
        beam = self.width if beam is None else beam
        if not isinstance(beam, int) or beam < 1:
            raise ad.errors.DomainError(f"translate: beam={beam!r}; it is at least 1")
        if beam == 1:
            return [joined(found) for found in self.greedy(sentences)]
        return [joined(self.beam(sentence, beam)) for sentence in sentences]

    def greedy(self, sentences: Sequence[Words], batch: int = 64) -> list[list[str]]:
        """The translation of each sentence, with the likeliest word at each step."""
        found: dict[int, list[str]] = {i: [] for i in range(len(sentences))}
        for rows in alike(list(map(len, sentences)), batch):
            found.update(zip(rows, self._greedy([sentences[i] for i in rows])))
        return list(found.values())

    def _greedy(self, sentences: list[Words]) -> list[list[str]]:
        encoded, state = self.begin(sentences)
        y = np.full(len(sentences), FIRST.index(END))
        found: list[list[str]] = [[] for _ in sentences]
        limits = np.array([_limit(sentence) for sentence in sentences])
        going = limits > 0
        for t in range(1, limits.max() + 1):
            state, log_p = self.advance(encoded, y, state)
            y = log_p.argmax(-1)
            going &= (y != FIRST.index(END)) & (t <= limits)
            if not going.any():
                break
            for i in np.flatnonzero(going):
                found[i].append(self.written(sentences[i], y[i], state.a.data[i]))
        return found

    def beam(self, sentence: Words, width: int) -> list[str]:
        """The best translation found by a beam search.

        At each step the `width` likeliest beginnings are kept, of which those with an `END` need
        no more steps. The best in the end has the highest log probability per word; `END` counts.
        """
        if not sentence:
            return []
        encoded, state = self.begin([sentence])
        live, ended = [Beginning(0.0, FIRST.index(END), [])], []
        for _ in range(_limit(sentence)):
            state, log_p = self.advance(encoded, np.array([start.last for start in live]), state)
            log_p = log_p + np.array([[start.log_p] for start in live], log_p.dtype)
            rows, ids = _highest(log_p, width - len(ended))
            written = [self.written(sentence, y, state.a.data[row]) for row, y in zip(rows, ids)]
            grown = [
                Beginning(log_p[row, y], y, [*live[row].words, word])
                for row, y, word in zip(rows, ids, written)
            ]
            going = ids != FIRST.index(END)
            ended += [start for start, goes in zip(grown, going) if not goes]
            live = [start for start, goes in zip(grown, going) if goes]
            if not live:
                break
            state = type(state)(*(part[rows[going]] for part in state))
        best = max(ended + live, key=lambda start: start.log_p / len(start.words))
        return [word for word in best.words if word != END]


def _limit(sentence: Words) -> int:
    """Words after which the translation ends in any case."""
    return 2 * len(sentence) + 5


def _highest(values: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the highest values of a matrix, the highest first."""
    order = np.argsort(-values, axis=None, kind="stable")[:count]
    return np.divmod(order, values.shape[1])


def words(text: str) -> list[str]:
    """Words and signs of a sentence in lower case."""
    return tokens(text.lower())


def joined(words: Words) -> str:
    """A sentence from its words, with no space before signs."""
    return re.sub(r" ([.,!?:;])", r"\1", " ".join(words))
