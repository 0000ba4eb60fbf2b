"""The loop that goes back through a scan."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autodiff.backward import sweep
from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.effects import hooks_apart, refuse_hooks
from autodiff.compiler.tracing.loop import Loop
from autodiff.compiler.tracing.loop_graph import LoopGraph, array_of, leaf_of
from autodiff.compiler.tracing.program import Program, Value
from autodiff.compiler.tracing.simplify import with_names
from autodiff.compiler.tracing.traced import emit, recording_into
from autodiff.nodes import Node
from autodiff.settings import enable_grad
from autodiff.sparse import Lazy, Product, RowGrad
from autodiff.tensor import Tensor, wrap

__all__ = ["Backward"]


class Backward(LoopGraph):
    """The loop that goes back.

    Parameters
    ----------
    forward : LoopGraph
    given : dict
        Gradients of results of the forward loop, by their numbers.
    slices : list of Tensor, optional
        What is in all steps that which in `forward` is tracked within one, states and then xs: the
        gradients can then be differentiated again.

    Attributes
    ----------
    numbers : list of int
        Of what the results are the gradients: states of the forward loop, xs, then what is held.
    values : list
        The results.
    lazy : dict
        Gradients of what is held that are left unevaluated, by the numbers.
    """

    grads: dict[Node, Any]
    lazy: dict[int, Any]

    def __init__(
        self, forward: LoopGraph, given: dict[int, Any], slices: list[Tensor] | None = None
    ) -> None:
        self.forward, self.start, self.record = forward, forward.start, slices is not None
        self.loop = Loop(forward.loop.length, not forward.loop.reverse, [], [], forward.loop.body)
        self.h0, self.xs, self.h_in, self.ys = [], list(slices or ()), [], []
        self.x_in = [t for t in [*forward.h_in, *forward.x_in] if t._node is not None]
        with recording_into(self.loop.body), enable_grad():
            states = self._sweep(given)
            self._sum_up(states)
        self.starts = list(map(array_of, self.h0))
        self.values = self.loop.close(list(map(array_of, self.h_out)))
        self.values += [self.loop.stacked(array_of(y)) for y in self.ys]
        self.lazy = {i: self._stacked(g) for i, g in self.lazy.items()}
        self._save_residuals()

    def _sweep(self, given: dict[int, Any]) -> list[int]:
        """Go back through one step; the states that have gradients."""
        forward, seeds = self.forward, dict[Node, Any]()
        after, outside = forward.sources(given)
        before = {i for i in outside if i < len(forward.h0)}
        states = [*sorted(after), *sorted(before - after)]
        for i in states:
            h = forward.h_in[i]
            g = self._carried(given.get(i, np.zeros(h.shape, h.dtype)))
            if i in after:
                _add_seed(seeds, forward.h_out[i], g)
        for i, y in enumerate(forward.ys, len(forward.h0)):
            if i in given:
                _add_seed(seeds, y, self._sliced(given[i], y))
        targets = [*(t._node for t in self.x_in), *forward.held]
        with hooks_apart(forward.held):
            refuse_hooks(seeds, self.start)
            grads = sweep(seeds, [n for n in targets if n is not None], self.record, within=True)
        self.grads = {n: self._made(g) for n, g in grads.items()}
        return states

    def _made(self, g: Any) -> Any:
        """A gradient, evaluated if need be: a tensor, where they are to be differentiated again."""
        if not self.record:
            return g if isinstance(g, (Product, RowGrad)) else _dense(g)
        g = _dense(g)
        return g if isinstance(g, Tensor) else wrap(g, None)

    def _carried(self, start: Any) -> Any:
        """What a step gets of a gradient that goes from step to step."""
        self.h0.append(start)
        self.h_in.append(leaf_of(self.loop.add_carry(array_of(start)), True))
        return self.h_in[-1] if self.record else self.h_in[-1]._value

    def _sliced(self, g: Any, y: Tensor) -> Any:
        """What a step gets of the gradient of a y."""
        self.xs.append(g)
        part = self.loop.add_input(array_of(g), np.zeros(y.shape, y.dtype))
        self.x_in.append(leaf_of(part, True))
        return self.x_in[-1] if self.record else part

    def _sum_up(self, states: list[int]) -> None:
        """The results of a step."""
        forward, grads, count = self.forward, self.grads, len(self.forward.h0)
        held = dict(enumerate(forward.held, count + len(forward.xs)))
        found = {i: grads[n] for i, n in held.items() if n in grads}
        self.lazy = {i: g for i, g in found.items() if isinstance(g, Lazy)}
        sums = {i: g for i, g in found.items() if i not in self.lazy}
        self.h_out = [self._before(forward.h_in[i]) for i in states]
        self.h_out += [self._carried(np.zeros(g.shape, g.dtype)) + g for g in sums.values()]
        xs = {i: x._node for i, x in enumerate(forward.x_in, count) if x._node in grads}
        self.ys = [_dense(grads[n]) for n in xs.values()]
        self.numbers = [*states, *sums, *xs]

    def _before(self, h: Tensor) -> Any:
        """The gradient of a state before a step."""
        if h._node in self.grads:
            return _dense(self.grads[h._node])
        zeros = emit(copied, np.zeros(h.shape, h.dtype))
        return wrap(zeros, None) if self.record else zeros

    def _stacked(self, g: Any) -> Any:
        """Stacked over the steps, last step first as in eager mode."""
        if isinstance(g, RowGrad):
            rows, values = (_flat(self.loop.stacked(x)) for x in (g.rows, g.values))
            return RowGrad(rows, values, g.shape)
        pairs = [tuple(_flat(self.loop.stacked(x)) for x in pair) for pair in g.pairs]
        return Product(pairs)

    def _save_residuals(self) -> None:
        """What the way back needs of the way forth becomes a result of the forward loop."""
        program, names = self.loop.body.program, dict[Value, Value]()
        before: LoopGraph | None = self.forward
        while before is not None:
            loop, parts = before.loop, dict[Value, Value]()
            own = {*loop.body.program.inputs, *_made(loop.body.program)}
            same = _copies(loop.body.program)
            for value in program.free():
                if value in own:
                    source = same.get(value, value)
                    if source not in parts:
                        example = np.zeros(value.shape, value.dtype)
                        parts[source] = self.loop.add_input(loop.whole(source), example).value
                    names[value] = parts[source]
            before = getattr(before, "forward", None)
        _rename(program, names)


def _made(program: Program) -> Iterator[Value]:
    return (v for i in program.instructions for v in i.out)


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


def _dense(g: Any) -> Any:
    return g.dense() if isinstance(g, Lazy) else g


def _rename(program: Program, names: dict[Value, Value]) -> None:
    for i in program.instructions:
        i.args, i.kwargs = with_names(i.args, names), with_names(i.kwargs, names)
        if i.body is not None:
            _rename(i.body, names)
    program.outputs = with_names(program.outputs, names)


def _add_seed(seeds: dict[Node, Any], result: Tensor, g: Any) -> None:
    node = result._node
    if node is not None and result.requires_grad:
        seeds[node] = seeds[node] + g if node in seeds else g
