"""Local derivatives: what one op multiplies an error signal by, on its way to one argument."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.backward import contributions
from autodiff.errors import GraphError
from autodiff.nodes import Node
from autodiff.scalar import Scalar
from autodiff.sparse import Lazy

__all__ = ["entries", "flat", "partial", "shape_of", "size_of", "units"]

LARGEST = 1_000_000
"""Entries of a Jacobian that is handed out."""


def partial(node: Node, index: int) -> Any:
    """The local derivative of a value with respect to argument number `index` of its op.

    A number between numbers; of an elementwise op on arrays the derivative of each entry of the
    result; else the Jacobian, of shape ``(*result, *argument)``.

    Raises
    ------
    GraphError
        If the Jacobian has more than a million entries.
    """
    if isinstance(node, Scalar):
        return node.saved[index]
    with np.errstate(all="ignore"):
        if node.op.partials is not None:
            slope = node.op.slopes[index](node.saved)
            return float(slope) if node.spec[0] == () else np.broadcast_to(slope, node.spec[0])
        return _jacobian(node, index)


def entries(node: Node, index: int) -> int:
    """How many numbers `partial` gives."""
    if node.op.partials is not None:
        return size_of(node)
    return size_of(node) * size_of(node.parents[index])


def _jacobian(node: Node, index: int) -> Any:
    shape, parent = shape_of(node), shape_of(node.parents[index])
    if entries(node, index) > LARGEST:
        raise GraphError(
            f"the Jacobian of {node.op.name} from {parent} to {shape} has "
            f"{entries(node, index):,} entries, more than {LARGEST:,}: ask for other steps, or "
            "for what the path adds, which is its contribution"
        )
    parts = [contributions(node, unit)[index] for unit in units(node)]
    rows = [np.zeros(parent) if part is None else flat(part) for part in parts]
    return np.reshape(rows, (*shape, *parent))[()]


def _specs(node: Any) -> tuple[Any, ...]:
    several = node.op is not None and node.op.outputs != 1
    return node.spec if several else (node.spec,)


def size_of(node: Any) -> int:
    """How many entries a value has; several results of one op count as one vector."""
    return sum(math.prod(shape) for shape, _ in _specs(node))


def shape_of(node: Any) -> tuple[int, ...]:
    """The shape of a value; several results of one op count as one vector."""
    return node.spec[0] if len(_specs(node)) == 1 else (size_of(node),)


def flat(g: Any) -> Any:
    """All entries of an error signal as one vector."""
    if g.__class__ is np.ndarray:  # nearly always
        return g.ravel()
    g = g.dense() if isinstance(g, Lazy) else g
    return np.concatenate([np.ravel(part) for part in g]) if isinstance(g, tuple) else np.ravel(g)


def units(node: Node) -> Iterator[Any]:
    """The error signals that are one in one entry, and zero in all others."""
    specs = _specs(node)
    if specs[0][1] is float:
        yield 1.0
        return
    for k, (shape, _) in enumerate(specs):
        for i in range(math.prod(shape)):
            parts = [np.zeros(s, d) for s, d in specs]
            parts[k].reshape(-1)[i] = 1
            yield tuple(parts) if specs is node.spec else parts[0][()]
