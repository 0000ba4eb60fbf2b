"""Telling classes apart: the task of a model that scores them, and the baselines to beat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad
from models.data import Part, Split
from models.mlp import MLP
from models.train import Trainer

__all__ = ["Classification", "accuracy", "baselines", "predict"]


@dataclass
class Classification:
    """Learn the classes of a split's examples by cross-entropy; see `Task`.

    Parameters
    ----------
    split : Split
    batch_size : int
        Examples of one step.
    augment : callable, optional
        ``augment(x, rng=rng)`` varies the inputs of a batch.
    unit : str
        What an example is called.
    """

    split: Split
    batch_size: int = 32
    augment: Callable[..., np.ndarray] | None = None
    unit: str = "examples"

    def plan(self, rng: np.random.Generator) -> list[np.ndarray]:
        """The rows of each batch; the last one may be smaller."""
        rows = rng.permutation(len(self.split.train.y))
        return [rows[i : i + self.batch_size] for i in range(0, len(rows), self.batch_size)]

    def size(self, batch: np.ndarray) -> int:
        """Examples of a batch."""
        return len(batch)

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """The examples, varied, and their classes."""
        x, y = self.split.train.x[batch], self.split.train.y[batch]
        return (self.augment(x, rng=rng) if self.augment else x), y

    def loss(self, model: Any, x: Any, y: Any) -> ad.Tensor:
        """Mean cross-entropy."""
        return ad.cross_entropy(model(x), y)

    def evaluate(self, model: Any) -> dict[str, float]:
        """Loss and accuracy on the validation part."""
        x, y = self.split.validation
        scores = model(x)
        return {
            "loss": ad.cross_entropy(scores, y).item(),
            "accuracy": accuracy(scores.data.argmax(-1), y),
        }


def accuracy(predicted: np.ndarray, y: np.ndarray) -> float:
    """Share of examples whose class is predicted."""
    return float(np.mean(predicted == y))


def predict(model: Any, x: np.ndarray) -> np.ndarray:
    """The class with the highest score for each row of `x`."""
    with ad.no_grad():
        return np.asarray(model(x).data.argmax(-1))


def baselines(split: Split) -> dict[str, np.ndarray]:
    """What simpler ways, learnt from the same training part, predict for the test part, by name."""
    return {
        "nearest neighbour": _nearest_neighbour(split.train, split.test),
        "logistic regression": _logistic_regression(split),
        "nearest centroid": _nearest_centroid(split.train, split.test),
        "most frequent class": np.full(len(split.test.y), np.bincount(split.train.y).argmax()),
    }


def _nearest_neighbour(train: Part, test: Part) -> np.ndarray:
    """The class of the example at the least distance: it learns all of them by heart."""
    # |x - c|^2 less the |x|^2 that all share.
    distances = np.square(train.x).sum(-1) - 2 * test.x @ train.x.T
    return np.asarray(train.y[distances.argmin(-1)])


def _nearest_centroid(train: Part, test: Part) -> np.ndarray:
    classes = np.unique(train.y)
    centroids = np.stack([train.x[train.y == c].mean(0) for c in classes])
    return np.asarray(classes[np.square(test.x[:, None] - centroids).sum(-1).argmin(-1)])


def _logistic_regression(split: Split) -> np.ndarray:
    """A perceptron without hidden layers, trained by the same loop."""
    model = MLP([split.train.x.shape[1], split.classes], dtype=split.train.x.dtype)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.01)
    run = Trainer(
        model, Classification(split), optimizer,
        epochs=60, patience=10, quiet=True, compile="off",  # it is done before it is compiled
    )  # fmt: skip
    run.fit()
    return predict(model, split.test.x)
