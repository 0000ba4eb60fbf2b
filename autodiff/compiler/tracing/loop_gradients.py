"""What the body of a loop that goes back gives, as gradients of what went into the loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.program import Program, Value
from autodiff.compiler.tracing.simplify import with_names
from autodiff.compiler.tracing.traced import Traced, emit, recording_into
from autodiff.nodes import Node
from autodiff.sparse import Product, RowGrad

__all__ = ["LoopGradients"]


class LoopGradients:
    """What the body of the backward loop gives, as results of the loop."""

    def __init__(
        self, forward: Any, back: Any, grads: dict[Node, Any], gh0: list[Any], zeros: Any
    ) -> None:
        self.forward, self.back, self.grads = forward, back, grads
        self.gh0, self.zeros = gh0, zeros

    def collect(self, nodes: list[Any], held: list[Node]) -> dict[int, Any]:
        """Close the loop; gradients by the number of the parent."""
        forward, back = self.forward, self.back
        with recording_into(back.body):
            pairs, given = zip(forward.h_in, self.zeros, strict=True), self.grads
            new = [given[n] if (n := h._node) in given else emit(copied, z) for h, z in pairs]
            dense = [n for n in held if n in self.grads and not _is_lazy(self.grads[n])]
            sums = [self._accumulator(n) for n in dense]
        carries = back.close([*new, *sums])
        found: dict[int, Any] = {}
        for i, node in enumerate(nodes):
            if node is None:
                continue
            count = len(forward.h0)
            if i < count:
                found[i] = carries[i]
            elif (g := self.grads.get(forward.x_in[i - count]._node)) is not None:
                found[i] = back.stacked(_dense(back, g))
        totals = dict(zip(dense, carries[len(new) :], strict=True))
        for i, node in enumerate(held, len(nodes)):
            if node in self.grads:
                found[i] = totals[node] if node in totals else self._lazy(self.grads[node])
        self._save_residuals()
        return found

    def _accumulator(self, node: Node) -> Any:
        """The sum over steps so far, plus this one."""
        shape, dtype = node.spec
        zero = np.zeros(shape, dtype)
        length, reverse, carries, xs = self.back.instruction.args
        self.back.instruction.args = (length, reverse, (*carries, zero), xs)
        program = self.back.body.program
        total = self.back.body.input(zero)
        program.inputs.remove(total.value)
        program.inputs.insert(len(carries), total.value)
        return total + self.grads[node]

    def _lazy(self, g: Any) -> Any:
        """Stacked over the steps, last step first as in eager mode."""
        if isinstance(g, RowGrad):
            rows, values = (_flat(self.back.stacked(x)) for x in (g.rows, g.values))
            return RowGrad(rows, values, g.shape)
        pairs = [tuple(_flat(self.back.stacked(x)) for x in pair) for pair in g.pairs]
        return Product(pairs)

    def _save_residuals(self) -> None:
        """What the way back needs of the way forth becomes a result of the forward loop."""
        forward, back = self.forward.loop, self.back
        own = {v for i in forward.body.program.instructions for v in i.out}
        own |= set(forward.body.program.inputs)
        count = len(self.forward.h0)
        slices = dict(zip(forward.body.program.inputs[count:], forward.instruction.args[3]))
        same = _copies(forward.body.program)
        parts: dict[Value, Value] = {}
        renamed = {}
        for value in back.body.program.free():
            if value not in own:
                continue
            source = same.get(value, value)
            if source not in parts:
                example = np.zeros(value.shape, value.dtype)
                whole = slices.get(source)
                if whole is None:
                    whole = forward.stacked(Traced(source, example))
                parts[source] = back.add_input(whole, example).value
            renamed[value] = parts[source]
        _rename(back.body.program, renamed)


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


def _is_lazy(g: Any) -> bool:
    return isinstance(g, (Product, RowGrad))


def _dense(back: Any, g: Any) -> Any:
    if hasattr(g, "dense"):
        with recording_into(back.body):
            return g.dense()
    return g


def _rename(program: Program, names: dict[Value, Value]) -> None:
    for i in program.instructions:
        i.args, i.kwargs = with_names(i.args, names), with_names(i.kwargs, names)
        if i.body is not None:
            _rename(i.body, names)
    program.outputs = with_names(program.outputs, names)
