"""Nested containers taken apart and put together."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from autodiff import tree
from autodiff.errors import ShapeError


class Point(NamedTuple):
    x: object
    y: object


def test_flatten_and_unflatten_are_inverse():
    nested = {"b": [1, (2, 3)], "a": Point(4, {"c": 5}), "none": None}
    leaves, definition = tree.flatten(nested)
    assert leaves == [1, 2, 3, 4, 5, None]
    assert tree.unflatten(definition, leaves) == nested
    assert isinstance(tree.unflatten(definition, leaves)["a"], Point)


def test_a_leaf_is_a_tree():
    leaves, definition = tree.flatten(7)
    assert leaves == [7] and tree.unflatten(definition, [8]) == 8


def test_map_over_several():
    assert tree.map(lambda a, b: a + b, [1, (2,)], [10, (20,)]) == [11, (22,)]
    with pytest.raises(ShapeError):
        tree.map(lambda a, b: a, [1, 2], [1])
    with pytest.raises(ShapeError, match="3 leaves for a tree that has 1"):
        tree.unflatten(tree.flatten(1)[1], [1, 2, 3])


def test_dicts_match_by_key_in_whatever_order():
    assert tree.map(lambda a, b: a + b, {"a": 1, "b": 2}, {"b": 20, "a": 10}) == {"a": 11, "b": 22}
    with pytest.raises(ShapeError, match=r"'w'.*'d'"):
        tree.map(lambda a, b: a, {"w": 1, "b": 2}, {"c": 1, "d": 2})


def test_what_was_a_leaf_is_a_tree_once_it_is_registered(monkeypatch):
    class Pair:
        def __init__(self, *both):
            self.both = both

    monkeypatch.setattr(tree, "_KINDS", {**tree._KINDS})
    pair = Pair(1, 2)
    assert tree.flatten(pair)[0] == [pair]
    tree.register(Pair, lambda p: list(p.both), lambda p, both: Pair(*both))
    assert tree.flatten([pair, 3])[0] == [1, 2, 3]
