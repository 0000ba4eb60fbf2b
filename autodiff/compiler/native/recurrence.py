"""Passes on loops that change the order of sums: as little as possible happens in each step.

What does not depend on the step goes before the loop. A product of each step's input with a
constant matrix is one large product before the loop, and a product of which only the stacked
results are needed is one after it. The eager engine does the steps one by one, so these passes are
for backends that need not give the same bits.
"""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.native.expand import expanded
from autodiff.compiler.native.products import PRODUCTS
from autodiff.compiler.tracing.copies import written
from autodiff.compiler.tracing.loop import loop
from autodiff.compiler.tracing.program import Instruction, Program, Value
from autodiff.compiler.tracing.simplify import (
    has_effects,
    rewritten,
    simplified,
    with_other_names,
    without_dead,
)
from autodiff.ops.index import scatter_add
from autodiff.sparse import padded_rows

__all__ = ["with_short_loops"]


def with_short_loops(program: Program) -> Program:
    """The program with as little as possible in its loops."""
    program = expanded(program)
    if all(i.body is None for i in program.instructions):
        return without_dead(_tiled(program))
    made = simplified(_tiled(_in_any_order(program)))
    kept: list[Instruction] = []
    renamed: dict[Value, Any] = {}
    for old in made.instructions:
        new = with_other_names(old, renamed)
        if new.function is not loop:
            kept.append(new)
            continue
        short = _Loop(new)
        is_needed = short.instruction.out or has_effects(short.instruction)
        kept += [*short.before, *([short.instruction] if is_needed else []), *short.after]
        renamed.update(short.renamed)
    return simplified(rewritten(made, renamed, kept))


def _tiled(program: Program) -> Program:
    """Sums of parts that lie side by side, each among zeros, as the parts joined."""
    makers = {v: i for i in program.instructions for v in i.out}
    within = {i.args[0] for i in program.instructions if i.function is written}
    kept = []
    for i in program.instructions:
        is_sum = i.function in (operator.add, written) and i.out[0] not in within
        if is_sum and (tiles := _tiles(i.out[0], makers)) is not None:
            axis, parts = tiles
            join = np.stack if len(parts[0].shape) < len(i.out[0].shape) else np.concatenate
            i = replace(i, function=join, args=(parts, axis))
        kept.append(replace(i, body=_tiled(i.body)) if i.body is not None else i)
    return Program(program.inputs, kept, program.outputs)


def _tiles(total: Value, makers: dict[Value, Instruction]) -> tuple[int, tuple[Any, ...]] | None:
    """The axis and the parts, if `total` is a sum of parts that fill it."""
    terms, parts = [total], {}
    while terms:
        maker = makers.get(terms.pop())
        if maker is not None and maker.function is operator.add:
            if not all(isinstance(a, Value) and a.shape == total.shape for a in maker.args):
                return None
            terms += maker.args
            continue
        if maker is None:
            return None
        part = _added_part(maker, makers) if maker.function is written else maker.args[0]
        place = _slot(part, maker.args[1], total.shape) if _has_slot(maker) else None
        if place is None or place in parts:
            return None
        parts[place] = part
        if maker.function is written:
            terms.append(maker.args[0])
    axes = {axis for axis, *_ in parts}
    edges = sorted((start, stop) for _, start, stop in parts)
    (axis, *others) = axes
    length = total.shape[axis]
    filled = [e[0] for e in edges] + [length] == [0] + [e[1] for e in edges]
    if others or not filled or len({len(p.shape) for p in parts.values()}) > 1:
        return None
    return axis, tuple(parts[(axis, *e)] for e in edges)


def _has_slot(maker: Instruction) -> bool:
    writes = maker.function in (scatter_add, written)
    return writes and isinstance(maker.args[1], (tuple, slice, int))


def _added_part(maker: Instruction, makers: dict[Value, Instruction]) -> Any:
    """What ``x[index] += part`` adds."""
    x, index, total = maker.args
    adder = makers.get(total) if isinstance(total, Value) else None
    if adder is None or adder.function is not operator.add:
        return None
    old = makers.get(adder.args[0]) if isinstance(adder.args[0], Value) else None
    is_old = old is not None and old.function is operator.getitem and old.args[0] is x
    return adder.args[1] if is_old and repr(old.args[1]) == repr(index) else None  # type: ignore[union-attr]


def _slot(x: Any, index: Any, shape: tuple[int, ...]) -> tuple[int, int, int] | None:
    """``(axis, start, stop)`` of where `x` is written, if that is all of a range of one axis."""
    if not isinstance(x, Value):
        return None
    index = index if isinstance(index, tuple) else (index,)
    if len(index) == 1 and isinstance(index[0], int) and x.shape == shape[1:]:
        k = index[0] % shape[0]
        return 0, k, k + 1
    if not all(isinstance(p, slice) and p.step in (None, 1) for p in index):
        return None
    ranges = [p.indices(n)[:2] for p, n in zip(index, shape)]
    part = [(k, *r) for k, (r, n) in enumerate(zip(ranges, shape)) if r != (0, n)]
    return part[0] if len(part) == 1 and len(x.shape) == len(shape) else None


def _in_any_order(program: Program) -> Program:
    """Sums over the steps without turning the steps round first."""
    makers = {v: i for i in program.instructions for v in i.out}
    kept: list[Instruction] = []
    for i in program.instructions:
        if i.function in (*PRODUCTS, padded_rows):
            turned = [t for a in i.args if (t := _unflipped(a, makers)) is not None]
            if len(turned) == len(i.args):
                kept += [new for _, chain in turned for new in chain]
                i = replace(i, args=tuple(x for x, _ in turned))
        kept.append(i)
    return Program(program.inputs, kept, program.outputs)


def _unflipped(x: Any, makers: dict[Value, Instruction]) -> tuple[Value, list[Instruction]] | None:
    """``transpose(reshape(flip(a, 0)))`` or without the transpose, but for the flip."""
    chain: list[Instruction] = []
    while isinstance(x, Value) and x in makers:
        maker = makers[x]
        if maker.function is np.flip:
            return _rebuilt(maker.args[0], chain)
        if maker.function not in (np.transpose, np.reshape):
            return None
        chain.append(maker)
        x = maker.args[0]
    return None


def _rebuilt(x: Value, chain: list[Instruction]) -> tuple[Value, list[Instruction]]:
    made = []
    for i in reversed(chain):
        out = Value(i.out[0].shape, i.out[0].dtype)
        made.append(replace(i, args=(x, *i.args[1:]), out=(out,)))
        x = out
    return x, made


class _Loop:
    """One loop, made shorter.

    Attributes
    ----------
    instruction : Instruction
    before, after : list of Instruction
        What has left the loop.
    renamed : dict
        Results of the loop that are now something else.
    """

    def __init__(self, instruction: Instruction) -> None:
        assert instruction.body is not None
        self.old = instruction
        self.length, self.reverse, carries, xs = instruction.args
        self.carries, self.xs = list(carries), list(xs)
        body = instruction.body
        self.inputs, self.body = list(body.inputs), list(body.instructions)
        self.outputs, self.out = list(body.outputs), list(instruction.out)
        self.before: list[Instruction] = []
        self.after: list[Instruction] = []
        self.renamed: dict[Value, Any] = {}
        self._move_constants()
        self._move_products_before()
        self._move_products_after()
        self._lay_out_weights()
        self._drop_repeated()
        self.instruction = self._finished()

    @property
    def _count(self) -> int:
        return len(self.carries)

    def _slices(self) -> dict[Value, Any]:
        return dict(zip(self.inputs[self._count :], self.xs, strict=True))

    def _inner(self) -> set[Value]:
        return {*self.inputs, *(v for i in self.body for v in i.out)}

    def _move_constants(self) -> None:
        """What is the same in each step."""
        inner, kept = self._inner(), []
        for i in self.body:
            fixed = has_effects(i) or inner.intersection(i.inputs())
            if fixed:
                kept.append(i)
            else:
                self.before.append(i)
                inner.difference_update(i.out)
        self.body = kept

    def _lay_out_weights(self) -> None:
        """A constant matrix that each step multiplies by lies row by row, copied once."""
        inner = self._inner()
        makers = {i.out[0]: i for i in self.before}
        copies: dict[Value, Value] = {}
        for k, i in enumerate(self.body):
            w = i.args[1] if i.function in PRODUCTS else None
            turned = makers.get(w) if isinstance(w, Value) and w not in inner else None
            if w is None or turned is None or turned.function not in (np.transpose, np.swapaxes):
                continue
            if w not in copies:
                copies[w] = Value(w.shape, w.dtype)
                self.before.append(
                    replace(turned, function=np.ascontiguousarray, args=(w,), kwargs={},
                            out=(copies[w],))
                )  # fmt: skip
            self.body[k] = replace(i, args=(i.args[0], copies[w]))

    def _move_products_before(self) -> None:
        """Products of the steps' inputs with a constant matrix."""
        inner, slices, kept = self._inner(), self._slices(), []
        for i in self.body:
            x, w = (*i.args, None, None)[:2]
            moves = i.function in PRODUCTS and x in slices and isinstance(w, (Value, np.ndarray))
            if not moves or _is_in(w, inner) or len(w.shape) != 2:
                kept.append(i)
                continue
            (out,) = i.out
            whole = Value((self.length, *out.shape), out.dtype)
            self.before.append(replace(i, function=np.matmul, args=(slices[x], w), out=(whole,)))
            self.inputs.append(out)
            self.xs.append(whole)
            slices[out] = whole
        self.body = kept

    def _move_products_after(self) -> None:
        """Products with a constant matrix that no step needs."""
        inner, makers = self._inner(), {v: i for i in self.body for v in i.out}
        for k in range(self._count, len(self.outputs)):
            maker = makers.get(self.outputs[k]) if isinstance(self.outputs[k], Value) else None
            if maker is None or maker.function not in PRODUCTS:
                continue
            x, w = maker.args
            is_matrix = isinstance(w, (Value, np.ndarray)) and len(w.shape) == 2
            if not isinstance(x, Value) or _is_in(w, inner) or not is_matrix or self._is_used(k):
                continue
            whole = Value((self.length, *x.shape), x.dtype)
            self.after.append(
                replace(maker, function=np.matmul, args=(whole, w), out=(self.out[k],))
            )
            self.outputs[k], self.out[k] = x, whole
            self.body.remove(maker)

    def _is_used(self, k: int) -> bool:
        value = self.outputs[k]
        others = [*self.outputs[:k], *self.outputs[k + 1 :]]
        return value in others or any(value in i.inputs() for i in self.body)

    def _drop_repeated(self) -> None:
        """Results that are there already: twice, or as one of the inputs."""
        slices, seen = self._slices(), dict[Value, Value]()
        outputs, out = self.outputs[: self._count], self.out[: self._count]
        for value, whole in zip(self.outputs[self._count :], self.out[self._count :], strict=True):
            same = slices.get(value, seen.get(value)) if isinstance(value, Value) else None
            if same is not None:
                self.renamed[whole] = same
                continue
            if isinstance(value, Value):
                seen[value] = whole
            outputs.append(value)
            out.append(whole)
        self.outputs, self.out = outputs, out
        self.after = [with_other_names(i, self.renamed) for i in self.after]

    def _finished(self) -> Instruction:
        args = (self.length, self.reverse, tuple(self.carries), tuple(self.xs))
        body = Program(self.inputs, self.body, self.outputs)
        return replace(self.old, args=args, out=tuple(self.out), body=body)


def _is_in(w: Any, values: set[Value]) -> bool:
    return isinstance(w, Value) and w in values
