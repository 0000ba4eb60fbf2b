"""Functions of several steps as these steps, so that each of them can be written in C.

The formulas are numpy's own definitions. They round as numpy does, but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from autodiff.compiler.native import contractions, gathers
from autodiff.compiler.tracing.copies import copied
from autodiff.compiler.tracing.program import Instruction, Program, Value, mapped, named
from autodiff.compiler.tracing.simplify import simplified
from autodiff.compiler.tracing.traced import Recorder, Traced, emit, recording_into
from autodiff.ops.neural import softmax

__all__ = ["expanded"]

Formula = Callable[..., Any]


def expanded(program: Program) -> Program:
    """The program without functions that are made of simpler ones."""
    kept: list[Instruction] = []
    for instruction in program.instructions:
        if instruction.body is not None:
            instruction = replace(instruction, body=expanded(instruction.body))
        kept += _steps(instruction)
    made = Program(program.inputs, kept, program.outputs)
    return made if len(kept) == len(program.instructions) else simplified(made)


def _steps(i: Instruction) -> list[Instruction]:
    formula = _FORMULAS.get(i.function)
    if formula is None or len(i.out) != 1 or i.out[0].dtype.kind == "c":
        return [i]
    under_way = Recorder(own=named)  # constants are copies already
    with recording_into(under_way):
        first = [_lifted(x) for x in i.args[:1]]
        result = formula(*first, *mapped(_stand_in, i.args[1:]), **mapped(_stand_in, i.kwargs))
    if result is NotImplemented:
        return [i]
    made = [replace(step, origin=i.origin) for step in under_way.program.instructions]
    return [s for step in _ending(made, result, i.out[0]) for s in _steps(step)]


def _lifted(x: Any) -> Any:
    """The first argument; a constant too becomes one that others of the program can index."""
    return emit(copied, x) if isinstance(x, np.ndarray) else mapped(_stand_in, x)


def _ending(made: list[Instruction], result: Any, out: Value) -> list[Instruction]:
    """The steps, with `out` for the result."""
    value = result.value if isinstance(result, Traced) else np.asarray(result)
    for k, step in enumerate(made):
        if isinstance(value, Value) and step.out == (value,) and _is_like(value, out):
            later = [_renamed(s, value, out) for s in made[k + 1 :]]
            return [*made[:k], replace(step, out=(out,)), *later]
    return [*made, Instruction(copied, (value,), {}, (out,))]


def _is_like(value: Value, out: Value) -> bool:
    return (value.shape, value.dtype) == (out.shape, out.dtype)


def _renamed(step: Instruction, value: Value, out: Value) -> Instruction:
    def name(leaf: Any) -> Any:
        return out if leaf is value else leaf

    return replace(step, args=mapped(name, step.args), kwargs=mapped(name, step.kwargs))


def _stand_in(leaf: Any) -> Any:
    if not isinstance(leaf, Value):
        return leaf
    zeros = np.zeros(leaf.shape, leaf.dtype)
    return Traced(leaf, zeros[()].item() if leaf.weak else zeros[()] if not leaf.shape else zeros)


def _var(
    x: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: bool = False, **others: Any,
) -> Any:  # fmt: skip
    """The mean square distance from the mean."""
    if others or out is not None or dtype is not None or x.dtype.kind != "f" or not x.size:
        return NotImplemented
    distance = x - np.mean(x, axis=axis, keepdims=True)
    total = np.sum(distance * distance, axis=axis, keepdims=keepdims)
    return total / float(max(x.size // total.size - ddof, 0))


def _std(x: Any, *args: Any, **kwargs: Any) -> Any:
    variance = _var(x, *args, **kwargs)
    return variance if variance is NotImplemented else np.sqrt(variance)


def _clip(
    x: Any, a_min: Any = None, a_max: Any = None, min: Any = None, max: Any = None, **others: Any
) -> Any:
    least, most = (a if b is None else b for a, b in ((a_min, min), (a_max, max)))
    if others:
        return NotImplemented
    out = x if least is None else np.maximum(x, least)
    return out if most is None else np.minimum(out, most)


def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if x.dtype.kind != "f":
        return NotImplemented
    limits, kind = np.finfo(x.dtype), x.dtype.type
    most, least = (a if b is None else b for a, b in ((limits.max, posinf), (limits.min, neginf)))
    if any(np.ndim(value) for value in (nan, most, least)):
        return NotImplemented
    out = np.where(np.isnan(x), kind(nan), x)
    out = np.where(x == np.inf, kind(most), out)
    return np.where(x == -np.inf, kind(least), out)


def _sinc(x: Any) -> Any:
    if x.dtype not in (np.float32, np.float64):  # 1e-20 is 0 in others
        return NotImplemented
    y = np.pi * np.where(x == 0, x.dtype.type(1e-20), x)
    return np.sin(y) / y


_EXACT_POWERS = 22  # of 10, in float64


def _round(x: Any, decimals: Any = 0, out: Any = None) -> Any:
    if out is not None or x.dtype.kind != "f" or not isinstance(decimals, (int, np.integer)):
        return NotImplemented
    if abs(decimals) > _EXACT_POWERS:
        return NotImplemented
    scale = 10.0 ** abs(int(decimals))
    if decimals == 0:
        return np.rint(x)
    return np.rint(x * scale) / scale if decimals > 0 else np.rint(x / scale) * scale


_FORMULAS: dict[Any, Formula] = {
    softmax: softmax.__wrapped__,  # type: ignore[attr-defined]
    np.var: _var,
    np.std: _std,
    np.clip: _clip,
    np.nan_to_num: _nan_to_num,
    np.sinc: _sinc,
    np.round: _round,
    np.around: _round,
    **gathers.FORMULAS,
    **contractions.FORMULAS,
}
