"""Vectors of words at the start of training: small ones at random, or such as were found before."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
from models.vocabulary import Vocabulary

__all__ = ["STD", "small_embedding", "take_over"]

STD = 0.1
"""Of the vectors at the start: small, since those of rare words hardly move, and are noise beside
what else is known."""


def small_embedding(count: int, size: int, rng: np.random.Generator, dtype: Any) -> ad.Embedding:
    """Vectors that start normal with the standard deviation `STD`."""
    start = partial(ad.init.normal, std=STD)
    return ad.Embedding(count, size, rng=rng, dtype=dtype, start=start)


def take_over(
    embedding: ad.Embedding,
    vocabulary: Vocabulary,
    words: Sequence[str],
    vectors: Any,
    std: float,
    owner: str,
) -> int:
    """Give words of a vocabulary the vectors that were found for them elsewhere.

    Parameters
    ----------
    embedding : Embedding
        With a row for each word of `vocabulary`.
    vocabulary : Vocabulary
    words : sequence of str
    vectors : array_like, shape (words, size)
        With a mean square of about 1.
    std : float
        What they are multiplied by.
    owner : str
        The model, for the message.

    Returns
    -------
    int
        How many words have one of these vectors; the others keep theirs.

    Raises
    ------
    ShapeError
        If the vectors are of another shape. Nothing has changed.
    """
    table = embedding.table.numpy()
    expected = (len(words), table.shape[1])
    if np.shape(vectors) != expected:
        raise ad.errors.ShapeError(f"{owner}: vectors are {np.shape(vectors)}; expected {expected}")
    known = np.array([word in vocabulary for word in words], bool)
    table[vocabulary.ids(words)[known]] = std * np.asarray(vectors)[known]
    embedding.table.data = table
    return int(known.sum())
