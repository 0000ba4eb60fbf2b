"""The loop that goes back through a scan."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.backward import sweep
from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.effects import hooks_apart, refuse_hooks
from autodiff.compiler.tracing.loop import Loop
from autodiff.compiler.tracing.loop_forward import Forward
from autodiff.compiler.tracing.program import Program, Value
from autodiff.compiler.tracing.simplify import with_names
from autodiff.compiler.tracing.traced import emit, recording_into
from autodiff.nodes import Node
from autodiff.sparse import Lazy, Product, RowGrad
from autodiff.tensor import Tensor

__all__ = ["Backward", "add_seed", "dense"]


class Backward(Loop):
    """The loop that goes back, under construction.

    Parameters
    ----------
    forward : Forward
    given : dict
        Gradients of results of the forward loop, by their numbers.
    """

    def __init__(self, forward: Forward, given: dict[int, Any]) -> None:
        super().__init__(forward.length, True, [], [], forward.loop.body)
        self.forward = forward
        after, outside = forward.sources(given)
        before = {i for i in outside if i < len(forward.h0)}
        self.states = [*sorted(after), *sorted(before - after)]
        with recording_into(self.body), hooks_apart(forward.held):
            seeds = self._seeds(given, after)
            refuse_hooks(seeds, forward.start)
            targets = [*(t._node for t in [*forward.h_in, *forward.x_in]), *forward.held]
            self.grads = sweep(seeds, [n for n in targets if n is not None], within=True)

    def _seeds(self, given: dict[int, Any], after: set[int]) -> dict[Node, Any]:
        seeds: dict[Node, Any] = {}
        for i in self.states:
            h = self.forward.h_in[i]
            g = self.add_carry(given.get(i, np.zeros(h.shape, h.dtype)))
            if i in after:
                add_seed(seeds, self.forward.h_out[i], g)
        for i, y in enumerate(self.forward.ys, len(self.forward.h0)):
            if i in given:
                part = self.add_input(given[i], np.zeros(y.shape, y.dtype))
                add_seed(seeds, y, part)
        return seeds

    def collect(self, parents: tuple[Any, ...]) -> dict[int, Any]:
        """Close the loop; gradients by the numbers of the parents that have a node."""
        forward, count = self.forward, len(self.forward.h0)
        held = dict(enumerate(forward.held, count + len(forward.xs)))
        held = {i: n for i, n in held.items() if n in self.grads}
        lazy = {i: g for i, n in held.items() if isinstance(g := self.grads[n], Lazy)}
        found = self._carried({i: n for i, n in held.items() if i not in lazy})
        for i, x in enumerate(forward.x_in, count):
            if x._node in self.grads:
                found[i] = self.stacked(self._dense(x._node))
        found.update((i, self._lazy(g)) for i, g in lazy.items())
        self._save_residuals()
        return {i: g for i, g in found.items() if parents[i] is not None}

    def _carried(self, sums: dict[int, Node]) -> dict[int, Any]:
        """Close the loop; what goes from step to step: gradients of states, and `sums`."""
        with recording_into(self.body):
            new = [self._before(self.forward.h_in[i]) for i in self.states]
            new += [self.add_carry(np.zeros(*n.spec)) + self.grads[n] for n in sums.values()]
        return dict(zip([*self.states, *sums], self.close(new), strict=True))

    def _before(self, h: Any) -> Any:
        """The gradient of a state before a step."""
        if h._node in self.grads:
            return dense(self.grads[h._node])
        return emit(copied, np.zeros(h.shape, h.dtype))

    def _dense(self, node: Node) -> Any:
        with recording_into(self.body):
            return dense(self.grads[node])

    def _lazy(self, g: Any) -> Any:
        """Stacked over the steps, last step first as in eager mode."""
        if isinstance(g, RowGrad):
            rows, values = (_flat(self.stacked(x)) for x in (g.rows, g.values))
            return RowGrad(rows, values, g.shape)
        pairs = [tuple(_flat(self.stacked(x)) for x in pair) for pair in g.pairs]
        return Product(pairs)

    def _save_residuals(self) -> None:
        """What the way back needs of the way forth becomes a result of the forward loop."""
        forward = self.forward.loop
        own = {v for i in forward.body.program.instructions for v in i.out}
        own |= set(forward.body.program.inputs)
        same = _copies(forward.body.program)
        parts: dict[Value, Value] = {}
        renamed = {}
        for value in self.body.program.free():
            if value not in own:
                continue
            source = same.get(value, value)
            if source not in parts:
                example = np.zeros(value.shape, value.dtype)
                parts[source] = self.add_input(forward.whole(source), example).value
            renamed[value] = parts[source]
        _rename(self.body.program, renamed)


def _copies(program: Program) -> dict[Value, Value]:
    """For copies what they are copies of."""
    found: dict[Value, Value] = {}
    for i in program.instructions:
        x = i.args[0] if i.function in (cast, copied) else None
        if isinstance(x, Value) and x.dtype == i.out[0].dtype and not x.weak:
            found[i.out[0]] = found.get(x, x)
    return found


def _flat(x: Any) -> Any:
    x = emit(np.flip, x, 0)
    return x.reshape((-1, *x.shape[2:]))


def dense(g: Any) -> Any:
    """A gradient that is evaluated."""
    return g.dense() if isinstance(g, Lazy) else g


def _rename(program: Program, names: dict[Value, Value]) -> None:
    for i in program.instructions:
        i.args, i.kwargs = with_names(i.args, names), with_names(i.kwargs, names)
        if i.body is not None:
            _rename(i.body, names)
    program.outputs = with_names(program.outputs, names)


def add_seed(seeds: dict[Node, Any], result: Tensor, g: Any) -> None:
    """Add the gradient of a result to where a sweep starts."""
    node = result._node
    if node is not None and result.requires_grad:
        seeds[node] = seeds[node] + g if node in seeds else g
