"""Nested containers of arrays: lists, tuples, dicts, and what else registers itself.

>>> import autodiff as ad
>>> ad.tree.map(lambda x, y: x + y, {"a": 1, "b": [2, 3]}, {"a": 10, "b": [20, 30]})
{'a': 11, 'b': [22, 33]}
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from autodiff.errors import ShapeError

__all__ = ["TreeDef", "flatten", "leaves_like", "map", "register", "unflatten"]

_KINDS: dict[type, tuple[Callable[[Any], list[Any]], Callable[[Any, list[Any]], Any]]] = {}


@dataclass(frozen=True)
class TreeDef:
    """The shape of a tree without its leaves.

    Attributes
    ----------
    example : object
        The container that it was made from; None for a leaf.
    children : tuple of TreeDef or None
        What hangs below; None for a leaf.
    """

    example: Any
    children: tuple[TreeDef, ...] | None = None

    @property
    def size(self) -> int:
        """Number of leaves."""
        return 1 if self.children is None else sum(child.size for child in self.children)


_LEAF = TreeDef(None)


def register(
    kind: type, children: Callable[[Any], list[Any]], rebuild: Callable[[Any, list[Any]], Any]
) -> None:
    """Make instances of `kind` (and its subclasses) inner nodes of trees.

    Parameters
    ----------
    kind : type
    children : callable
        ``children(node)`` lists what hangs below.
    rebuild : callable
        ``rebuild(node, children)`` makes a new one like `node` with other children.
    """
    _KINDS[kind] = children, rebuild
    _kind_of.cache_clear()


@lru_cache(maxsize=256)
def _kind_of(type_: type) -> Any:
    return next((_KINDS[base] for base in type_.__mro__ if base in _KINDS), None)


register(list, list, lambda node, children: children)
register(
    tuple,
    list,
    lambda node, children: type(node)(*children) if hasattr(node, "_fields") else tuple(children),
)


def _dict_like(node: dict[Any, Any], children: list[Any]) -> dict[Any, Any]:
    made = copy(node)  # also an OrderedDict or a defaultdict
    dict.update(made, zip(node, children, strict=True))
    return made


register(dict, lambda node: list(node.values()), _dict_like)


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """The leaves of `tree` from left to right, and its shape.

    Parameters
    ----------
    tree : object
        What is no container that is known here is a leaf.

    Returns
    -------
    leaves : list
    definition : TreeDef
    """
    kind = _kind(tree)
    if kind is None:
        return [tree], _LEAF
    parts = [flatten(child) for child in kind[0](tree)]
    leaves = [leaf for part, _ in parts for leaf in part]
    return leaves, TreeDef(tree, tuple(definition for _, definition in parts))


def unflatten(definition: TreeDef, leaves: list[Any]) -> Any:
    """The tree of a shape with these leaves.

    Parameters
    ----------
    definition : TreeDef
        From `flatten`.
    leaves : list
        From left to right.

    Returns
    -------
    object

    Raises
    ------
    ShapeError
        If there are more leaves or fewer.
    """
    if definition.size != len(leaves):
        raise ShapeError(f"{len(leaves)} leaves for a tree that has {definition.size}")
    return _build(definition, iter(leaves))


def leaves_like(definition: TreeDef, tree: Any) -> list[Any]:
    """The leaves of a tree in the order of another one of the same shape; dicts go by their keys.

    Parameters
    ----------
    definition : TreeDef
        The shape of the other.
    tree : object

    Returns
    -------
    list

    Raises
    ------
    ShapeError
        If the tree has another shape or other keys.
    """
    if definition.children is None and _kind(tree) is None:
        return [tree]
    children = _children_like(definition, tree)
    if children is None:
        raise ShapeError(
            f"trees of different shapes: {_sketch(definition.example)} and {_sketch(tree)}"
        )
    pairs = zip(definition.children or (), children, strict=True)
    return [leaf for below, child in pairs for leaf in leaves_like(below, child)]


def _children_like(definition: TreeDef, tree: Any) -> list[Any] | None:
    example, kind = definition.example, _kind(tree)
    if definition.children is None or kind is None or kind is not _kind(example):
        return None
    if isinstance(example, dict):
        return [tree[key] for key in example] if example.keys() == tree.keys() else None
    children: list[Any] = kind[0](tree)
    return children if len(children) == len(definition.children) else None


def _sketch(tree: Any) -> str:
    """The outermost shape of a tree, for messages."""
    if _kind(tree) is None:
        return "a leaf"
    inside = list(tree) if isinstance(tree, dict) else f"{len(_kind(tree)[0](tree))} children"
    return f"a {type(tree).__name__} of {inside}"


def map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """``f(leaf, ...)`` for each leaf of `tree` and the leaves in the same place of `rest`.

    Parameters
    ----------
    f : callable
    tree : object
    *rest
        Trees of the same shape.

    Returns
    -------
    object
        A tree of that shape.

    Raises
    ------
    ShapeError
        If one of `rest` has another shape or other keys.
    """
    leaves, definition = flatten(tree)
    others = [leaves_like(definition, other) for other in rest]
    return unflatten(definition, [f(*group) for group in zip(leaves, *others, strict=True)])


def _kind(tree: Any) -> Any:
    return _kind_of(type(tree))  # type: ignore[arg-type]  # mypy: classes have no hash


def _build(definition: TreeDef, leaves: Iterator[Any]) -> Any:
    if definition.children is None:
        return next(leaves)
    children = [_build(child, leaves) for child in definition.children]
    return _kind(definition.example)[1](definition.example, children)
