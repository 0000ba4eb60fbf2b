"""A loop with the graph of one of its steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff.compiler.tracing.loop import Loop
from autodiff.nodes import Info, Node, TensorNode, since
from autodiff.tensor import Tensor, wrap

__all__ = ["LoopGraph", "array_of", "leaf_of"]


class LoopGraph:
    """A loop with the graph of one of its steps.

    Attributes
    ----------
    loop : Loop
    start : int
        Nodes with a lower order are from outside.
    h0, xs : list
        What goes into the loop: states, and what is cut into steps.
    starts : list
        The arrays of the states.
    h_in, x_in : list of Tensor
        What goes into a step.
    h_out, ys : list of Tensor
        What a step gives.
    held : list of Node
        What the step depends on from outside.
    """

    loop: Loop
    start: int
    h0: list[Any]
    xs: list[Any]
    starts: list[Any]
    h_in: list[Tensor]
    x_in: list[Tensor]
    h_out: list[Tensor]
    ys: list[Tensor]

    def connect(self) -> None:
        """Find out what depends on what, once the step is there."""
        self.held = [n for n in self._nodes(self.results()) if n.order < self.start]
        nodes = [*(t._node for t in [*self.h_in, *self.x_in]), *self.held]
        numbers = {n: i for i, n in enumerate(nodes) if n is not None}
        self._reach = [
            {numbers[n] for n in self._nodes([r]) if n in numbers} for r in self.results()
        ]

    def add_state_as_y(self, i: int) -> int:
        """Let the state before each step be a result of the loop; gives its number."""
        self.ys.append(self.h_in[i])
        self._reach.append({i})
        return len(self._reach) - 1

    def results(self) -> list[Tensor]:
        """The nodes at which gradients arrive."""
        return [*self.h_out, *self.ys]

    def _nodes(self, results: list[Tensor]) -> list[Node]:
        """All that they depend on, down to nodes from outside, which are not followed."""
        return since(self.start, *(r._node for r in results if r.requires_grad))

    def sources(self, results: Iterable[int]) -> tuple[set[int], set[int]]:
        """What results of the loop depend on in the graph of eager mode.

        Returns
        -------
        states : set of int
            Which states after some step.
        sources : set of int
            What from outside: states before the first step, then xs, then what is captured.
        """
        count = len(self.h0)
        ys = {i for i in results if i >= count}
        states, ever, outside = {i for i in results if i < count}, set[int](), set[int]()
        for _ in range(self.loop.length):
            ever |= states
            reached = set[int]().union(*(self._reach[i] for i in states | ys))
            before = {i for i in reached if i < count}
            outside |= reached - before
            if before == states:
                break
            states = before
        return ever, outside | states


def array_of(leaf: Any) -> Any:
    """The array or number in a leaf."""
    value = leaf._value if isinstance(leaf, Tensor) else leaf
    is_one = hasattr(value, "dtype") or type(value) in (bool, int, float)
    return value if is_one else np.asarray(value)[()]


def leaf_of(value: Any, tracked: bool) -> Tensor:
    """A value as a tensor, on a node of its own if it is to be tracked."""
    node = None
    if tracked and value.dtype.kind == "f":
        node = TensorNode(None, (), (), (value.shape, value.dtype))
        node.info = Info(keeps_grad=True)
        node.info.traced = True
    return wrap(value, node)
