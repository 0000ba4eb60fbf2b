"""A tag for each word from the words around it: the multilayer perceptron over a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.mlp import MLP
from models.recurrent import check_sizes
from models.word_tagger import WordTagger

__all__ = ["WindowTagger"]


class WindowTagger(WordTagger):
    """The window network (Collobert et al., JMLR 12, 2011).

    With a window of n words to each side::

        x(t) = E[1][feature 1 of word t], E[2][feature 2 of word t], ...   joined
        h(t) = tanh(W[0] [x(t-n), ..., x(t+n)] + b[0])
        e(t) = W[1] h(t) + b[1]

    Where the window reaches beyond the sentence, x is a vector of its own, which is learnt. In
    training, dropout sets entries of x and of h to zero.

    Parameters
    ----------
    tables : mapping of str to sequence of str
        The features and their known values; `Features.of` finds them in sentences.
    tags : sequence of str
    window : int
        n.
    word_size, feature_size : int
        Length of the vector of a word, and of each other feature.
    hidden : int
        Length of h(t).
    dropout : float
    rng : int or Generator
    dtype : dtype

    Attributes
    ----------
    embeddings : list of Embedding
        E, in the order of `tables`.
    outside : Parameter
        The x before the first word and after the last one.
    network : MLP

    Raises
    ------
    DomainError
        For a size below 1, a negative window, or an unknown feature.

    Examples
    --------
    >>> tagger = WindowTagger({"word": ["<unk>", "a", "rose"]}, ["DET", "NOUN"], hidden=4)
    >>> [len(tags) for tags in tagger.eval().tag([["a", "rose"], ["tulips"]])]
    [2, 1]
    """

    def __init__(
        self,
        tables: Mapping[str, Sequence[str]],
        tags: Sequence[str],
        window: int = 2,
        word_size: int = 100,
        feature_size: int = 30,
        hidden: int = 128,
        dropout: float = 0.3,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        check_sizes("WindowTagger", hidden=hidden)
        if window < 0:
            raise ad.errors.DomainError(f"WindowTagger: window={window}; it is at least 0")
        rng = np.random.default_rng(rng)
        super().__init__(tables, tags, word_size, feature_size, dropout, rng, dtype)
        self.window = window
        self.outside = ad.Parameter(np.zeros(self.size, dtype))
        inputs = (2 * window + 1) * self.size
        self.network = MLP([inputs, hidden, len(tags)], "tanh", dropout, rng=rng, dtype=dtype)

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> ad.Tensor:
        """Scores (time, batch, tags) for ids (time, batch, features), mask (time, batch)."""
        x = ad.where(mask[..., None], self.vectors(ids), self.outside)
        n = self.window
        border = ad.broadcast_to(self.outside, (n, *x.shape[1:]))
        wide = ad.concatenate([border, x, border])
        windows = ad.concatenate([wide[i : i + len(x)] for i in range(2 * n + 1)], -1)
        return self.network(windows)
