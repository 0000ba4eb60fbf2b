"""A tag for each word of a sentence: parts of speech, names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.crf import CRF
from models.stack import Stack
from models.word_tagger import WordTagger

__all__ = ["Tagger"]


class Tagger(WordTagger):
    """A recurrent network in both directions over the features of words.

    ::

        x(t) = E[1][feature 1 of word t], E[2][feature 2 of word t], ...   joined
        h(t) = network(x)(t)                                               in both directions
        e(t) = V h(t) + c

    The scores e become probabilities by a softmax at each word, or together by a `CRF`
    (Huang, Xu and Yu 2015). In training, dropout sets entries of x and h to zero.

    Parameters
    ----------
    tables : mapping of str to sequence of str
        The features and their known values; `Features.of` finds them in sentences.
    tags : sequence of str
    word_size, feature_size : int
        Length of the vector of a word, and of each other feature.
    hidden, layers, cell, bidirectional
        Of the `Stack`.
    dropout : float
    crf : bool
    rng : int or Generator
    dtype : dtype

    Attributes
    ----------
    embeddings : list of Embedding
        E, in the order of `tables`.
    network : Stack
    output : Linear
        V and c.
    crf : CRF or None

    Examples
    --------
    >>> tagger = Tagger({"word": ["<unk>", "a", "rose"]}, ["DET", "NOUN"], hidden=4)
    >>> [len(tags) for tags in tagger.eval().tag([["a", "rose"], ["tulips"]])]
    [2, 1]
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[str]],
        tags: Sequence[str],
        word_size: int = 100,
        feature_size: int = 30,
        hidden: int = 128,
        layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = True,
        dropout: float = 0.3,
        crf: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        rng = np.random.default_rng(rng)
        super().__init__(tables, tags, word_size, feature_size, dropout, rng, dtype)
        self.network = Stack(
            cell, self.size, hidden, layers, bidirectional, dropout, rng=rng, dtype=dtype
        )
        self.output = ad.Linear(self.network.outputs, len(tags), rng=rng, dtype=dtype)
        self.crf = CRF(len(tags), dtype) if crf else None

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> ad.Tensor:
        """Scores (time, batch, tags) for ids (time, batch, features), mask (time, batch)."""
        x = self.vectors(ids)
        h, _ = self.network(x, mask=mask)
        e = self.output(self.dropout(h))
        return e
