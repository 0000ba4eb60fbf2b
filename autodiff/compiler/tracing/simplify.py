"""Passes that leave every bit of the result as it is: what is done twice, or for nothing, goes."""

from __future__ import annotations

import operator
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.tracing.copies import cast, copied, uniform
from autodiff.compiler.tracing.program import Instruction, Program, Value, mapped, values_in
from autodiff.op import rare
from autodiff.ops.index import not_negative
from autodiff.ops.neural import lookup
from autodiff.strong_zero import holds_nan

__all__ = [
    "has_effects", "is_guard", "is_random", "rewritten", "simplified", "with_names",
    "with_other_names", "without_dead",
]  # fmt: skip


def simplified(program: Program) -> Program:
    """The program without copies that nobody writes into, repetitions and dead code."""
    return without_dead(without_repetitions(program))


def rewritten(program: Program, renamed: dict[Value, Any], kept: list[Instruction]) -> Program:
    """The program of the instructions `kept`, with other names for some values."""
    return Program(program.inputs, kept, with_names(program.outputs, renamed))


def without_repetitions(program: Program) -> Program:
    """Each thing once: copies become the same value, and so do equal calls."""
    renamed: dict[Value, Any] = {}
    seen: dict[Any, Instruction] = {}
    kept = []
    for old in program.instructions:
        new = with_other_names(old, renamed)
        if new.body is not None:
            new = replace(new, body=without_repetitions(new.body))
        if (same := _alias(new)) is not None:
            renamed[new.out[0]] = same
            continue
        key = None if new.body or is_random(new) else _key(new)
        twin = seen.setdefault(key, new) if key is not None else new
        if twin is new:
            kept.append(new)
        else:
            renamed.update(zip(new.out, twin.out, strict=True))
    return rewritten(program, renamed, kept)


def with_other_names(instruction: Instruction, names: dict[Value, Any]) -> Instruction:
    """The same of other values, also within a loop."""
    body = instruction.body
    if body is not None:
        body = rewritten(body, names, [with_other_names(i, names) for i in body.instructions])
    if body is None and names.keys().isdisjoint(instruction.inputs()):
        return instruction
    args, kwargs = with_names(instruction.args, names), with_names(instruction.kwargs, names)
    return replace(instruction, args=args, kwargs=kwargs, body=body)


def with_names(tree: Any, names: dict[Value, Any]) -> Any:
    """The tree of an instruction's arguments with other names for some values."""

    def name(leaf: Any) -> Any:
        if isinstance(leaf, slice):
            return slice(*map(name, (leaf.start, leaf.stop, leaf.step)))
        return names.get(leaf, leaf) if isinstance(leaf, Value) else leaf

    return mapped(name, tree)


def _alias(new: Instruction) -> Value | None:
    """The argument, where the result is just the same."""
    x = new.args[0] if new.args else None
    if not isinstance(x, Value) or x.weak or len(new.out) != 1:
        return None
    same = x.shape == new.out[0].shape and x.dtype == new.out[0].dtype
    return x if same and new.function in _SAME else None


_SAME = {cast, copied, operator.pos, np.positive, np.reshape, np.broadcast_to, np.squeeze,
         np.expand_dims, np.ravel}  # fmt: skip


def _key(new: Instruction) -> Any:
    """Equal for calls that give equal results; None for what cannot be compared."""
    try:
        key = (new.function, _frozen(new.args), _frozen(new.kwargs))
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(tree: Any) -> Any:
    if isinstance(tree, dict):
        return tuple((k, _frozen(v)) for k, v in sorted(tree.items()))
    if isinstance(tree, (tuple, list)):
        return (type(tree), *map(_frozen, tree))
    if isinstance(tree, slice):
        return ("slice", *map(_frozen, (tree.start, tree.stop, tree.step)))
    if isinstance(tree, np.ndarray):
        content = tree.tobytes() if tree.size <= 4096 else id(tree)
        return (tree.dtype.str, tree.shape, tree.strides, content)  # sums follow the strides
    if isinstance(tree, (float, np.generic)):  # 0.0 is not -0.0, and nan is nan
        return (type(tree), np.asarray(tree).tobytes())
    return tree if isinstance(tree, Value) else (type(tree), tree)  # 1 is not True


def without_dead(program: Program) -> Program:
    """The program without instructions that nothing needs."""
    needed = set(values_in(program.outputs))
    kept = []
    for instruction in reversed(program.instructions):
        if has_effects(instruction) or needed.intersection(instruction.out):
            if instruction.body is not None:
                instruction = _without_dead_results(instruction, needed)
            kept.append(instruction)
            needed.update(instruction.inputs())
    return Program(program.inputs, kept[::-1], program.outputs)


def _without_dead_results(loop: Instruction, needed: set[Value]) -> Instruction:
    """The loop without what is neither needed after it nor in a later step."""
    assert loop.body is not None
    length, reverse, carries, xs = loop.args
    body, count = loop.body, len(carries)
    live = {k for k, v in enumerate(loop.out) if v in needed}
    while True:
        outputs = [body.outputs[k] for k in sorted(live)]
        inner = without_dead(Program(body.inputs, body.instructions, outputs))
        read = {*values_in(outputs), *(v for i in inner.instructions for v in i.inputs())}
        used = [k for k, v in enumerate(body.inputs) if v in read or (k < count and k in live)]
        states = [k for k in used if k < count]
        if live.issuperset(states):
            break
        live.update(states)
    inner.inputs = [body.inputs[k] for k in used]
    slices = tuple(xs[k - count] for k in used if k >= count)
    args = (length, reverse, tuple(carries[k] for k in states), slices)
    return replace(loop, args=args, out=tuple(loop.out[k] for k in sorted(live)), body=inner)


def has_effects(instruction: Instruction) -> bool:
    """Whether it does something even if nobody needs its result: stop the program, or draw."""
    if instruction.body is not None and any(map(has_effects, instruction.body.instructions)):
        return True
    if instruction.function is operator.getitem:
        return any(v.dtype.kind in "iu" for v in values_in(instruction.args[1:]))
    raises = instruction.function is lookup
    return raises or is_guard(instruction) or is_random(instruction)


def is_guard(instruction: Instruction) -> bool:
    """Whether it may stop the program."""
    return instruction.function in (holds_nan, not_negative, rare)


def is_random(instruction: Instruction) -> bool:
    """Whether it gives something else each time."""
    return instruction.function is uniform
