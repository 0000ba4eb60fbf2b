"""A class for each text: a recurrent network, with a bag of words beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.bag import Bag, words
from models.embeddings import small_embedding, take_over
from models.stack import Stack
from models.vocabulary import Vocabulary, alike, listed, padded

__all__ = ["POOLINGS", "Classifier"]

POOLINGS = ("max", "mean", "last")

GRAMS = 16
"""Numbers of grams are rounded up to a multiple of this, so that few kinds of batches differ."""

KNOWN_STD = 0.3
"""Of vectors that were learnt elsewhere."""


class Classifier(ad.Module):
    """A recurrent network whose states are pooled over a text, and a bag of words beside it.

    ::

        x(t)   = E[word t]
        h(t)   = network(x)(t)
        p      = maximum or mean of h over t, or the last states
        scores = V p + c + bag(text)

    In training, dropout sets entries of x and p to zero. With a bag, V starts at 0, so that
    training begins at the scores of the bag, such as naive Bayes, and adds to them; and the loss
    is the mean of that of the scores and that of the network alone. For a bag that knows the
    training texts leaves next to no error on them from which the network could learn.

    Parameters
    ----------
    words : sequence of str
        In lower case; the first one stands for all that are unknown.
    labels : sequence of str
        The classes.
    grams : sequence of str
        Of the `Bag`; none: there is no bag.
    size : int
        Length of x(t).
    hidden, layers, cell, bidirectional
        Of the `Stack`.
    pooling : {"max", "mean", "last"}
    dropout, gram_dropout : float
        Share of the entries of x and p, and of the grams of a text, that are dropped.
    rng : int or Generator
    dtype : dtype

    Attributes
    ----------
    E : Embedding
    network : Stack
    output : Linear
        V and c.
    bag : Bag or None

    Raises
    ------
    DomainError
        For an unknown pooling or cell, a size below 1, or a word that occurs twice.

    Examples
    --------
    >>> model = Classifier(["<unk>", "good", "bad"], ["no", "yes"], size=4, hidden=3).eval()
    >>> model.probabilities(["Good!", "bad, bad, bad"]).shape
    (2, 2)
    """

    def __init__(
        self,
        words: Sequence[str],
        labels: Sequence[str],
        grams: Sequence[str] = (),
        size: int = 100,
        hidden: int = 64,
        layers: int = 1,
        cell: str = "gru",
        bidirectional: bool = True,
        pooling: str = "mean",
        dropout: float = 0.5,
        gram_dropout: float = 0.0,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float32,
    ) -> None:
        if pooling not in POOLINGS:
            raise ad.errors.DomainError(
                f"Classifier: unknown pooling {pooling!r}; there are {', '.join(POOLINGS)}"
            )
        rng = np.random.default_rng(rng)
        self.words, self.labels, self.pooling = Vocabulary(words), Vocabulary(labels), pooling
        self.network = Stack(
            cell, size, hidden, layers, bidirectional, dropout, rng=rng, dtype=dtype
        )
        self.E = small_embedding(len(words), size, rng, dtype)
        start = ad.init.zeros if grams else ad.init.xavier_uniform
        self.output = ad.Linear(
            self.network.outputs, len(labels), rng=rng, dtype=dtype, start=start
        )
        self.bag = Bag(grams, len(labels), gram_dropout, rng, dtype) if grams else None
        self.dropout = ad.Dropout(dropout, rng=rng)

    def start_from(self, words: Sequence[str], vectors: np.ndarray) -> int:
        """Take over vectors of words that were learnt elsewhere.

        Parameters
        ----------
        words : sequence of str
        vectors : array_like, shape (words, size)
            With a mean square of about 1; they are scaled to one of 0.3 squared.

        Returns
        -------
        int
            How many words of the model have one of these vectors; the others keep theirs.

        Raises
        ------
        ShapeError
            If the vectors are of another shape.
        """
        return take_over(self.E, self.words, words, vectors, KNOWN_STD, "Classifier")

    def ids(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """The words of each text, of shape (time, texts), and where there are any."""
        return padded([self.words.ids(words(text)) for text in listed(texts, "Classifier")])

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> ad.Tensor:
        """The network's part of the scores, (texts, classes), for ids and mask (time, texts)."""
        h, states = self.network(self.dropout(self.E(ids)), mask=mask)
        p = self._pooled(h, states, mask[..., None])
        return self.output(self.dropout(p))

    def scores(self, texts: Sequence[str]) -> ad.Tensor:
        """Scores of shape (texts, classes)."""
        alone = self(*self.ids(texts))
        return alone if self.bag is None else alone + self.bag(self.bag.ids(texts))

    def inputs(
        self, texts: Sequence[str], unknown: float = 0.0, rng: int | np.random.Generator = 0
    ) -> tuple[np.ndarray, ...]:
        """What `loss` takes of texts: ids and mask and, where there is a bag, its grams.

        Parameters
        ----------
        texts : sequence of str
        unknown : float
            Share of the words that the network sees as unknown ones.
        rng : int or Generator
            Source of their choice.
        """
        ids, mask = self.ids(texts)
        ids[np.random.default_rng(rng).random(ids.shape) < unknown] = 0
        return (ids, mask) if self.bag is None else (ids, mask, _longer(self.bag.ids(texts)))

    def loss(self, y: Any, ids: Any, mask: Any, grams: Any = None) -> ad.Tensor:
        """The mean cross-entropy with the classes `y`, of shape (texts,), of `inputs`."""
        alone = self(ids, mask)
        loss = ad.cross_entropy(alone, y)
        if self.bag is None:
            return loss
        return (loss + ad.cross_entropy(alone + self.bag(grams), y)) / 2

    def probabilities(self, texts: Sequence[str], batch: int = 64) -> np.ndarray:
        """The probability of each class, of shape (texts, classes)."""
        texts = listed(texts, "Classifier")
        found = np.zeros((len(texts), len(self.labels)), self.output.W.dtype)
        lengths = [len(text) + 1 for text in texts]  # an empty one has a class, too
        with ad.no_grad():
            for rows in alike(lengths, batch):
                found[rows] = ad.softmax(self.scores([texts[i] for i in rows])).data
        return found

    def predict(self, texts: Sequence[str]) -> list[str]:
        """The most probable class of each text."""
        return [self.labels.words[i] for i in self.probabilities(texts).argmax(-1)]

    def _pooled(self, h: ad.Tensor, states: list[Any], counts: np.ndarray) -> ad.Tensor:
        """Over the steps that count, of shape (texts, outputs)."""
        if self.pooling == "last":
            networks = self.network.forwards[-1:] + self.network.backwards[-1:]
            ends = zip(networks, states[-len(networks) :])
            return ad.concatenate([network.output(state) for network, state in ends], -1)
        if self.pooling == "max":
            return ad.max(ad.where(counts, h, -np.inf), 0)
        return ad.sum(ad.where(counts, h, 0), 0) / counts.sum(0, dtype=h.dtype)


def _longer(grams: np.ndarray) -> np.ndarray:
    """With as many more rows of no gram as make the number a multiple of `GRAMS`."""
    return np.pad(grams, ((0, -len(grams) % GRAMS), (0, 0)))
