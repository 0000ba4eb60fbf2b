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
from autodiff.compiler.tracing.refusals import require_known_shape
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

__all__ = ["ANSWERS", "DECIDES", "PLACES", "WRITERS"]

Emit = Callable[..., Any]


def _copied(emit: Emit, x: Any, *args: Any, **kwargs: Any) -> Any:
    return emit(copied, x)


def _array_like(fill: Any) -> Callable[..., Any]:
    return lambda emit, x, dtype=None, **kwargs: fill(x.shape, dtype or x.dtype)


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


def _dtype_like(leaf: Any) -> Any:
    return leaf.example if hasattr(leaf, "is_traced") else leaf


ANSWERS: dict[Any, Callable[..., Any]] = {
    np.shape: lambda emit, x: x.shape,
    np.ndim: lambda emit, x: x.ndim,
    np.size: lambda emit, x: x.size,
    np.result_type: lambda emit, *args: np.result_type(*map(_dtype_like, args)),
    np.iscomplexobj: lambda emit, x: False,
    np.isrealobj: lambda emit, x: True,
    np.copy: _copied,
    np.empty_like: _copied,
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
    np.setxor1d: 0, np.repeat: 1, np.delete: 1, np.insert: 1,
}  # fmt: skip
"""Of which argument the values decide how long the result is."""

PLACES = (np.where, 1)
"""So does the condition of `where` if it is the only argument."""

WRITERS = {np.copyto, np.put, np.place, np.putmask, np.fill_diagonal, np.put_along_axis}
"""What writes into its first argument."""
