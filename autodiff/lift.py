"""What a node saved as tensors of the graph, for sweeps that are recorded themselves."""

from __future__ import annotations

from typing import Any

from autodiff.errors import GraphError
from autodiff.nodes import Node
from autodiff.scalar import Scalar
from autodiff.tensor import items, wrap

__all__ = ["lift"]


def lift(node: Node) -> tuple[Any, ...]:
    """What `node` saved, with tensors of the graph in place of arrays.

    For a sweep whose own operations are to be recorded.
    """
    if isinstance(node, Scalar):
        return tuple(_lift_scalar(node, name) for name in node.op.needs)
    op = node.op
    return tuple(_lift(node, n, s) for n, s in zip(op.needs, node.saved, strict=True))


def _lift(node: Node, name: str, value: Any) -> Any:
    if value is None or name not in (*node.op.args, "out"):
        return value
    if node.op.variadic and name != "out":
        pairs = zip(value, node.parents, strict=True)
        return tuple(_lifted(node, v, parent) for v, parent in pairs)
    source = node if name == "out" else node.parents[node.op.args.index(name)]
    return items(value, source) if isinstance(value, tuple) else _lifted(node, value, source)


def _lifted(node: Node, value: Any, source: Node | None) -> Any:
    if isinstance(source, Scalar):
        return _unchanged(source, node)
    return value if isinstance(value, (float, int)) and source is None else wrap(value, source)


def _lift_scalar(node: Scalar, name: str) -> Any:
    if name == "out":
        return node
    i = node.op.args.index(name)
    parent = node.parents[i]
    return node.saved[i] if parent is None else _unchanged(parent, node)


def _unchanged(parent: Scalar, node: Node) -> Scalar:
    if parent.info is not None and parent.info.changed > node.order:
        raise GraphError(
            f"the value of {parent!r} was changed after {node.op.name} recorded it: a higher "
            "derivative needs the old one; compute the forward again"
        )
    return parent
