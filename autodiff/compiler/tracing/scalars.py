"""Which values are a `Scalar` in eager mode; a program knows tensors only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from autodiff.compiler.tracing.program import Instruction, Program, Value, leaves, values_in
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor

__all__ = ["scalars"]


def scalars(program: Program, inputs: Iterable[tuple[Value, Any]]) -> set[Value]:
    """The values that come of Scalars and of numbers alone.

    Parameters
    ----------
    program : Program
    inputs : iterable of (Value, object)
        Each with the leaf of the arguments that it stands for.
    """
    numbers = {v: isinstance(x, Scalar) for v, x in inputs if not _is_array(x)}
    if not any(numbers.values()):
        return set()
    for i in program.instructions:
        given = [numbers.get(v) for v in values_in((i.args, i.kwargs))]
        if None not in given and _is_of_numbers(i):
            numbers |= dict.fromkeys(i.out, any(given))
    return {v for v, is_scalar in numbers.items() if is_scalar}


def _is_of_numbers(i: Instruction) -> bool:
    """Whether it gives numbers for numbers, entry by entry."""
    are_single = not any(v.shape for v in i.out) and not any(map(_is_array, leaves(i.args)))
    return are_single and i.body is None and "axis" not in i.kwargs


def _is_array(leaf: Any) -> bool:
    return isinstance(leaf, (Tensor, np.ndarray))
