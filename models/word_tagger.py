"""What all taggers share: vectors of features, the loss, and tags of sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.crf import CRF
from models.embeddings import STD, small_embedding, take_over
from models.features import Features
from models.recurrent import check_sizes
from models.vocabulary import Vocabulary, alike, listed, padded

__all__ = ["WordTagger"]


class WordTagger(ad.Module):
    """Base of the networks that score the tags of words from their features.

    A subclass states `forward`: scores of shape (time, batch, tags) for ids of shape
    (time, batch, features) and a mask of shape (time, batch).

    Parameters
    ----------
    tables : mapping of str to sequence of str
        The features and their known values; `Features.of` finds them in sentences.
    tags : sequence of str
    word_size, feature_size : int
        Length of the vector of a word, and of each other feature.
    dropout : float
        Share of the entries that are dropped in a training step.
    rng : Generator
    dtype : dtype

    Attributes
    ----------
    embeddings : list of Embedding
        E, in the order of `tables`.
    size : int
        Length of the vectors of all features together.
    """

    crf: CRF | None = None

    def __init__(
        self,
        tables: Mapping[str, Sequence[str]],
        tags: Sequence[str],
        word_size: int,
        feature_size: int,
        dropout: float,
        rng: np.random.Generator,
        dtype: Any,
    ) -> None:
        check_sizes(type(self).__name__, word_size=word_size, feature_size=feature_size)
        self.features, self.tags = Features(tables), Vocabulary(tags)
        sizes = [word_size if name == "word" else feature_size for name in tables]
        self.embeddings = [
            small_embedding(len(values), size, rng, dtype)
            for values, size in zip(tables.values(), sizes)
        ]
        self.size = sum(sizes)
        self.dropout = ad.Dropout(dropout, rng=rng)

    def start_from(self, words: Sequence[str], vectors: np.ndarray) -> None:
        """Give words that are known the vectors that were found for them elsewhere.

        Parameters
        ----------
        words : sequence of str
        vectors : array_like, shape (words, word_size)
            With a mean square of about 1; they are scaled to the size that vectors start with.

        Raises
        ------
        ShapeError
            If the vectors are of another shape.
        DomainError
            If the word is not among the features.
        """
        column = self.features.word_column
        if column is None:
            raise ad.errors.DomainError("vectors of words need the feature 'word'")
        vocabulary, E = self.features.vocabularies["word"], self.embeddings[column]
        take_over(E, vocabulary, words, vectors, STD, type(self).__name__)

    def vectors(self, ids: np.ndarray) -> ad.Tensor:
        """x: the vectors of all features of each word, joined, of shape (time, batch, size)."""
        parts = [E(ids[..., i]) for i, E in enumerate(self.embeddings)]
        return self.dropout(ad.concatenate(parts, -1))

    def loss(self, ids: np.ndarray, y: np.ndarray, mask: np.ndarray) -> ad.Tensor:
        """The negative log probability of the tags `y` per word, of shape () ."""
        scores = self(ids, mask)
        if self.crf is None:
            return ad.cross_entropy(scores, y, mask=mask)
        return ad.sum(self.crf(scores, y, mask)) / mask.sum(dtype=scores.dtype)

    def decode(self, ids: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """The ids of the best tags, of shape (time, batch)."""
        with ad.no_grad():
            scores = self(ids, mask)
        return scores.data.argmax(-1) if self.crf is None else self.crf.decode(scores, mask)

    def tag(self, sentences: Sequence[Sequence[str]], batch: int = 64) -> list[list[str]]:
        """The tags of each word of each sentence."""
        sentences = [listed(sentence, "a sentence to tag") for sentence in sentences]
        lengths = [len(sentence) for sentence in sentences]
        found: dict[int, list[str]] = {i: [] for i in range(len(sentences))}
        for rows in alike(lengths, batch):
            ids, mask = padded([self.features.ids(sentences[i]) for i in rows])
            for i, column in zip(rows, self.decode(ids, mask).T):
                found[i] = [self.tags.words[k] for k in column[: lengths[i]]]
        return list(found.values())
