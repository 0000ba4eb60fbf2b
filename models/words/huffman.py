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
        parent, side = _joined(counts)
        paths = [_path(leaf, parent, side) for leaf in range(len(counts))]
        depth = max(map(len, paths))
        nodes = np.zeros((len(paths), depth), np.int32)
        signs = np.zeros((len(paths), depth), np.float32)
        for leaf, path in enumerate(paths):
            nodes[leaf, : len(path)], signs[leaf, : len(path)] = zip(*path)
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


def _path(node: int, parent: list[int], side: list[int]) -> list[tuple[int, int]]:
    found = []
    while node != len(parent) - 1:
        found.append((len(parent) - 1 - parent[node], side[node]))
        node = parent[node]
    return found[::-1]
