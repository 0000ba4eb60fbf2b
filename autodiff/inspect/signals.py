"""Error signals: what backprop computes at each value, and which consumer adds what to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import numpy as np

from autodiff.backward import cotangent, flow
from autodiff.errors import DomainError, DTypeError, GraphError, ShapeError, describe, shown
from autodiff.inspect.expressions import Expressions
from autodiff.inspect.naming import names, numbered, values, variables
from autodiff.inspect.notation import array, plain, product
from autodiff.inspect.partials import entries, partial
from autodiff.nodes import SMALL, Node, topological
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor, wrap
from autodiff.tracked import Tracked

__all__ = [
    "Edge", "Signal", "Signals", "Uses", "result", "shortened", "signals", "step", "table", "uses",
    "written",
]  # fmt: skip

LISTED = 20
"""Names in an error message."""
SHOWN = 60
"""Rows of a printed table; of a longer one the middle is left out."""
FEW = 4
"""Entries of a list in one row of it."""
HEADINGS = (
    "value of", "made by", "▸ value", "local derivatives", "◂ error signal", "the sum of",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
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


@dataclass(frozen=True, eq=False)
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
    local : list of (str, str, array)
        For each argument that is no constant: what it is called, the local derivative with respect
        to it as it is written, and its value, or None where that is large.
    shares : list of (str, array)
        What each consumer adds to `delta`.
    """

    name: str
    op: str
    shape: tuple[int, ...]
    value: Any
    delta: Any
    local: list[tuple[str, str, Any]] = field(compare=False)  # made anew for each record
    shares: list[tuple[str, Any]]


class Signals(Mapping[Any, Signal]):
    """Every value of a graph with its error signal; made by `signals`.

    A mapping from a Tensor, a Scalar, a node or a name to a `Signal`, in the order of the backward
    sweep. `rows` gives the same as a list of dicts. Printed, it is a table.

    Attributes
    ----------
    order : list of Node
    names : dict
        By node, for those that have one.
    known, deltas : dict
        Values and error signals by node; of large values only those that are still known.
    uses : dict
        By node, an `Edge` for each use.
    expressions : Expressions
    """

    def __init__(self, root: Any, given: Mapping[str, Any]) -> None:
        self.start = root
        self.root: Any = root._node
        self.order: list[Node] = topological(self.root)
        self.known: dict[Node, Any] = values(self.order, root)
        inputs = {node: "input" for node in self.order if node.op is None}
        self.names: dict[Node, str] = numbered(
            {self.root: "J", **inputs, **names(self.order, given)}
        )
        self.expressions: Expressions = Expressions(self.names, self.known, given)
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

    def by_scope(self, node: Node) -> dict[str, Any]:
        """What the uses of a value add, those in one scope together, in order of the forward."""
        found: dict[str, Any] = {}
        for edge in reversed(self.uses.get(node, [])):
            if edge.share is not None:
                label = step(edge.child) or self.label(edge.child)
                found[label] = found[label] + edge.share if label in found else edge.share
        return found

    def signal(self, node: Node) -> Signal:
        """The record of one node."""
        return Signal(
            name=self.label(node),
            op=node.op.name if node.op else "input",
            shape=node.spec[0] if node.op is None or node.op.outputs == 1 else (),
            value=self.known.get(node),
            delta=self.deltas[node],
            local=[(self.label(p), self.local(node, i), _small_partial(node, i))
                   for i, p in _arguments(node)],
            shares=[(self.label(e.child), e.share) for e in self.uses.get(node, [])],
        )  # fmt: skip

    def label(self, node: Node) -> str:
        """A name or a short expression; no two nodes have the same."""
        return self.names.get(node) or self._labels[node]

    @cached_property
    def _labels(self) -> dict[Node, str]:
        unnamed = (node for node in self.order if node not in self.names)
        written = {node: self.expressions.short(node) for node in unnamed}
        labels = {**self.names, **numbered(written, self.names.values())}
        return {node: labels[node] for node in self.order}

    def local(self, node: Node, index: int) -> str:
        """The local derivative with respect to argument number `index`, as it is written."""
        return product([self.expressions.factor(node, index)], node.spec[0] == ())

    def __getitem__(self, key: Any) -> Signal:
        node = self._node(key)
        if node not in self.deltas:
            raise KeyError(f"{key!r} is no value of this graph")
        return self.signal(node)

    def _node(self, key: Any) -> Any:
        """The node that is meant by a Tensor, a Scalar, a name, or itself."""
        if isinstance(key, str):
            return self._called(key)
        return key if isinstance(key, Node) else getattr(key, "_node", None)

    def _called(self, name: str) -> Node | None:
        """The node of that name, in which numbers may be written as in h2 for h₂."""
        nodes = {label: node for node, label in self._labels.items()}
        return nodes.get(name) or next((n for k, n in nodes.items() if plain(k) == name), None)

    def tensor(self, x: Any, what: str) -> Any:
        """The Tensor or Scalar that is meant by itself, by its node or by a name.

        Raises
        ------
        DomainError
            If no value has the name, or the op has several results.
        DTypeError
            If it is something else.
        """
        if isinstance(x, Tracked):
            return x
        if not isinstance(x, (str, Node)):
            raise DTypeError(f"{what} takes a Tensor, a Scalar or a name, not {describe(x)}")
        node = self._called(x) if isinstance(x, str) else x
        if node is None:
            raise DomainError(f"{what}: no value is called {x!r}{self._near(str(x))}")
        if isinstance(node, Scalar):
            return node
        if node.op is not None and node.op.outputs != 1:
            raise DomainError(f"{what}: {node.op.name} has several results; name one of them")
        shape, dtype = node.spec
        value = self.known.get(node, np.broadcast_to(np.array(np.nan, dtype), shape))
        return wrap(value, node)

    def _near(self, name: str) -> str:
        labels = [self.label(n) for n in reversed(self.order) if n.op is None or n in self.names]
        near = get_close_matches(name, [*labels, *map(plain, labels)], 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        more = f" and {len(labels) - LISTED} more" if len(labels) > LISTED else ""
        return f"{hint}; there is {', '.join(labels[:LISTED])}{more}"

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
        lines = table([HEADINGS, *map(self._row, shown)])
        if len(shown) < len(self.order):
            lines.insert(half + 1, f"⋯ {len(self.order) - len(shown):,} more")
        return "\n".join(lines)

    __repr__ = __str__

    def _row(self, node: Node) -> tuple[str, ...]:
        arguments, uses = _arguments(node), self.uses.get(node, [])
        local = [f"{self.label(p)}: {self.local(node, i)}" for i, p in arguments[:FEW]]
        shares = [f"{self.label(e.child)}: {written(e.share)}" for e in uses[:FEW]]
        return (
            self.label(node),
            node.op.name if node.op else "input",
            written(self.known.get(node)),
            "  ".join([*local, *_more(arguments)]),
            written(self.deltas[node]),
            " + ".join([*shares, *_more(uses)]),
        )


def _arguments(node: Node) -> list[tuple[int, Node]]:
    """The arguments of an op that are no constants, and which they are."""
    return [(i, parent) for i, parent in enumerate(node.parents) if parent is not None]


def _small_partial(node: Node, index: int) -> Any:
    return partial(node, index) if entries(node, index) <= SMALL else None


def _more(parts: list[Any]) -> list[str]:
    return [f"⋯ {len(parts) - FEW:,} more"] if len(parts) > FEW else []


def written(value: Any) -> str:
    """A value, or a dash where there is none."""
    return "—" if value is None else array(value)


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Lines of aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def signals(J: Any, *, names: Mapping[str, Any] | None = None) -> Signals:
    """Every value that `J` depends on, with its error signal and where that comes from.

    Nothing is stored: `.grad` stays as it is, and hooks are not called.

    Parameters
    ----------
    J : Tensor or Scalar
        One number, such as a loss.
    names : mapping, optional
        Values by name. Left out, the variables of the caller.

    Returns
    -------
    Signals
        A `Signal` for each value: ``found[x]``, also by name.

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
    return Signals(result(J, "signals"), variables(2) if names is None else names)


def result(J: Any, what: str) -> Any:
    """`J` itself, if it is one tracked number."""
    if not isinstance(J, (Tensor, Scalar)):
        raise DTypeError(f"{what}() takes the Tensor or Scalar to start from, not {describe(J)}")
    if not J.requires_grad:
        raise GraphError(
            f"{what}(): {shown(J)} depends on nothing that requires a gradient: make the inputs "
            "with requires_grad=True, and record outside no_grad()"
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


def uses(J: Any, W: Any, *, names: Mapping[str, Any] | None = None) -> Uses:
    """The gradient of a value that is used more than once, such as a recurrent weight, by use.

    Uses in scopes of different names, such as the time steps of a recurrent network, are told
    by these; several uses in one are added.

    Parameters
    ----------
    J : Tensor or Scalar
        One number.
    W : Tensor, Scalar or str
        What it depends on, or its name.
    names : mapping, optional
        Values by name. Left out, the variables of the caller.

    Returns
    -------
    Uses
        In the order in which they were recorded; they add up to the gradient.

    Raises
    ------
    ShapeError, GraphError
        As for `signals`.
    """
    found = Signals(result(J, "uses"), variables(2) if names is None else names)
    target = found.tensor(W, "uses()")
    shares = found.by_scope(target._node)
    labels = shortened(list(shares))
    total = found.deltas.get(target._node)
    total = np.zeros(target.shape) if total is None else total
    return Uses(list(zip(labels, shares.values(), strict=True)), total)


def step(node: Node) -> str:
    """The names of the scopes that a node was recorded in, from the outermost on."""
    parts: list[str] = []
    where = node.scope
    while where is not None:
        if where.name:
            parts.append(where.name)
        where = where.outer
    return " / ".join(reversed(parts))


def shortened(labels: list[str]) -> list[str]:
    """Labels without the words that all of them begin with."""
    words = [label.split(" ") for label in labels]
    common = 0
    while len(labels) > 1 and len({tuple(w[: common + 1]) for w in words}) == 1:
        common += 1
    return [" ".join(w[common:]) or " ".join(w) for w in words]
