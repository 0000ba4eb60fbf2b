"""Arguments as fresh leaves to differentiate by, and gradients as results."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff import tree
from autodiff.arguments import require_arguments
from autodiff.backward import cotangent, sweep
from autodiff.errors import DTypeError, GraphError, describe
from autodiff.nodes import Info, Node, TensorNode, tick
from autodiff.op import asarray, is_array
from autodiff.scalar import Scalar
from autodiff.settings import is_recording
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor, wrap

__all__ = ["Trace", "fresh_leaf", "plain_copy", "result_of", "seed_of"]


class Trace:
    """The arguments of one call with fresh leaves in place of those to differentiate by."""

    def __init__(self, args: tuple[Any, ...], argnums: tuple[int, ...]) -> None:
        self.outside = is_recording()
        self.start = tick()
        self.nested = False
        self.args = list(args)
        self.argnums = argnums
        self.nodes: list[list[Node | None]] = []
        self.definitions = []
        require_arguments(argnums, args)
        for i in argnums:
            leaves, definition = tree.flatten(args[i])
            fresh = [self._fresh(leaf) for leaf in leaves]
            nodes = [
                f._node if f is not leaf else None for f, leaf in zip(fresh, leaves, strict=True)
            ]
            if not any(node is not None for node in nodes):
                raise DTypeError(
                    f"argument {i} holds no floating value to differentiate by: "
                    f"{describe(args[i])}; write 1.0 for 1, or convert with dtype=float"
                )
            self.args[i] = tree.unflatten(definition, fresh)
            self.nodes.append(nodes)
            self.definitions.append(definition)

    def _fresh(self, leaf: Any) -> Any:
        if isinstance(leaf, (Tensor, Scalar)):
            return self._over(leaf) if leaf.requires_grad else fresh_leaf(leaf)
        is_number = isinstance(leaf, (float, np.generic))
        value = asarray(leaf) if is_number or is_array(leaf) else None
        return leaf if value is None or value.dtype.kind != "f" else fresh_leaf(Tensor(leaf))

    def _over(self, leaf: Any) -> Any:
        """A node of this trace on top of a value that is tracked outside."""
        info = leaf._node.info
        if leaf._node.op is None and not info.traced:
            return fresh_leaf(leaf)  # a plain leaf, handed in for its value
        self.nested = True
        return _again(leaf)

    def differentiable(self, order: list[Node]) -> bool:
        """Whether the result has to be differentiable itself: something outside is tracked."""
        if not self.outside:
            return False
        return self.nested or any(
            node.op is None
            and node.order < self.start
            and node.info is not None
            and node.info.keeps_grad
            for node in order
        )

    def pull(self, seeds: dict[Node, Any], record: bool) -> list[Any]:
        """One tree of gradients for each argument."""
        targets = [node for nodes in self.nodes for node in nodes if node is not None]
        grads: dict[Any, Any] = {**sweep(seeds, targets, record)}
        return [
            tree.unflatten(definition, [result_of(grads.get(n), n, record) for n in nodes])
            for nodes, definition in zip(self.nodes, self.definitions, strict=True)
        ]

    def require_use(self, order: list[Node]) -> None:
        """Refuse an argument that the result does not depend on."""
        used = set(order)
        for i, nodes in zip(self.argnums, self.nodes, strict=True):
            if not any(node in used for node in nodes):
                raise GraphError(
                    f"the result does not depend on argument {i}: it is unused, or its path goes "
                    "through detach(), no_grad(), .data or an integer; allow_unused=True: zeros"
                )


def _again(leaf: Any) -> Any:
    """The value itself on a node of its own."""
    return +leaf


def fresh_leaf(leaf: Any) -> Any:
    """A leaf of a trace with the value of a tensor or scalar."""
    if isinstance(leaf, Scalar):
        made: Any = Scalar(leaf._value)
        made.info.traced = True
        return made
    if leaf.dtype.kind != "f":
        return leaf
    node = TensorNode(None, (), (), (leaf.shape, leaf.dtype))
    node.info = Info(leaf.name, keeps_grad=True)
    node.info.traced = True
    return wrap(leaf._value, node)


def result_of(g: Any, node: Node | None, record: bool) -> Any:
    """The gradient for a leaf as it is handed out: zeros where nothing came, else of its kind."""
    if node is None:
        return None
    shape, dtype = node.spec
    if g is None:
        g = 0.0 if dtype is float else np.zeros(shape, dtype)
    if record and not isinstance(g, (Tensor, Scalar, RowGrad)):
        return wrap(asarray(g)[()], None)
    return g[()] if is_array(g) and not g.ndim else g


def plain_copy(value: Any) -> Any:
    """The value without its graph, to do with as you like."""
    return tree.map(lambda v: _own(v._value) if isinstance(v, (Tensor, Scalar)) else v, value)


def _own(data: Any) -> Any:
    return data.copy() if is_array(data) else data


def seed_of(value: Any, gradient: Any, record: bool) -> Any:
    """The error signal that a sweep begins with at a result."""
    seed = cotangent(value, gradient)
    if not record:
        return seed._value if isinstance(seed, (Tensor, Scalar)) else seed
    if isinstance(seed, (Tensor, Scalar)):
        return seed
    return Scalar(seed, requires_grad=False) if isinstance(value, Scalar) else wrap(seed, None)
