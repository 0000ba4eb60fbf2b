"""A scan within a program: the cell is traced once, and so is its backward."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.backward import sweep
from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.effects import hooks_apart, refuse_hooks
from autodiff.compiler.tracing.loop_gradients import LoopGradients
from autodiff.compiler.tracing.program import Instruction, Value
from autodiff.compiler.tracing.steps import pair, unrolled
from autodiff.compiler.tracing.traced import (
    Recorder,
    Traced,
    emit,
    recorder,
    recording_into,
    user_line,
)
from autodiff.custom import PACK
from autodiff.errors import ShapeError
from autodiff.nodes import Info, Node, TensorNode, tick
from autodiff.op import op
from autodiff.settings import enable_grad, recording
from autodiff.sparse import Parts
from autodiff.tensor import Tensor, items, wrap

__all__ = ["loop", "traced_scan"]


def loop(length: int, reverse: bool, carries: Any, xs: Any, run: Any = None) -> Any:
    """What a loop does: ``run(*carries, *slices) -> (*carries, *ys)`` for each step."""
    carries, ys = list(carries), []
    order = range(length - 1, -1, -1) if reverse else range(length)
    for t in order:
        results = run(*carries, *(x[t] for x in xs))
        carries, made = list(results[: len(carries)]), results[len(carries) :]
        ys.append(made)
    stacks = [np.stack(parts[::-1] if reverse else parts) for parts in map(list, zip(*ys))]
    return (*carries, *stacks)


class _Loop:
    """A loop instruction under construction: outputs may be added while others are in use."""

    def __init__(
        self, length: int, reverse: bool, carries: list[Any], xs: list[Any], *also: Recorder
    ) -> None:
        self.length, self.body = length, Recorder(*also)
        self.instruction = Instruction(
            loop, (length, reverse, tuple(map(_value, carries)), tuple(map(_value, xs))), {}, (),
            True, user_line(), self.body.program,
        )  # fmt: skip

    def close(self, carries: list[Any]) -> list[Traced]:
        """Put the instruction into the program; gives the last carries."""
        under_way = recorder.get()
        assert under_way is not None
        under_way.program.instructions.append(self.instruction)
        return [self._add(c, c.shape) for c in carries]

    def stacked(self, y: Any) -> Traced:
        """What `y` of the body is in all steps."""
        return self._add(y, (self.length, *y.shape))

    def _add(self, result: Any, shape: tuple[int, ...]) -> Traced:
        under_way = recorder.get()
        assert under_way is not None
        example = np.zeros(shape, result.dtype)
        if shape == result.shape and result.value.weak:
            example = result.example
        made: Traced = under_way.noted(Traced(Value.like(example), example))
        self.body.program.outputs.append(_value(result))
        self.instruction.out = (*self.instruction.out, made.value)
        return made

    def add_input(self, x: Any, example: Any) -> Traced:
        """Another array that is cut into steps; gives the part of a step."""
        length, reverse, carries, xs = self.instruction.args
        self.instruction.args = (length, reverse, carries, (*xs, _value(x)))
        return self.body.input(example)


def _value(x: Any) -> Any:
    under_way = recorder.get()
    assert under_way is not None
    return under_way.own(x)


def _array(leaf: Any) -> Any:
    """The array or number in a leaf."""
    value = leaf._value if isinstance(leaf, Tensor) else leaf
    is_one = hasattr(value, "dtype") or type(value) in (bool, int, float)
    return value if is_one else np.asarray(value)[()]


def _example(x: Any) -> Any:
    return x.example if isinstance(x, Traced) else x


class _Forward:
    """The cell, traced on one step."""

    def __init__(
        self, cell: Callable[..., Any], h0: Any, xs: list[Any], x_def: Any, length: int
    ) -> None:
        self.start, self.cell, self.x_def = tick(), cell, x_def
        self.h0, self.h_def = tree.flatten(h0)
        self.starts = list(map(_array, self.h0))
        self.xs, self.length = xs, length
        self.plain_h = [not isinstance(h, Tensor) for h in self.h0]
        settled = False
        self._trace()
        while not settled:
            settled = self._settle()
            self._trace()  # twice at least: what another step has kept has no value in the second
        self._check()
        self.carries = self.loop.close([h._value for h in self.h_out])
        self.stacks = [self.loop.stacked(y._value) for y in self.ys]

    def _settle(self) -> bool:
        """Let the state be from the first step on what it is from the second step on: a tensor, or
        of another dtype than a number of Python's; whether it was so."""
        plain = [p and q for p, q in zip(self.plain_h, self.plain_h_out, strict=True)]
        starts = [_like(s, h._value) for s, h in zip(self.starts, self.h_out, strict=True)]
        same = plain == self.plain_h and all(map(operator.is_, starts, self.starts))
        self.plain_h, self.starts = plain, starts
        return same

    def _trace(self) -> None:
        h_arrays, x_arrays = self.starts, list(map(_array, self.xs))
        self.loop = _Loop(self.length, False, h_arrays, x_arrays)
        body = self.loop.body
        with recording_into(body):
            self.h_in = [
                _leaf(body.input(_example(h)), not plain)
                for h, plain in zip(h_arrays, self.plain_h, strict=True)
            ]
            self.x_in = [
                _leaf(body.input(_example(a)[0]), isinstance(x, Tensor) and x.requires_grad)
                for a, x in zip(x_arrays, self.xs, strict=True)
            ]
            h, y = pair(self.cell(*self._as_in_eager_mode()))
            h_out = tree.leaves_like(self.h_def, h)
            ys, self.y_def = tree.flatten([] if y is None else [y])
            self.plain_h_out = [not isinstance(leaf, Tensor) for leaf in h_out]
            self.h_out, self.ys = list(map(_as_tensor, h_out)), list(map(_as_tensor, ys))

    def _as_in_eager_mode(self) -> tuple[Any, Any]:
        """Arrays where the caller gave arrays, and tensors where tensors."""
        h = [t._value if p else t for t, p in zip(self.h_in, self.plain_h, strict=True)]
        x = [
            t if isinstance(given, Tensor) else t._value
            for t, given in zip(self.x_in, self.xs, strict=True)
        ]
        return tree.unflatten(self.h_def, h), tree.unflatten(self.x_def, x)

    def _check(self) -> None:
        for before, after in zip(self.h_in, self.h_out, strict=True):
            if before.shape != after.shape or before.dtype != after.dtype:
                raise ShapeError(
                    f"scan: the state is {before.dtype}{before.shape} before a step and "
                    f"{after.dtype}{after.shape} after it; a loop needs the same"
                )

    def results(self) -> list[Tensor]:
        """The nodes at which gradients arrive."""
        return [*self.h_out, *self.ys]

    def captured(self) -> list[Node]:
        """Nodes from outside that the cell depends on."""
        roots = [r._node for r in self.results() if r._node is not None]
        found: list[Node] = []
        seen = set(roots)
        for node in roots:
            for parent in node.parents:
                if parent is not None and parent not in seen:
                    seen.add(parent)
                    (found if parent.order < self.start else roots).append(parent)
        own = {h._node for h in [*self.h_in, *self.x_in]}
        return [n for n in found if n not in own]


def _like(start: Any, after: Any) -> Any:
    """A number of Python's in the dtype of what it is after a step."""
    before = start.value if isinstance(start, Traced) else Value.like(start)
    same = before.dtype == after.dtype and before.weak == after.value.weak
    if same or not before.weak or not np.can_cast(before.dtype, after.dtype, "same_kind"):
        return start
    if after.value.weak:
        return type(after.example)(start)
    return emit(cast, start, after.dtype) if isinstance(start, Traced) else cast(start, after.dtype)


def _leaf(value: Any, tracked: bool) -> Tensor:
    node = None
    if tracked and value.dtype.kind == "f":
        node = TensorNode(None, (), (), (value.shape, value.dtype))
        node.info = Info(keeps_grad=True)
        node.info.traced = True
    return wrap(value, node)


def _as_tensor(leaf: Any) -> Tensor:
    """A result of the cell, which a constant becomes too."""
    value = _array(leaf)
    if isinstance(value, Traced):
        return leaf if isinstance(leaf, Tensor) else wrap(value, None)
    return wrap(emit(copied, value), None)


def traced_scan(
    cell: Callable[..., Any], h0: Any, xs: list[Any], x_def: Any, length: int
) -> tuple[Any, Any]:
    """The scan as an instruction of the program under way, on a node of the graph."""
    forward = _Forward(cell, h0, xs, x_def, length)
    values = [*forward.carries, *forward.stacks]
    outputs = _recorded(forward, values)
    last = [o._value if plain else o for o, plain in zip(outputs, forward.plain_h_out)]
    h = tree.unflatten(forward.h_def, last)
    ys = tree.unflatten(forward.y_def, outputs[len(forward.h0) :])
    return h, ys[0] if ys else None


def _recorded(forward: _Forward, values: list[Any]) -> list[Any]:
    inputs = [*forward.h0, *forward.xs]
    nodes = [x._node if isinstance(x, Tensor) and x.requires_grad else None for x in inputs]
    held = forward.captured()
    scope = recording.get()
    if scope is None or not (held or any(n is not None for n in nodes)):
        return [wrap(v, None) for v in values]
    parents = (*nodes, *held)
    specs = tuple(
        n.spec if n is not None else (np.shape(_array(x)), np.result_type(_array(x)))
        for n, x in zip(parents, [*inputs, *held])
    )
    packed = TensorNode(PACK, parents, (), specs)

    def rule(g: Any, values: Any) -> Parts:
        given = (
            g.grads
            if isinstance(g, Parts)
            else dict(enumerate(g if isinstance(g, tuple) else (g,)))
        )
        way = _backward_on_tensors if any(map(_is_tensor, given.values())) else _backward
        return Parts(way(forward, values, given, nodes, held), specs)

    row = op("scan", lambda values: values, rule, numpy=(), outputs=len(values), lazy=Parts)
    spec = tuple((v.shape, v.dtype) for v in values)
    saved = (tuple(_array(x) for x in inputs),)
    if len(values) == 1:
        return [wrap(values[0], TensorNode(row, (packed,), saved, spec[0], scope))]
    return list(items(tuple(values), TensorNode(row, (packed,), saved, spec, scope)))


def _is_tensor(g: Any) -> bool:
    return isinstance(g, Tensor)


def _backward_on_tensors(
    forward: _Forward, values: Any, given: dict[int, Any], nodes: list[Any], held: list[Node]
) -> dict[int, Any]:
    """Gradients that can be differentiated again: the steps are done once more, one by one."""
    count = len(forward.h0)
    plain = [*forward.plain_h, *(not isinstance(x, Tensor) for x in forward.xs)]
    again = [_again(v, p) for v, p in zip(values, plain, strict=True)]
    with enable_grad():
        h = tree.unflatten(forward.h_def, again[:count])
        results = unrolled(forward.cell, h, again[count:], forward.x_def, forward.length)
    seeds: dict[Node, Any] = {}
    for i, result in enumerate(tree.flatten(list(results))[0]):
        if i in given and isinstance(result, Tensor):
            _seed(seeds, result, given[i])
    inner = [None if n is None else x._node for n, x in zip(nodes, again)]
    with hooks_apart(held):
        grads = sweep(seeds, [n for n in (*inner, *held) if n is not None], record=True)
    return {i: grads[n] for i, n in enumerate((*inner, *held)) if n in grads}


def _again(value: Any, plain: bool) -> Any:
    """A state or an x for the cell, from which derivatives start."""
    if plain:
        return value._value if _is_tensor(value) else value
    if value.dtype.kind != "f":
        return value if _is_tensor(value) else wrap(value, None)
    return +value if _is_tensor(value) else _leaf(value, True)


def _backward(
    forward: _Forward, values: Any, given: dict[int, Any], nodes: list[Any], held: list[Node]
) -> dict[int, Any]:
    """Emit the loop that goes back; the gradient of each parent by its number."""
    count = len(forward.h0)
    zeros = [np.zeros(h.shape, h.dtype) for h in forward.h_out]
    gh0 = [given.get(i, zeros[i]) for i in range(count)]
    back = _Loop(forward.length, True, gh0, [], forward.loop.body)
    with recording_into(back.body):
        gh = [back.body.input(z) for z in zeros]
        seeds: dict[Node, Any] = {}
        for h, g in zip(forward.h_out, gh, strict=True):
            _seed(seeds, h, g)
        for j, y in enumerate(forward.ys):
            if count + j in given and y._node is not None:
                part = back.add_input(given[count + j], np.zeros(y.shape, y.dtype))
                _seed(seeds, y, part)
        targets = [*(h._node for h in forward.h_in), *(x._node for x in forward.x_in), *held]
        wanted = [n for n in targets if n is not None]
        with hooks_apart(held):
            refuse_hooks(seeds, forward.start)
            grads = sweep(seeds, wanted, within=True) if seeds else {}
    return LoopGradients(forward, back, grads, gh0, zeros).collect(nodes, held)


def _seed(seeds: dict[Node, Any], result: Tensor, g: Any) -> None:
    node = result._node
    if node is not None and result.requires_grad:
        seeds[node] = seeds[node] + g if node in seeds else g
