"""Indexing in all of numpy's forms, and adding at places."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import is_array, op, overridable, register
from autodiff.sparse import Lazy, RowGrad


@overridable
def scatter_add(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `x` added at `index`; entries at a repeated place add up."""
    if is_array(index) and index.dtype != bool and len(shape) > 1:
        values = np.reshape(x, (index.size, *shape[1:]))
        rows = index.ravel().astype(np.intp) % max(shape[0], 1)
        return RowGrad(rows, values, shape).dense()
    out = np.zeros(shape, x.dtype)
    _add_at(out, index, x)
    return out


def _add_at(out: Any, index: Any, x: Any) -> None:
    if not _is_basic(index):
        np.add.at(out, index, x)
        return
    if isinstance(out, np.ndarray) and isinstance(part := out[index], np.ndarray):
        part += x  # a view
    else:
        out[index] = out[index] + x


def _is_basic(index: Any) -> bool:
    """Whether an index gives a view, which holds no place twice: numbers and slices only."""
    if index.__class__ is not tuple:
        return index.__class__ in _BASIC
    return all(part.__class__ in _BASIC for part in index)


_BASIC = frozenset({int, np.int64, slice, type(None), type(...)})


@overridable
def not_negative(ids: Any, message: str) -> Any:
    """The `ids`; numpy would count a negative one from the end."""
    if ids.size and ids.min() < 0:
        raise IndexError(message.format(ids.min()))
    return ids


class Scatter(Lazy):
    """Sum of `scatter_add` of several gradients, so that a value read in many pieces (the steps
    of a sequence) is not laid out in full for each piece.
    """

    __slots__ = ("pairs", "shape")
    pairs: list[tuple[Any, Any]]
    shape: tuple[int, ...]

    def __init__(self, pairs: list[tuple[Any, Any]], shape: tuple[int, ...]) -> None:
        self.pairs, self.shape = pairs, shape

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Scatter):
            return Scatter(self.pairs + other.pairs, self.shape)
        return self.dense() + (other.dense() if isinstance(other, Lazy) else other)

    def __iadd__(self, other: Any) -> Any:
        if not isinstance(other, Scatter):
            return self + other
        self.pairs.extend(other.pairs)
        return self

    def dense(self) -> Any:
        """The sum as an array."""
        (index, g), *others = self.pairs
        out = scatter_add(g, index, self.shape)
        for index, g in others:
            if hasattr(g, "is_traced"):
                out = g.beside(out)
            if is_array(out):
                _add_at(out, index, g)
            else:
                out = out + scatter_add(g, index, self.shape)
        return out


def _getitem(x: Any, index: Any) -> Any:
    """Entries of `x` at any index that numpy takes."""
    try:
        return x[index]
    except (TypeError, IndexError):  # perhaps a constant, and an index that is not known yet
        return entries(x, index)


@overridable
def entries(x: Any, index: Any) -> Any:
    """The same; anything in the index may take it over."""
    return x[index]


register([
    op("getitem", _getitem, lambda g, index, x_shape: Scatter([(index, g)], x_shape),
       linear="jointly", numpy=()),
    op("scatter_add", scatter_add, lambda g, index: g[index], linear="jointly",
       numpy=scatter_add),
])  # fmt: skip
