"""Error signals: what backprop computes at each value, and which consumer adds what to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from autodiff.backward import cotangent, flow
from autodiff.errors import DTypeError, GraphError, ShapeError, describe
from autodiff.expressions import Expressions
from autodiff.graph import Node, topological
from autodiff.naming import names, numbered, values, variables
from autodiff.notation import array, product
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor

__all__ = ["Edge", "Signal", "Signals", "Uses", "result", "signals", "uses"]

SHOWN = 60
"""Rows of a printed table; of a longer one the middle is left out."""


@dataclass(frozen=True)
class Edge:
    """One use of a value.

    Attributes
    ----------
    child, parent : Node
        The result of the op, and the argument.
    index : int
        Which argument of the op it is.
    share : array, float or None
        What the child adds to the parent's error signal; None where nothing flows.
    """

    child: Node
    index: int
    parent: Node
    share: Any


@dataclass(frozen=True)
class Signal:
    """What is known of one value of the graph.

    Attributes
    ----------
    name, op : str
        What it is called, or how it is written; the op that made it, or ``"input"``.
    value : array, float or None
        None if the graph has not kept it.
    delta : array, float or None
        The error signal: the derivative of the result with respect to this value.
    local : dict of str
        The local derivative with respect to each argument, as it is written.
    shares : list of (str, array)
        What each consumer adds to `delta`.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    value: Any
    delta: Any
    local: dict[str, str]
    shares: list[tuple[str, Any]]


class Signals(Mapping[Any, Signal]):
    """Every value of a graph with its error signal; made by `signals`.

    A mapping from a Tensor, a Scalar or a name to a `Signal`, in the order of the backward
    sweep. `rows` gives the same as a list of dicts. Printed, it is a table.

    Attributes
    ----------
    order : list of Node
    names : dict
        By node, for those that have one.
    values, deltas : dict
        By node.
    uses : dict
        By node, an `Edge` for each use.
    expressions : Expressions
    """

    def __init__(self, root: Any, given: Mapping[str, Any]) -> None:
        self.start = root
        self.root = root._node
        self.order = topological(self.root)
        self.values = values(self.order, root)
        self.names = numbered({self.root: "J", **names(self.order, given)})
        self.expressions = Expressions(self.names, self.values, given)
        self.deltas: dict[Node, Any] = {}
        self.uses: dict[Node, list[Edge]] = {}
        self._reached: dict[Node, list[Node]] = {}
        seed = cotangent(root, None)
        for node, g, parts in flow(self.order, {self.root: seed}):
            self.deltas[node] = g
            self._reached[node] = [p for p, c in zip(node.parents, parts) if c is not None]
            for i, (parent, share) in enumerate(zip(node.parents, parts, strict=False)):
                if parent is not None:
                    self.uses.setdefault(parent, []).append(Edge(node, i, parent, share))

    def reached(self, node: Node) -> list[Node]:
        """The parents that the error signal of a node flows to, once for each use."""
        return self._reached[node]

    def signal(self, node: Node) -> Signal:
        """The record of one node."""
        return Signal(
            name=self.label(node),
            op=node.op.name if node.op else "input",
            shape=node.spec[0] if node.op is None or node.op.outputs == 1 else (),
            value=self.values.get(node),
            delta=self.deltas[node],
            local={self.label(p): self.local(node, i)
                   for i, p in enumerate(node.parents) if p is not None},
            shares=[(self.label(e.child), e.share) for e in self.uses.get(node, [])],
        )  # fmt: skip

    def label(self, node: Node) -> str:
        """A name or a short expression; no two nodes have the same."""
        return self.names.get(node) or self._labels[node]

    @cached_property
    def _labels(self) -> dict[Node, str]:
        return numbered({node: self.expressions.short(node) for node in self.order})

    def local(self, node: Node, index: int) -> str:
        """The local derivative with respect to argument number `index`, as it is written."""
        return product([self.expressions.factor(node, index)], node.spec[0] == ())

    def __getitem__(self, key: Any) -> Signal:
        node = getattr(key, "_node", None)
        if isinstance(key, str):
            node = next((n for n, label in self._labels.items() if label == key), None)
        if node is None or node not in self.deltas:
            raise KeyError(f"{key!r} is no value of this graph")
        return self.signal(node)

    def __iter__(self) -> Iterator[str]:
        return iter(self._labels.values())

    def __len__(self) -> int:
        return len(self.order)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One dict for each value."""
        return [dict(vars(self.signal(node))) for node in self.order]

    def __str__(self) -> str:
        half = SHOWN // 2
        shown = self.order if len(self.order) <= SHOWN else self.order[:half] + self.order[-half:]
        lines = table([("value of", "made by", "▸ value", "◂ error signal", "the sum of"),
                       *map(self._row, shown)])  # fmt: skip
        if len(shown) < len(self.order):
            lines.insert(half + 1, f"⋯ {len(self.order) - len(shown):,} more")
        return "\n".join(lines)

    __repr__ = __str__

    def _row(self, node: Node) -> tuple[str, ...]:
        signal = self.signal(node)
        shares = [f"{name}: {written(share)}" for name, share in signal.shares]
        value = written(signal.value)
        return signal.name, signal.op, value, written(signal.delta), " + ".join(shares)


def written(value: Any) -> str:
    """A value, or a dash where there is none."""
    return "—" if value is None else array(value)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def signals(J: Any) -> Signals:
    """Every value that `J` depends on, with its error signal and where that comes from.

    Nothing is stored: `.grad` stays as it is, and hooks are not called.

    Parameters
    ----------
    J : Tensor or Scalar
        One number, such as a loss.

    Raises
    ------
    ShapeError
        If `J` has more than one entry.
    GraphError
        If `J` depends on nothing that requires a gradient.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Scalar(3.0)
    >>> J = x * x + x
    >>> ad.signals(J)[x].delta
    7.0
    """
    return Signals(result(J, "signals"), variables(2))


def result(J: Any, what: str) -> Any:
    """`J` itself, if it is one tracked number."""
    if not isinstance(J, (Tensor, Scalar)):
        raise DTypeError(f"{what}() takes the Tensor or Scalar to start from, not {describe(J)}")
    if not J.requires_grad:
        raise GraphError(
            f"{what}(): {J!r} depends on nothing that requires a gradient: make the inputs with "
            "requires_grad=True, and record outside no_grad()"
        )
    if J.size != 1:
        raise ShapeError(
            f"{what}() starts from one number, and this has shape {J.shape}: name an entry as in "
            f"J[{', '.join('0' * J.ndim)}], or reduce it by sum or mean"
        )
    return J


class Uses(list[tuple[str, Any]]):
    """The gradient of one value, use by use: pairs of where it is used and what that adds.

    Attributes
    ----------
    total : array or float
        Their sum, the gradient.
    """

    def __init__(self, pairs: list[tuple[str, Any]], total: Any) -> None:
        super().__init__(pairs)
        self.total = total

    def __str__(self) -> str:
        rows = [(label, written(share)) for label, share in self]
        return "\n".join(table([("use", "adds"), *rows, ("sum", written(self.total))]))

    __repr__ = __str__


def uses(J: Any, W: Any) -> Uses:
    """The gradient of a value that is used more than once, such as a recurrent weight, by use.

    Uses in scopes of different names, such as the time steps of a recurrent network, are told
    by these; several uses in one are added.

    Parameters
    ----------
    J : Tensor or Scalar
        One number.
    W : Tensor or Scalar
        What it depends on.

    Returns
    -------
    Uses
        In the order in which they were recorded; they add up to the gradient.
    """
    start = result(J, "uses")
    if not isinstance(W, (Tensor, Scalar)):
        raise DTypeError(f"uses() takes the Tensor or Scalar that is used, not {describe(W)}")
    found, node = Signals(start, variables(2)), W._node
    shares: dict[str, Any] = {}
    for edge in reversed(found.uses.get(node, [])):
        if edge.share is not None:
            label = step(edge.child) or found.label(edge.child)
            shares[label] = shares[label] + edge.share if label in shares else edge.share
    total = found.deltas.get(node)
    return Uses(list(shares.items()), np.zeros(np.shape(W)) if total is None else total)


def step(node: Node) -> str:
    """The names of the scopes that a node was recorded in, from the outermost on."""
    parts: list[str] = []
    where = node.scope
    while where is not None:
        if where.name:
            parts.append(where.name)
        where = where.outer
    return " / ".join(reversed(parts))
