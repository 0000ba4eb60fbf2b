"""Labelled arrays in three parts: one to learn from, one to choose by, one to be judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

import numpy as np

__all__ = ["DataError", "Part", "Split", "stratified"]

import autodiff as ad


class DataError(ad.errors.AutodiffError, ValueError):
    """A data set that is not what it should be."""


class Part(NamedTuple):
    """Some of the examples.

    Attributes
    ----------
    x : ndarray, shape (examples, features)
    y : ndarray of int, shape (examples,)
        Class indices.
    """

    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Split:
    """A data set whose test part is never trained on nor chosen by.

    Attributes
    ----------
    name : str
    train, validation, test : Part
    note : str
        What to bear in mind about the test part.
    """

    name: str
    train: Part
    validation: Part
    test: Part
    note: str = ""
    """What to bear in mind about the test part."""

    @property
    def classes(self) -> int:
        """Number of classes, one more than the greatest index of the training part."""
        return int(self.train.y.max()) + 1


def stratified(
    labels: np.ndarray, shares: Sequence[float], rng: int | np.random.Generator = 0
) -> list[np.ndarray]:
    """Divide examples at random so that each part has the same mix of classes.

    Parameters
    ----------
    labels : ndarray of shape (examples,)
    shares : sequence of float
        The fraction that each part gets; they sum to 1.
    rng : int or Generator
        The same seed gives the same parts.

    Returns
    -------
    list of ndarray
        For each part the indices of its examples, in rising order. Each index is in one part.

    Raises
    ------
    DataError
        If the shares do not sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    >>> [labels[part].tolist() for part in stratified(labels, [0.75, 0.25])]
    [[0, 0, 0, 1, 1, 1], [0, 1]]
    """
    if min(shares) < 0 or not np.isclose(sum(shares), 1):
        raise DataError(f"shares of a split must be positive and sum to 1, not {list(shares)}")
    rng = np.random.default_rng(rng)
    parts = zip(*(_cut(rng.permutation(group), shares) for group in _groups(labels)))
    return [np.sort(np.concatenate(pieces)) for pieces in parts]


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in np.unique(labels)]


def _cut(indices: np.ndarray, shares: Sequence[float]) -> list[np.ndarray]:
    ends = [round(len(indices) * end) for end in accumulate(shares)]
    return np.split(indices, ends[:-1])
