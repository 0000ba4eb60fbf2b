"""Words as the leaves of a binary tree, the commonest the nearest to the root."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["Huffman"]


@dataclass(frozen=True)
class Huffman:
    """The paths from the root of a Huffman tree to its leaves, as arrays.

    Attributes
    ----------
    nodes : ndarray of int32, shape (leaves, depth)
        The inner nodes on the way to each leaf, the root first; 0 after the end.
    signs : ndarray of float32, shape (leaves, depth)
        1 where the way goes left, -1 where it goes right; 0 after the end.
    """

    nodes: np.ndarray
    signs: np.ndarray

    @classmethod
    def of(cls, counts: Any) -> Huffman:
        """The tree with the least mean length of the paths, each as frequent as its count.

        Inner nodes are numbered from the root on, which is 0, so that the most frequent come first.

        Parameters
        ----------
        counts : array_like of int, shape (leaves,)
            Not negative.

        Raises
        ------
        DomainError
            If there are fewer than two leaves.
        """
        counts = np.asarray(counts).tolist()
        if len(counts) < 2:
            raise ad.errors.DomainError(f"a tree has at least 2 leaves, not {len(counts)}")
        parent, side = map(np.array, _joined(counts))
        at, lengths = np.arange(len(counts)), _depths(parent)[: len(counts)]
        nodes = np.zeros((len(counts), lengths.max()), np.int32)
        signs = np.zeros(nodes.shape, np.float32)
        for steps in range(lengths.max()):  # from the leaves up
            leaf = np.flatnonzero(lengths > steps)
            place, below = lengths[leaf] - 1 - steps, at[leaf]
            nodes[leaf, place] = len(parent) - 1 - parent[below]
            signs[leaf, place] = side[below]
            at[leaf] = parent[below]
        return cls(nodes, signs)

    @property
    def lengths(self) -> np.ndarray:
        """Inner nodes on the way to each leaf."""
        return np.count_nonzero(self.signs, axis=1)


def _joined(counts: list[int]) -> tuple[list[int], list[int]]:
    """For each node but the root its parent, and the side of it on which it is.

    Leaves come first, then the inner nodes.
    """
    heap = [(n, i) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    parent, side = [0] * (2 * len(counts) - 1), [0] * (2 * len(counts) - 1)
    for new in range(len(counts), 2 * len(counts) - 1):
        (a, left), (b, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left] = parent[right] = new
        side[left], side[right] = 1, -1
        heapq.heappush(heap, (a + b, new))
    return parent, side


def _depths(parent: np.ndarray) -> np.ndarray:
    """Steps from the root to each node."""
    depths = [0] * len(parent)
    for node, above in reversed(list(enumerate(parent[:-1].tolist()))):
        depths[node] = depths[above] + 1
    return np.array(depths)
