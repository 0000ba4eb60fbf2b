"""Classifying texts: the task, and the baselines to beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import autodiff as ad
from models.bag import Bag, grams, words
from models.classifier import Classifier
from models.data import Corpus, Labelled
from models.tasks.batches import by_length
from models.vocabulary import Vocabulary

__all__ = [
    "TextClassification", "accuracy", "baselines", "grams_of", "labels_of", "logistic_regression",
    "naive_bayes", "words_of",
]  # fmt: skip


@dataclass
class TextClassification:
    """Learn the classes of texts by cross-entropy; see `Task`.

    Parameters
    ----------
    corpus : Corpus of Labelled
    model : Classifier
        Whose words and labels are used.
    batch_size : int
        Texts of one step.
    unknown : float
        Share of the words of a text that are made unknown in a training step, so that the network
        learns what to do with unknown ones.
    unit : str
        What is counted while it trains.
    """

    corpus: Corpus[Labelled]
    model: Classifier
    batch_size: int = 32
    unknown: float = 0.05
    unit: str = "tokens"

    @cached_property
    def _lengths(self) -> list[int]:
        return [len(words(example.text)) for example in self.corpus.train]

    def plan(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The texts of each batch, of similar length."""
        return by_length(self._lengths, self.batch_size, rng)

    def size(self, batch: np.ndarray) -> int:
        """Words of a batch."""
        return sum(self._lengths[i] for i in batch)

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        """The classes of texts, and the texts as the model takes them."""
        examples = [self.corpus.train[i] for i in batch]
        texts = [example.text for example in examples]
        return self._y(examples), *self.model.inputs(texts, self.unknown, rng)

    def loss(self, model: Classifier, *inputs: Any) -> ad.Tensor:
        """Mean cross-entropy."""
        return model.loss(*inputs)

    def evaluate(self, model: Classifier) -> dict[str, float]:
        """Loss and accuracy on the validation part."""
        examples = self.corpus.validation
        p, y = model.probabilities([example.text for example in examples]), self._y(examples)
        # Where a probability is 0 in its dtype, the loss is large and no longer exact.
        right = np.maximum(p[np.arange(len(y)), y], np.finfo(p.dtype).tiny)
        return {
            "loss": float(-np.log(right).mean()),
            "accuracy": float((p.argmax(-1) == y).mean()),
        }

    def _y(self, examples: Sequence[Labelled]) -> np.ndarray:
        return self.model.labels.ids(example.label for example in examples)


def accuracy(examples: Sequence[Labelled], predicted: Sequence[str]) -> float:
    """Share of texts whose class is right."""
    return float(np.mean([e.label == label for e, label in zip(examples, predicted, strict=True)]))


# ---- what a model is made of


def labels_of(examples: Sequence[Labelled]) -> list[str]:
    """The classes, in alphabetical order."""
    return sorted({example.label for example in examples})


def words_of(examples: Sequence[Labelled], least: int = 2) -> list[str]:
    """The words that occur `least` times or more."""
    return list(Vocabulary.of((w for e in examples for w in words(e.text)), least).words)


def grams_of(examples: Sequence[Labelled], bigrams: bool = True) -> list[str]:
    """All words and, with `bigrams`, all pairs of neighbours."""
    return list(Vocabulary.of(g for e in examples for g in grams(e.text, bigrams)).words)


# ---- baselines


def baselines(corpus: Corpus[Labelled]) -> dict[str, list[str]]:
    """The classes of the test part by simpler ways, by name.

    They have nothing to choose by the validation part, so they learn from it too.
    """
    examples = [*corpus.train, *corpus.validation]
    texts = [example.text for example in corpus.test]
    ((usual, _),) = Counter(example.label for example in examples).most_common(1)
    return {
        "most frequent class": [usual] * len(texts),
        "naive Bayes": naive_bayes(examples, texts, bigrams=False),
        "naive Bayes with pairs of words": naive_bayes(examples, texts),
        "logistic regression": logistic_regression(examples, texts),
    }


def naive_bayes(
    examples: Sequence[Labelled], texts: Sequence[str], bigrams: bool = True
) -> list[str]:
    """By the words, and pairs of words, that texts of each class have."""
    bag, labels = _bag(examples, bigrams)
    bag.start_from([e.text for e in examples], labels.ids(e.label for e in examples))
    return _predicted(bag, labels, texts)


def logistic_regression(
    examples: Sequence[Labelled], texts: Sequence[str], steps: int = 60, lr: float = 0.02
) -> list[str]:
    """By the words alone, each step with all examples; few steps keep the weights small."""
    bag, labels = _bag(examples, bigrams=False)
    ids, y = bag.ids([e.text for e in examples]), labels.ids(e.label for e in examples)
    optimizer = ad.optim.Adam(bag.parameters(), lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        ad.cross_entropy(bag(ids), y).backward()
        optimizer.step()
    return _predicted(bag, labels, texts)


def _bag(examples: Sequence[Labelled], bigrams: bool) -> tuple[Bag, Vocabulary]:
    labels = Vocabulary(labels_of(examples))
    return Bag(grams_of(examples, bigrams), len(labels)), labels


def _predicted(bag: Bag, labels: Vocabulary, texts: Sequence[str]) -> list[str]:
    with ad.no_grad():
        scores = bag(bag.ids(texts)).data
    return [labels.words[i] for i in scores.argmax(-1)]
