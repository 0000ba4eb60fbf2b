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
        self._constants = [(n, v) for n, v in constants.items() if isinstance(v, np.ndarray)]
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
        terms = self.arguments(node, 2)
        named = dict(zip(node.op.args, terms, strict=False))
        named["out"] = self.term(node, 2)
        return derivative(node.op, index, named, node.spec[0] == ())

    def _constant(self, node: Node, index: int) -> Term:
        value = constant(node, index, self.values)
        if value is None:
            return Term("") if node.op.optional else Term("c")
        if _is_uniform(value):
            return atom(written(float(np.ravel(value)[0])))
        for name, known in self._constants:
            if known.shape == np.shape(value) and np.array_equal(known, value):
                return atom(name)
        if np.size(value) > 3 or np.ndim(value) > 1:
            return Term("c")
        return Term(f"[{'  '.join(map(written, map(float, value)))}]")


def _is_uniform(value: Any) -> bool:
    """Whether all entries are one number, but for rounding."""
    if np.ndim(value) == 0:
        return True
    return value.size > 0 and bool(np.allclose(value, value.ravel()[0], rtol=1e-12, atol=0))


def _index(node: Node) -> str:
    index = node.saved[0]
    parts = index if isinstance(index, tuple) else (index,)
    return ", ".join(str(p) if isinstance(p, (int, np.integer)) else "·" for p in parts)


def constant(node: Node, index: int, values: Mapping[Node, Any]) -> Any:
    """The value of an argument that is no node; None if nothing in the graph tells."""
    if node.info is not None and node.info.constants is not None:
        return node.info.constants[index]
    if isinstance(node, Scalar) and node.op.name not in ("add", "subtract"):
        return node.saved[index]
    op = node.op
    if not op.variadic and op.args[index] in op.needs:
        return node.saved[op.needs.index(op.args[index])]
    return _difference(node, index, values) if op.name in ("add", "subtract") else None


def _difference(node: Node, index: int, values: Mapping[Node, Any]) -> Any:
    """Sums need no constant for their derivative, so they keep none; the values still tell it."""
    out, other = values.get(node), values.get(node.parents[1 - index])
    if out is None or other is None:
        return None
    return (
        other - out
        if node.op.name == "subtract" and index == 1
        else (out + other if node.op.name == "subtract" else out - other)
    )


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
