"""Huffman's tree: a prefix code, as short as can be."""

from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from models.words.huffman import Huffman

COUNTS = st.lists(st.integers(0, 1000), min_size=2, max_size=40)


def least_length(counts: list[int]) -> int:
    """Of all codes, weighted by the counts: the sum of what is joined."""
    heap, total = sorted(counts), 0
    while len(heap) > 1:
        joined = heapq.heappop(heap) + heapq.heappop(heap)
        heapq.heappush(heap, joined)
        total += joined
    return total


def codes(tree: Huffman) -> list[tuple[float, ...]]:
    return [tuple(signs[:n]) for signs, n in zip(tree.signs, tree.lengths, strict=True)]


@given(COUNTS)
def test_length_is_the_least(counts: list[int]) -> None:
    tree = Huffman.of(counts)
    assert np.dot(tree.lengths, counts) == least_length(counts)


@given(COUNTS)
def test_no_code_begins_another_one(counts: list[int]) -> None:
    found = codes(Huffman.of(counts))
    assert not [(a, b) for a in found for b in found if a is not b and b[: len(a)] == a]
    assert sum(2.0 ** -len(code) for code in found) == 1


@given(COUNTS)
def test_nodes_are_those_that_the_code_passes(counts: list[int]) -> None:
    """Words whose codes begin alike pass the same nodes, and each node begins with one way."""
    tree = Huffman.of(counts)
    starts: dict[int, set[tuple[float, ...]]] = {}
    for nodes, code in zip(tree.nodes, codes(tree), strict=True):
        assert not nodes[len(code) :].any()
        for i in range(len(code)):
            starts.setdefault(int(nodes[i]), set()).add(code[:i])
    assert sorted(starts) == list(range(len(counts) - 1))
    assert all(len(ways) == 1 for ways in starts.values())
    assert starts[0] == {()}  # the root


def test_a_known_tree() -> None:
    tree = Huffman.of([5, 2, 1, 1])
    assert tree.lengths.tolist() == [1, 2, 3, 3]
    assert tree.nodes.tolist() == [[0, 0, 0], [0, 1, 0], [0, 1, 2], [0, 1, 2]]
    assert np.abs(tree.signs).tolist() == [[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]]
    assert tree.signs[2, 2] == -tree.signs[3, 2]


def test_a_deep_tree() -> None:
    fibonacci = [1, 1]
    while len(fibonacci) < 60:
        fibonacci.append(fibonacci[-1] + fibonacci[-2])
    tree = Huffman.of(fibonacci)
    assert tree.lengths.tolist() == [59, 59, *range(58, 0, -1)]


def test_one_leaf_is_no_tree() -> None:
    with pytest.raises(ad.errors.DomainError, match="at least 2 leaves, not 1"):
        Huffman.of([3])
