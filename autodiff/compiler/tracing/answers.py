"""What a call means for arrays that write down what is done with them, where that is not just
written down.

Each answer takes `emit`, which writes down another call, before the arguments.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.tracing.copies import copied, uniform
from autodiff.compiler.tracing.program import example_of, mapped
from autodiff.compiler.tracing.refusals import foreign_write, require_known_shape
from autodiff.composites import neural
from autodiff.op import rare
from autodiff.ops.index import entries
from autodiff.sparse import (
    coalesced,
    padded_rows,
    put_rows,
    replaced_rows,
    taken_or_zero,
    taken_rows,
)
from autodiff.strong_zero import holds_nan

__all__ = ["ANSWERS", "DECIDES", "LENGTHS", "PLACES", "WRITERS"]

Emit = Callable[..., Any]


def _copied(emit: Emit, x: Any, *args: Any, **kwargs: Any) -> Any:
    return emit(copied, x)


def _array_like(fill: Any) -> Callable[..., Any]:
    def answer(
        emit: Emit, x: Any, dtype: Any = None, order: Any = "K", subok: Any = True,
        shape: Any = None, device: Any = None,
    ) -> Any:  # fmt: skip
        return fill(x.shape if shape is None else shape, x.dtype if dtype is None else dtype)

    return answer


def _empty_like(emit: Emit, x: Any, *args: Any, **kwargs: Any) -> Any:
    """An array that may be written into."""
    zeros = _array_like(np.zeros)(emit, x, *args, **kwargs)
    return emit(copied, x if (zeros.shape, zeros.dtype) == (x.shape, x.dtype) else zeros)


def _nan_to_num(emit: Emit, x: Any, copy: Any = True, *args: Any, **kwargs: Any) -> Any:
    """Also in place."""
    if not copy and not hasattr(x, "is_traced"):
        raise foreign_write()
    made = emit(np.nan_to_num, x, True, *args, **kwargs)
    return made if copy else x.become(made)


def _checked(f: Any) -> Callable[..., bool]:
    """What stops the program when it runs; while it is written all is well."""

    def answer(emit: Emit, *args: Any) -> bool:
        emit(f, *args)
        return False

    return answer


def _of_rows(f: Any, with_gaps: Any) -> Callable[..., Any]:
    """`with_gaps`, whose shape does not depend on values, where the rows are not known."""

    def answer(emit: Emit, x: Any, rows: Any) -> Any:
        return emit(with_gaps, x, rows) if hasattr(rows, "is_traced") else f.__wrapped__(x, rows)

    return answer


def _put_rows(emit: Emit, x: Any, rows: Any, part: Any) -> Any:
    new = emit(replaced_rows, x, rows, part)
    return x.become(new) if hasattr(x, "is_traced") else new


def _entries(emit: Emit, x: Any, index: Any) -> Any:
    require_known_shape(index)
    return emit(operator.getitem, x, index)


def _on_examples(f: Any) -> Callable[..., Any]:
    """What depends on shapes and dtypes alone."""
    return lambda emit, *args, **kwargs: f(*mapped(example_of, list(args)), **kwargs)


ANSWERS: dict[Any, Callable[..., Any]] = {
    **{f: _on_examples(f) for f in (np.shape, np.ndim, np.size, np.result_type)},
    np.iscomplexobj: lambda emit, x: False,
    np.isrealobj: lambda emit, x: True,
    np.copy: _copied,
    np.empty_like: _empty_like,
    np.nan_to_num: _nan_to_num,
    np.zeros_like: _array_like(np.zeros),
    np.ones_like: _array_like(np.ones),
    entries: _entries,
    holds_nan: _checked(holds_nan),
    rare: _checked(rare),
    neural.uniform: lambda emit, x, rng: emit(uniform, x.shape, rng),
    coalesced: _of_rows(coalesced, padded_rows),
    taken_rows: _of_rows(taken_rows, taken_or_zero),
    put_rows: _put_rows,
}

DECIDES = {
    np.nonzero: 0, np.flatnonzero: 0, np.argwhere: 0, np.unique: 0, np.extract: 0, np.compress: 0,
    np.bincount: 0, np.trim_zeros: 0, np.union1d: 0, np.intersect1d: 0, np.setdiff1d: 0,
    np.setxor1d: 0, np.repeat: 1, np.delete: 1, np.insert: 1, np.unique_values: 0,
    np.unique_counts: 0, np.unique_inverse: 0, np.unique_all: 0,
}  # fmt: skip
"""Of which argument the values decide how long the result is."""

LENGTHS = {
    "N", "axes", "axis", "axis1", "axis2", "axisa", "axisb", "axisc", "count", "deg", "destination",
    "dims", "indices_or_sections", "k", "minlength", "n", "new_shape", "newshape", "num", "offset",
    "pad_width", "reps", "s", "shape", "source",
}  # fmt: skip
"""What arguments are called that tell axes, or how long the result is: Python's integers."""

PLACES = (np.where, 1)
"""So does the condition of `where` if it is the only argument."""

WRITERS = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
"""What writes into its first argument."""
