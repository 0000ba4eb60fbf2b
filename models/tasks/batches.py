"""Batches of sequences of similar length, so that little is computed for nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["by_length"]


def by_length(
    lengths: Sequence[int] | np.ndarray, size: int, rng: np.random.Generator
) -> list[np.ndarray]:
    """Rows for each batch: which sequences of a length meet, and the order of batches, is random.

    Parameters
    ----------
    lengths : sequence of int
        Of each sequence; those of length 0 are left out.
    size : int
        Sequences of a batch.
    rng : Generator
    """
    lengths = np.asarray(lengths)
    rows = rng.permutation(len(lengths))
    rows = rows[np.argsort(lengths[rows], kind="stable")]
    rows = rows[lengths[rows] > 0]
    batches = [rows[i : i + size] for i in range(0, len(rows), size)]
    return [batches[i] for i in rng.permutation(len(batches))]
