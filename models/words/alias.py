"""Drawing from a fixed distribution in constant time, by the alias method."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["COLUMN", "alias_table", "columns"]

COLUMN = np.dtype([("limit", np.uint32), ("other", np.int32)])
"""A column of the table: below `limit` of 2^32 it stands for itself, from there on for `other`."""

FULL = 2**32 - 1


def alias_table(weights: Any) -> np.ndarray:
    """The table from which outcomes are drawn with probabilities proportional to weights.

    A column is drawn evenly; it stands for two outcomes at most (M. D. Vose, IEEE Transactions on
    Software Engineering 17, 1991).

    Parameters
    ----------
    weights : array_like, shape (n,)
        Not negative, and not all 0.

    Returns
    -------
    ndarray of `COLUMN`, shape (n,)

    Raises
    ------
    DomainError
        If they are no such weights.
    """
    weights = np.asarray(weights, float)
    total = weights.sum()
    if weights.ndim != 1 or not np.isfinite(total) or total <= 0 or weights.min() < 0:
        raise ad.errors.DomainError("alias_table: weights are finite, not negative, and not all 0")
    share = (weights * (len(weights) / total)).tolist()
    other = list(range(len(share)))
    poor = [i for i, x in enumerate(share) if x < 1]
    rich = [i for i, x in enumerate(share) if x >= 1]
    while poor and rich:
        i, giver = poor.pop(), rich[-1]
        other[i] = giver
        share[giver] -= 1 - share[i]
        if share[giver] < 1:
            poor.append(rich.pop())
    table = np.empty(len(share), COLUMN)
    table["limit"] = np.minimum(np.array(share) * 2**32, FULL)
    table["other"] = other
    return table


def columns(table: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """The outcomes that random numbers stand for.

    Parameters
    ----------
    table : ndarray of `COLUMN`
    bits : ndarray of uint64
        The upper half of each chooses a column, the lower half what it stands for.
    """
    column = ((bits >> np.uint64(32)) * np.uint64(len(table))) >> np.uint64(32)
    chosen = table[column.astype(np.intp)]
    is_own = (bits & np.uint64(FULL)) < chosen["limit"]
    return np.where(is_own, column.astype(np.int32), chosen["other"])
