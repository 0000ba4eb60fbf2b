"""Gradients that are cheaper left unevaluated for a while."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import overridable

__all__ = [
    "Lazy", "Parts", "Product", "RowGrad", "coalesced", "padded_rows", "put_rows", "put_used_rows",
    "replaced_rows", "taken_or_zero", "taken_rows",
]  # fmt: skip


@overridable
def coalesced(values: Any, rows: Any) -> tuple[Any, Any]:
    """``(rows, values)`` with each row once, in rising order, and its values added up."""
    rows, values, starts = _grouped(values, rows)
    if len(starts) == len(rows):
        return rows, values
    return rows[starts], values.take(starts, axis=0)


def padded_rows(values: Any, rows: Any) -> tuple[Any, Any]:
    """`coalesced` at the length it had: the places left over hold row -1 and zeros."""
    rows, values, starts = _grouped(values, rows)
    count = len(starts)
    found, sums = np.empty_like(rows), np.empty_like(values)
    found[:count], found[count:] = rows[starts], -1
    values.take(starts, axis=0, out=sums[:count], mode="clip")
    sums[count:] = 0
    return found, sums


def _grouped(values: Any, rows: Any) -> tuple[Any, Any, Any]:
    """Rows in rising order with their values, and where each begins: there are its values' sums."""
    n, bits, places = len(rows), len(rows).bit_length(), np.arange(len(rows))
    keys = np.sort((rows.astype(np.int64) << bits) | places)
    rows, values = keys >> bits, values.take(keys & ((1 << bits) - 1), axis=0)
    is_first = np.ones(n, bool)
    np.not_equal(rows[1:], rows[:-1], out=is_first[1:])
    starts = np.flatnonzero(is_first)
    if len(starts) < n:
        _add_up(values, places - np.maximum.accumulate(places * is_first))
    return rows, values, starts


def _add_up(values: Any, places: Any) -> None:
    """Add each group of neighbours up in its first one; `places` counts within a group, from 0.

    In pairs, pairs of pairs, and so on: reduceat takes six times as long for short groups.
    """
    lowest_bit, most, step = places & -places, places.max(), 1
    while step <= most:
        odd = np.flatnonzero(lowest_bit == step)
        even = odd - step
        values[even] = values.take(even, axis=0) + values.take(odd, axis=0)
        step *= 2


@overridable
def taken_rows(x: Any, rows: Any) -> Any:
    """These rows of `x`, as a copy."""
    return x.take(rows, axis=0)


def taken_or_zero(x: Any, rows: Any) -> Any:
    """These rows of `x`; zeros for row -1."""
    out = x.take(rows, axis=0)
    out[rows == -1] = 0
    return out


@overridable
def put_rows(x: Any, rows: Any, part: Any) -> Any:
    """`x`, after `part` was written into these rows of it."""
    x[rows] = part
    return x


def put_used_rows(x: Any, rows: Any, part: Any) -> Any:
    """`put_rows` that leaves out what is for row -1."""
    used = np.flatnonzero(rows != -1)
    x[rows[used]] = part.take(used, axis=0)
    return x


def replaced_rows(x: Any, rows: Any, part: Any) -> Any:
    """A copy of `x` with `part` in these rows; what is for row -1 is left out."""
    return put_used_rows(np.array(x), rows, part)


class Lazy:
    """A gradient contribution that adds up now and is evaluated by `dense` later."""

    __slots__ = ()
    __array_ufunc__ = None  # an ndarray on the left hands the sum to __radd__

    def dense(self) -> Any:
        """The gradient as an array (for `Parts` a tuple of arrays)."""
        raise TypeError(f"{type(self).__name__} states no dense form")

    def __radd__(self, other: Any) -> Any:
        return self + other

    def __sub__(self, other: Any) -> Any:
        return self.dense() - (other.dense() if isinstance(other, Lazy) else other)

    def __rsub__(self, other: Any) -> Any:
        return other - self.dense()


class RowGrad(Lazy):
    """Gradient of a table of which only some rows were looked up.

    Parameters
    ----------
    rows : ndarray of int, shape (n,)
        Rows used; a row may occur more than once, its values then add up.
    values : ndarray, shape (n, ...)
        Gradient of each of these rows.
    shape : tuple of int
        Shape of the table.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> g = ad.RowGrad(np.array([2, 0, 2]), np.ones((3, 1)), (3, 1))
    >>> g.dense().ravel()
    array([1., 0., 2.])
    """

    __slots__ = ("rows", "shape", "values")
    rows: Any
    shape: tuple[int, ...]
    values: Any

    def __init__(self, rows: Any, values: Any, shape: tuple[int, ...]) -> None:
        self.rows, self.values, self.shape = rows, values, shape

    @property
    def dtype(self) -> Any:
        """dtype of the values."""
        return self.values.dtype

    def __add__(self, other: Any) -> Any:
        if not isinstance(other, RowGrad):
            return self.dense() + other
        rows = np.concatenate([self.rows, other.rows])
        return RowGrad(rows, np.concatenate([self.values, other.values]), self.shape)

    def __mul__(self, factor: float) -> RowGrad:
        return RowGrad(self.rows, self.values * factor, self.shape)

    __rmul__ = __mul__

    def __neg__(self) -> RowGrad:
        return self * -1

    def coalesce(self) -> RowGrad:
        """The same gradient with each row once, in rising order."""
        rows, values = coalesced(self.values, self.rows)
        return RowGrad(rows, values, self.shape)

    def dense(self) -> np.ndarray:
        """The gradient as an array of the table's shape."""
        out = np.zeros(self.shape, self.values.dtype)
        once = self.coalesce() if len(self.rows) else self
        return put_rows(out, once.rows, once.values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.dense(), dtype)

    def __repr__(self) -> str:
        return f"RowGrad({len(self.rows)} rows of {self.shape}, {self.values.dtype})"


class Product(Lazy):
    """Sum of matrix products ``a.T @ b``, evaluated as one product over the stacked rows.

    A weight used at each step of a recurrence gets one pair a step; one large product at the
    end of the sweep is several times faster than adding up small ones.
    """

    __slots__ = ("pairs",)

    def __init__(self, pairs: list[tuple[Any, Any]]) -> None:
        self.pairs: list[tuple[Any, Any]] = pairs

    def __add__(self, other: Any) -> Any:
        if isinstance(other, Product):
            return Product(self.pairs + other.pairs)
        return self.dense() + (other.dense() if isinstance(other, Lazy) else other)

    def __iadd__(self, other: Any) -> Any:
        if not isinstance(other, Product):
            return self + other
        self.pairs.extend(other.pairs)
        return self

    @property
    def T(self) -> Product:  # noqa: N802 - as numpy
        """The transposed sum, still unevaluated."""
        return Product([(b, a) for a, b in self.pairs])

    def dense(self) -> Any:
        """The sum as a matrix."""
        if len(self.pairs) == 1:
            a, b = self.pairs[0]
        else:
            a, b = (np.concatenate(rows) for rows in zip(*self.pairs, strict=True))
        return a.T @ b


class Parts(Lazy):
    """Gradients of some results of an op that has several."""

    __slots__ = ("grads", "specs")
    grads: dict[int, Any]
    specs: Any

    def __init__(self, grads: dict[int, Any], specs: Any) -> None:
        self.grads, self.specs = grads, specs

    def __add__(self, other: Any) -> Parts:
        merged = dict(self.grads)
        for i, grad in other.grads.items():
            merged[i] = merged[i] + grad if i in merged else grad
        return Parts(merged, self.specs)

    def dense(self) -> tuple[Any, ...]:
        """One gradient for each result, zeros for those that were not used."""
        return tuple(
            self.grads[i] if i in self.grads else np.zeros(shape, dtype)
            for i, (shape, dtype) in enumerate(self.specs)
        )
