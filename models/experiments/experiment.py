"""What all experiments have in common: data, a model, a task, and what is said of the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

import numpy as np

import autodiff as ad
from models.train import Task

__all__ = ["Experiment", "Figures", "error_of", "limited"]

Figures = dict[str, dict[str, float]]
"""Measures by name, for each way of doing the task: the model first, then the baselines."""


class Experiment:
    """A model on a data set, made from settings, before its first step.

    A subclass makes `model`, `task`, `arguments` and `opening`.

    Parameters
    ----------
    settings : Settings
    rng : Generator
        Source of the starting weights, and of what is dropped.

    Attributes
    ----------
    model : Module
    task : Task
    arguments : dict
        What makes a model like this, as `models.save` takes it.
    opening : str
        Lines for the terminal: the data and the model in numbers.
    """

    title: str
    model: Any
    task: Task
    arguments: Mapping[str, Any]
    opening: str

    def __init__(self, settings: Any, rng: np.random.Generator) -> None:
        raise NotImplementedError(f"{type(self).__name__} states no __init__()")

    def figures(self) -> Figures:
        """How well the test part is done, by the model and by simpler ways."""
        raise NotImplementedError(f"{type(self).__name__} states no figures()")

    def test_part(self) -> str:
        """What the figures are of."""
        raise NotImplementedError(f"{type(self).__name__} states no test_part()")

    def examples(self) -> Mapping[str, str]:
        """Sections of the report, in Markdown by title: what the model makes of test examples."""
        return {}

    def loss(self) -> ad.Tensor | None:
        """The loss of a small example, whose graph is drawn; None: there is no picture."""
        return None

    def checksum(self) -> int:
        """Of the corpus that is learnt from, if there is one: other data have another one."""
        corpus = getattr(self, "corpus", None)
        return 0 if corpus is None else crc32(repr(list(corpus.train)).encode())

    def count(self) -> int:
        """Number of the model's parameters."""
        return sum(p.size for p in self.model.parameters())


def limited(corpus: Any, limit: int | None, rng: np.random.Generator) -> Any:
    """The corpus with a training part of at most so many examples, chosen at random."""
    if limit is None or limit >= len(corpus.train):
        return corpus
    rows = np.sort(rng.choice(len(corpus.train), limit, replace=False))
    return replace(corpus, train=[corpus.train[i] for i in rows])


def error_of(share: float, count: int) -> float:
    """The standard error of a share measured on so many examples."""
    return float(np.sqrt(share * (1 - share) / count))
