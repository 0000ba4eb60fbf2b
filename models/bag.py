"""Bags of words: a text as the set of its words and pairs of words, and naive Bayes on it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

import autodiff as ad
from models.data import tokens
from models.vocabulary import UNKNOWN, Vocabulary, padded

__all__ = ["Bag", "grams", "words"]


def words(text: str) -> list[str]:
    """Words and signs in lower case; a text without any has one that is unknown."""
    return tokens(text.lower()) or [UNKNOWN]


def grams(text: str, bigrams: bool = True) -> list[str]:
    """The distinct words of a text and, with `bigrams`, the distinct pairs of neighbours.

    >>> grams("So so good")
    ['good', 'so', 'so good', 'so so']
    """
    found = words(text)
    pairs = map(" ".join, pairwise(found)) if bigrams else ()
    return sorted({*found, *pairs})


class Bag(ad.Module):
    """Scores of classes as a sum over the distinct grams of a text.

    ::

        scores = a + sum over grams g of the text of B[g]

    As logistic regression it starts from 0. `start_from` sets a and B to naive Bayes, whose
    scores are log probabilities.

    Parameters
    ----------
    grams : sequence of str
        Words, and pairs of words with a space between. The first one stands for all that are
        unknown, and counts nothing.
    classes : int
    dropout : float
        Share of the grams that a text loses in training, in [0, 1).
    rng : int or Generator
        Source of what is dropped.
    dtype : dtype

    Attributes
    ----------
    B : Embedding
        Of shape (grams, classes).
    a : Parameter, shape (classes,)
    """

    def __init__(
        self,
        grams: Sequence[str],
        classes: int,
        dropout: float = 0.0,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        self.grams = Vocabulary(grams)
        # Pairs cost time to find.
        self.bigrams = any(" " in gram for gram in grams)
        self.B = ad.Embedding(len(grams), classes, dtype=dtype, start=ad.init.zeros)
        self.a = ad.Parameter(np.zeros(classes, dtype))
        self.dropout = ad.Dropout(dropout, rng=rng)

    def ids(self, texts: Sequence[str]) -> np.ndarray:
        """The grams of each text, of shape (greatest number, texts), with 0 for none."""
        array, _ = padded([self.grams.ids(grams(text, self.bigrams)) for text in texts])
        return array

    def forward(self, ids: np.ndarray) -> ad.Tensor:
        """Scores of shape (texts, classes)."""
        counts = (ids != 0)[..., None].astype(self.a.dtype)
        return self.a + ad.sum(self.B(ids) * self.dropout(counts), 0)

    def start_from(self, texts: Sequence[str], y: np.ndarray, weight: float = 1.0) -> None:
        """Naive Bayes: in how many texts of each class a gram is, plus 1, as log probabilities.

        Up to a constant for each gram, which no softmax sees: with two classes, the difference is
        the log-count ratio of Wang and Manning (ACL 2012, eq. 1), for binary counts.

        Parameters
        ----------
        texts : sequence of str
        y : ndarray of int
            The class of each.
        weight : float
            Of all log probabilities. Grams are not independent, as the formula takes them to be;
            a weight below 1 keeps the scores from claiming more than is known.
        """
        counts = np.ones(self.B.table.shape)
        ids = self.ids(texts)
        for c in range(counts.shape[1]):
            counts[:, c] += np.bincount(ids[:, y == c].ravel(), minlength=len(counts))
        counts[0] = 0
        logs = np.log(counts / counts.sum(0), where=counts > 0, out=counts)
        self.B.table.data = weight * (logs - logs.mean(1, keepdims=True))
        # A class without a text counts as if it had one.
        numbers = np.maximum(np.bincount(y, minlength=len(self.a.data)), 1)
        self.a.data = weight * np.log(numbers / numbers.sum())
