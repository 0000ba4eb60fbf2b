"""Nested containers of arrays: lists, tuples, dicts, and what else registers itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from autodiff.errors import ShapeError

__all__ = ["TreeDef", "flatten", "map", "register", "unflatten"]

_KINDS: dict[type, tuple[Callable[[Any], list[Any]], Callable[[Any, list[Any]], Any]]] = {}


@dataclass(frozen=True)
class TreeDef:
    """The shape of a tree without its leaves."""

    example: Any
    children: tuple[TreeDef, ...] | None = None

    @property
    def size(self) -> int:
        """Number of leaves."""
        return 1 if self.children is None else sum(child.size for child in self.children)


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


register(list, list, lambda node, children: children)
register(
    tuple,
    list,
    lambda node, children: type(node)(*children) if hasattr(node, "_fields") else tuple(children),
)
register(
    dict,
    lambda node: list(node.values()),
    lambda node, children: dict(zip(node, children, strict=True)),
)


def flatten(tree: Any) -> tuple[list[Any], TreeDef]:
    """The leaves of `tree` from left to right, and its shape."""
    kind = _kind(tree)
    if kind is None:
        return [tree], TreeDef(None)
    parts = [flatten(child) for child in kind[0](tree)]
    leaves = [leaf for part, _ in parts for leaf in part]
    return leaves, TreeDef(tree, tuple(definition for _, definition in parts))


def unflatten(definition: TreeDef, leaves: list[Any]) -> Any:
    """The tree of this shape with these leaves."""
    if definition.size != len(leaves):
        raise ShapeError(f"{len(leaves)} leaves for a tree that has {definition.size}")
    return _build(definition, iter(leaves))


def map(f: Callable[..., Any], tree: Any, *rest: Any) -> Any:
    """``f(leaf, ...)`` for each leaf of `tree` and the leaves in the same place of `rest`."""
    leaves, definition = flatten(tree)
    others = [flatten(other)[0] for other in rest]
    if any(len(other) != len(leaves) for other in others):
        raise ShapeError("trees of different shapes cannot be mapped together")
    return unflatten(definition, [f(*group) for group in zip(leaves, *others, strict=True)])


def _kind(tree: Any) -> Any:
    return next((_KINDS[base] for base in type(tree).__mro__ if base in _KINDS), None)


def _build(definition: TreeDef, leaves: Iterator[Any]) -> Any:
    if definition.children is None:
        return next(leaves)
    children = [_build(child, leaves) for child in definition.children]
    return _kind(definition.example)[1](definition.example, children)
