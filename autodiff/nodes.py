"""The graph: nodes, and walks over them. Nothing here recurses, and nothing knows numpy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from operator import attrgetter
from typing import Any

__all__ = [
    "SMALL", "Info", "Node", "ScalarNode", "TensorNode", "needed", "since", "tick", "topological",
]  # fmt: skip

tick: Callable[[], int] = count().__next__
_creation = attrgetter("order")


class Info:
    """What only some nodes have: leaves, named nodes, nodes with hooks or a kept gradient."""

    __slots__ = (
        "changed", "constants", "grad", "hooks", "is_parameter", "keeps_grad", "name", "owner",
        "source", "traced",
    )  # fmt: skip

    def __init__(self, name: str | None = None, keeps_grad: bool = False) -> None:
        self.name: str | None = name
        self.grad: Any = None
        self.keeps_grad: bool = keeps_grad
        self.hooks: tuple[Callable[[Any], Any], ...] = ()
        self.is_parameter: bool = False
        self.traced: bool = False  # made by a transform, for the time of one call
        self.changed: int = -1  # the last creation number before a leaf was given a new value
        self.owner: Any = None  # of a leaf: a weak reference to its tensor
        self.source: Any = None  # of a watched node: the place in the user's code
        self.constants: Any = None  # of a watched node: the values of its arguments

    def __getstate__(self) -> dict[str, Any]:
        # In a copy the rest would be about another graph.
        kept = "grad", "hooks", "is_parameter", "keeps_grad", "name"
        return {name: getattr(self, name) for name in kept}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        for name, value in state.items():
            setattr(self, name, value)


class Node:
    """One value of the computation: the op that made it, and from which parents.

    Nodes point at their parents only, so they make no reference cycles and are freed by
    reference counts as soon as the last handle goes.

    Attributes
    ----------
    op : Op or None
        The row of the op table that made the value; None for a leaf.
    parents : tuple of (Node or None)
        One entry for each differentiable argument; None for a constant.
    saved : tuple
        What the op's rules need to run backwards.
    spec : tuple
        ``(shape, dtype)`` of the value; for an op with several results a tuple of these.
    order : int
        Creation number: parents always have a smaller one than their children.
    info : Info or None
    scope : Scope or None
        The named part of the computation that it was recorded in.
    """

    __slots__ = ("info", "op", "order", "scope")
    info: Any
    op: Any
    order: int
    parents: Any
    saved: Any
    scope: Any
    spec: Any


SMALL = 64
"""Entries of a value that a node keeps for the sake of pictures only; larger ones would cost."""


class TensorNode(Node):
    """A node of arrays; `saved` holds the values that the rules named, as in ``op.needs``.

    `value` is the node's own where it is small or watched, and otherwise None.
    """

    __slots__ = ("parents", "saved", "spec", "value")
    info: Any
    order: int
    parents: Any
    saved: Any
    scope: Any
    spec: Any
    value: Any

    def __init__(
        self,
        op: Any,
        parents: tuple[Any, ...],
        saved: tuple[Any, ...],
        spec: Any,
        scope: Any = None,
        value: Any = None,
    ) -> None:
        self.op = op
        self.parents = parents
        self.saved = saved
        self.spec = spec
        self.order = tick()
        self.info = None
        self.scope = scope
        self.value = value


class ScalarNode(Node):
    """A node of numbers: one or two parents, and the local derivative with respect to each.

    They are held in fields, since tuples of them would take half of the time of a scalar graph
    to make, and most of the garbage collector's.
    """

    __slots__ = ("_dx", "_dy", "_x", "_y")
    _x: Any
    _y: Any

    @property
    def parents(self) -> tuple[Any, ...]:
        """The parents, or None for a constant."""
        return (self._x, self._y)[: len(self.op.args)] if self.op else ()

    @property
    def saved(self) -> tuple[Any, ...]:
        """The local derivative for each parent; the value for each constant."""
        if self.op is None:
            return ()
        return (self._dx,) if len(self.op.args) == 1 else (self._dx, self._dy)

    def connect(self, op: Any, parents: tuple[Any, ...], saved: tuple[Any, ...]) -> None:
        """Make this the result of `op`; without one, a leaf."""
        self.op = op
        self._x, self._y = (*parents, None, None)[:2]
        self._dx, self._dy = (*saved, None, None)[:2]


def since(start: int, *roots: Node) -> list[Node]:
    """The nodes that `roots` depend on, themselves included, down to those older than `start`.

    The parents of these are not followed.
    """
    found = list(dict.fromkeys(roots))
    seen = {None, *found}
    for node in found:  # which grows as they are met
        if node.order >= start:
            new = [parent for parent in dict.fromkeys(node.parents) if parent not in seen]
            seen.update(new)
            found += new
    return found


def topological(*roots: Node) -> list[Node]:
    """All nodes that `roots` depend on, themselves included, children before parents.

    Creation order is a topological order of a graph that only grows, so one walk and one sort
    of nearly sorted numbers do.
    """
    found = list(dict.fromkeys(roots))
    seen = {None, *found}
    meet, note = seen.add, found.append
    for node in found:  # which grows as they are met
        # A scalar's two parents are spelt out, since a tuple of them would take longer.
        if type(node) is TensorNode:
            for parent in node.parents:
                if parent not in seen:
                    meet(parent)
                    note(parent)
            continue
        parent = node._x  # type: ignore[attr-defined]
        if parent not in seen:
            meet(parent)
            note(parent)
        parent = node._y  # type: ignore[attr-defined]
        if parent not in seen:
            meet(parent)
            note(parent)
    found.sort(key=_creation, reverse=True)
    return found


def needed(order: list[Node], targets: Iterable[Node]) -> set[Node]:
    """Those nodes of `order` from which one of `targets` can be reached (targets included)."""
    wanted = set(targets)
    for node in reversed(order):
        if any(parent in wanted for parent in node.parents):
            wanted.add(node)
    return wanted
