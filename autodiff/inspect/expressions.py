"""The values of a graph written in terms of one another, and which are worth a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from autodiff.inspect.notation import Factor, Term, atom, call, derivative
from autodiff.inspect.notation import constant as written
from autodiff.nodes import Node
from autodiff.scalar import Scalar

__all__ = ["Expressions", "fold"]

SHORT = 24
"""Characters of an expression that takes the place of a name."""
LONGEST = 36
"""Characters of an expression; a longer one hides what it says."""
MANY = 12
"""Ops that can be read as one expression."""
_PRODUCTS = frozenset({"matmul", "linear", "dot", "inner", "outer", "einsum", "transpose"})


class Expressions:
    """Values as expressions in the names of others.

    Parameters
    ----------
    names : dict
        By node; nodes without a name are written out.
    values : dict
        By node, as far as they are known.
    constants : mapping
        Arrays by the names under which the caller knows them.
    """

    def __init__(
        self, names: dict[Node, str], values: dict[Node, Any], constants: Mapping[str, Any]
    ) -> None:
        self.names = names
        self.values = values
        self._constants = [(n, v) for n, v in constants.items() if _is_numeric(v)]
        self._written: dict[tuple[Node, int], Term] = {}

    def term(self, node: Node, depth: int = 4) -> Term:
        """A name, or else what the value is made of."""
        if node in self.names:
            return atom(self.names[node])
        return self.definition(node, depth) if depth else Term("…")

    def definition(self, node: Node, depth: int = 4) -> Term:
        """The op and its arguments, whether or not the value has a name."""
        if (node, depth) not in self._written:
            self._written[node, depth] = self._define(node, depth)
        return self._written[node, depth]

    def _define(self, node: Node, depth: int) -> Term:
        if node.op is None:
            return Term("input")
        terms = self.arguments(node, depth - 1)
        if node.op.name == "item" and not node.saved[0]:
            return terms[0]  # the result that the op is for
        if node.op.name in ("getitem", "item"):
            return Term(f"{terms[0].within(3)}[{_index(node)}]")
        return call(node.op.name, [t for t in terms if t.text], node.spec[0] == ())

    def short(self, node: Node) -> str:
        """A name, a short expression, or just the op."""
        text = self.term(node, 2).text
        return text if len(text) <= SHORT else f"{node.op.name}(…)"

    def arguments(self, node: Node, depth: int = 3) -> list[Term]:
        """A term for each argument of the op."""
        return [
            self.term(p, depth) if p is not None else self._constant(node, i)
            for i, p in enumerate(node.parents)
        ]

    def factor(self, node: Node, index: int) -> Factor:
        """The local derivative of a value with respect to its argument number `index`."""
        if node.op.name == "getitem":
            return Factor(1.0, f"[{_index(node)}]′")
        terms = [*self.arguments(node, 2), self.term(node, 2)]
        shapes = [*(self._shape(node, i) for i in range(len(node.parents))), _shape(node)]
        return derivative(node.op, index, terms, shapes)

    def _shape(self, node: Node, index: int) -> tuple[int, ...]:
        """Of an argument; as that of the result if nothing tells."""
        if node.parents[index] is not None:
            return _shape(node.parents[index])
        value = constant(node, index, self.values)
        return _shape(node) if value is None else np.shape(value)

    def _constant(self, node: Node, index: int) -> Term:
        value = constant(node, index, self.values)
        if value is None:
            return Term("") if node.op.optional else Term("c")
        error = self._error(node, index, value)
        number = _uniform(np.ravel(value), np.ravel(error))
        if number is not None:
            return atom(written(number))
        for name, known in self._constants:
            if known.shape == np.shape(value) and np.allclose(known, value, rtol=0, atol=error):
                return atom(name)
        if np.size(value) > 3 or np.ndim(value) > 1:
            return Term("c")
        return Term(f"[{'  '.join(map(written, map(float, value)))}]")

    def _error(self, node: Node, index: int, value: Any) -> Any:
        """How far rounding may have moved each entry of a constant."""
        dtype, size = np.asarray(value).dtype, np.abs(value)
        if _kept(node, index) is None:  # a difference, as inexact as what it was taken of
            size = size + np.abs(self.values[node])
        eps = np.finfo(dtype).eps if dtype.kind == "f" else 0
        return eps * np.where(np.isfinite(size), size, 0)


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "biuf"


def _uniform(value: Any, error: Any) -> float | None:
    """The number that all entries are but for rounding, from the entry with the least of it."""
    if not value.size:
        return None
    number = value[error.argmin()]
    return float(number) if np.allclose(value, number, rtol=0, atol=error + error.min()) else None


def _index(node: Node) -> str:
    index = node.saved[0]
    return ", ".join(map(_place, index if isinstance(index, tuple) else (index,)))


def _place(part: Any) -> str:
    """One part of an index."""
    if part is None or isinstance(part, (int, np.integer)):
        return str(part).replace("-", "−")
    if isinstance(part, slice):
        bounds = part.start, part.stop, part.step
        start, stop, step = ("" if p is None else _place(p) for p in bounds)
        return f"{start}:{stop}:{step}" if step else f"{start}:{stop}"
    return "..." if part is ... else "[…]"


def _shape(node: Node) -> tuple[int, ...]:
    has_one = node.op is None or node.op.outputs == 1
    return node.spec[0] if has_one else ()


def constant(node: Node, index: int, values: Mapping[Node, Any]) -> Any:
    """The value of an argument that is no node; None if nothing in the graph tells."""
    kept = _kept(node, index)
    is_sum = kept is None and node.op.name in ("add", "subtract")
    return _difference(node, index, values) if is_sum else kept


def _kept(node: Node, index: int) -> Any:
    """The value of an argument, if the node has it."""
    op = node.op
    if node.info is not None and node.info.constants is not None:
        return node.info.constants[index]
    if isinstance(node, Scalar) and op.name not in ("add", "subtract"):
        return node.saved[index]
    is_saved = not op.variadic and op.args[index] in op.needs
    return node.saved[op.needs.index(op.args[index])] if is_saved else None


def _difference(node: Node, index: int, values: Mapping[Node, Any]) -> Any:
    """Sums need no constant for their derivative, so they keep none; the values still tell it."""
    out, other = values.get(node), values.get(node.parents[1 - index])
    if out is None or other is None:
        return None
    if node.op.name == "add":
        return out - other
    return out + other if index == 0 else other - out


def fold(order: list[Node], kept: set[Node]) -> dict[Node, Node]:
    """For each node, the one in whose expression it is read.

    A value without a name that is used once says little by itself: a product within an
    expression, a sum within a function, a step of a chain without branches. What is in `kept`
    stands by itself.
    """
    heads: dict[Node, Node] = {}
    uses: dict[Node, int] = {}
    consumer: dict[Node, Node] = {}
    size: dict[Node, int] = {}
    for node in order:
        for parent in node.parents:
            if parent is not None:
                uses[parent] = uses.get(parent, 0) + 1
                consumer[parent] = node
    for node in order:
        user = consumer.get(node)
        head = heads.get(user, node) if user is not None else node
        joins = user is not None and node not in kept and uses[node] == 1
        if joins and size.get(head, 1) < MANY and _reads_as_one(node, user):
            heads[node] = head
            size[head] = size.get(head, 1) + 1
        else:
            heads[node] = node
    return heads


def _reads_as_one(node: Node, user: Any) -> bool:
    if node.op is None or node.scope is not user.scope:
        return False
    branches = _branches(user)
    if node.op.name in _PRODUCTS or _is_weighted(node):
        return True
    if node.op.name == "add":
        return branches == 1 or user.op.name == "add"
    return branches == 1 and _branches(node) == 1


def _is_weighted(node: Node) -> bool:
    """Whether it is a parameter times something."""
    return node.op.name == "multiply" and any(
        p is not None and p.info is not None and p.info.is_parameter for p in node.parents
    )


def _branches(node: Node) -> int:
    return sum(parent is not None for parent in node.parents)
