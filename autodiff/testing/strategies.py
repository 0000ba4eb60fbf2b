"""Arrays at which a gradient can be judged, and shapes, axes and indices to go with them.

Hypothesis loves zeros, ties and numbers like 1e-5: the very places where a function has a kink,
or has one nearer than any step of a difference quotient. So entries come from a lattice: a kink
at a simple number is met exactly, where it can be recognised, or is at least a step away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import permutations
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff.testing.arrays import (
    DRAWN,
    LIMITS,
    Entries,
    Shape,
    arrays_of,
    broadcast_shapes,
    entries_of,
    shapes_within,
    up_to,
)
from autodiff.testing.domains import Domain

__all__ = [
    "axes_of", "broadcastable", "cotangents_for", "einsum_specs", "grad_arrays", "indices_of",
]  # fmt: skip

Deferred = Callable[..., st.SearchStrategy[Any]]


def grad_arrays(
    shape: Shape | int | st.SearchStrategy[Shape] | None = None,
    *,
    min_dims: int = 0,
    max_dims: int = 3,
    min_side: int = 1,
    max_side: int = 3,
    domain: str | tuple[float, float] | Domain = "real",
    avoid: Sequence[float] = (),
    distinct: bool = False,
    dtype: Any = np.float64,
    layouts: bool = False,
    raw: bool = False,
) -> st.SearchStrategy[np.ndarray]:
    """Arrays of floats at which a gradient can be judged.

    Entries are multiples of 1/8 from -8 to 8, which every dtype holds exactly; in an interval,
    multiples of a power of two, of which it holds more than a hundred. One array in six has
    simple numbers only, so that many are equal; up to one in three is as a whole multiplied by
    about 1e-6, 1e-3, 1e3 or 1e6, where domain and dtype permit.

    Parameters
    ----------
    shape : tuple of int, int, strategy of such, or None
        None: any within the four limits.
    min_dims, max_dims, min_side, max_side : int
        The limits, which count only if no shape is given.
    domain : str, (low, high) or Domain
        "real", "positive", "nonnegative", "nonzero", "unit" (between -1 and 1), "above one", a
        word of the op table, or an interval without its ends. A word about two arguments, such
        as "y != 0", means what it says of one of them. "regular" and "definite" make square
        matrices, (..., n, n).
    avoid : sequence of float
        What no entry is.
    distinct : bool
        Whether no two entries are equal.
    dtype : dtype
        float16, float32 or float64.
    layouts : bool
        Whether arrays may also be in Fortran's order, strided, reversed or read-only.
    raw : bool
        Whether to draw floats as they come instead, within +-10: zeros of either sign, ties,
        1e-5, but nothing subnormal, no infinity and no nan.

    Returns
    -------
    strategy of ndarray
        It shrinks towards few axes and short ones, a plain layout, no scale, and each entry
        towards 0, 1, -1, 1/2, -1/2, 2 and so on, as far as the domain has them: positive ones
        towards 1, 1/2, 2. Distinct entries shrink towards 0, 1, -1, 1/2 in this order.

    Raises
    ------
    DomainError, DTypeError, ShapeError
        At once, if there is no such domain, dtype or shape, or nothing is left in the domain. Of
        distinct entries, there may turn out to be too many only when an array is drawn.
    """
    entries = entries_of(
        domain=domain, avoid=avoid, distinct=distinct, dtype=dtype, layouts=layouts, raw=raw
    )
    if shape is None:
        shape = entries.shapes(
            min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
        )
    if not isinstance(shape, st.SearchStrategy):
        shape = st.just(entries.fitting(shape))
    return _arrays(shape, entries)


@st.composite
def _arrays(draw: st.DrawFn, shapes: st.SearchStrategy[Any], entries: Entries) -> np.ndarray:
    return entries.array(draw, draw(shapes))


def broadcastable(n: int = 2, **arrays: Any) -> st.SearchStrategy[tuple[np.ndarray, ...]]:
    """Arrays whose shapes broadcast against each other.

    Parameters
    ----------
    n : int
        How many.
    **arrays
        As for `grad_arrays`; the limits are those of the common shape.

    Returns
    -------
    strategy of tuple of ndarray
        Shapes shrink towards few axes and short ones, and towards the same shape for all.
    """
    limits = {name: arrays.pop(name) for name in LIMITS if name in arrays}
    shapes = broadcast_shapes(shapes_within(**limits), n)
    return arrays_of(shapes, [entries_of(**arrays)])


def axes_of(
    array: Any, *, none: bool = True, several: bool = True
) -> st.SearchStrategy[Any] | Deferred:
    """Axes to reduce over.

    Parameters
    ----------
    array : array, shape or int
        An int is the number of an array that is drawn first: in a `gradient_test`,
        ``axis=axes_of(0)`` is one of the first array.
    none, several : bool
        Whether the axis may be None, or a tuple.

    Returns
    -------
    strategy of None, int or tuple of int, or a function that gives it for drawn arrays
        It shrinks towards None, then axis 0; negative numbers come too.
    """
    if isinstance(array, int):
        return lambda *arrays: _axes(np.ndim(arrays[array]), none, several)
    return _axes(len(_shape(array)), none, several)


def _axes(ndim: int, none: bool, several: bool) -> st.SearchStrategy[Any]:
    kinds: list[st.SearchStrategy[Any]] = [st.none()] if none or not ndim else []
    kinds += [st.integers(0, ndim - 1), st.integers(-ndim, -1)] if ndim else []
    kinds += [hnp.valid_tuple_axes(ndim, min_size=1)] if several and ndim else []
    return st.one_of(kinds)


def indices_of(array: Any, *, duplicates: bool = True) -> st.SearchStrategy[Any] | Deferred:
    """Indices of every kind that numpy knows.

    Parameters
    ----------
    array : array, shape or int
        An int is the number of an array that is drawn first.
    duplicates : bool
        Whether an entry may be chosen twice.

    Returns
    -------
    strategy of an index, or a function that gives it for drawn arrays
        It shrinks towards 0. It is an int, a mask of the whole array, or a tuple of slices, ints,
        an ellipsis, new axes, lists of numbers in rows and columns, and a mask along one axis.
    """
    if isinstance(array, int):
        return lambda *arrays: _indices(np.shape(arrays[array]), duplicates)
    return _indices(_shape(array), duplicates)


def _indices(shape: Shape, duplicates: bool) -> st.SearchStrategy[Any]:
    basic = hnp.basic_indices(shape, allow_newaxis=True)
    if not shape or 0 in shape:
        return basic
    rows = st.integers(-shape[0], shape[0] - 1)
    return st.one_of(rows, basic, _mixed(shape, duplicates), _masks(shape))


@st.composite
def _masks(draw: st.DrawFn, shape: Shape) -> Any:
    """Of the whole array, or along one axis."""
    axis = draw(up_to(len(shape)))
    if axis == len(shape):
        return draw(hnp.arrays(bool, shape))
    return (*[slice(None)] * axis, draw(hnp.arrays(bool, shape[axis])))


@st.composite
def _mixed(draw: st.DrawFn, shape: Shape, duplicates: bool) -> tuple[Any, ...]:
    """For each axis all of it, a number, or numbers in a row or column; these broadcast."""
    count = draw(st.integers(1, 3 if duplicates else min(3, *shape)))
    return tuple(draw(_along(side, count, duplicates)) for side in shape)


def _along(side: int, count: int, duplicates: bool) -> st.SearchStrategy[Any]:
    one = st.integers(-side, side - 1)
    if duplicates:
        row = st.lists(one, min_size=count, max_size=count)
    else:
        row = st.permutations(range(side)).map(lambda order: order[:count])
    column = row.map(lambda chosen: [[i] for i in chosen])
    return st.one_of(st.just(slice(None)), one, row, column)


def _shape(array: Any) -> Shape:
    return array if isinstance(array, tuple) else np.shape(array)


@st.composite
def einsum_specs(draw: st.DrawFn, n: int = 2, max_side: int = 3) -> tuple[Any, ...]:
    """Subscripts for `einsum`, and the shapes of operands that fit them.

    Parameters
    ----------
    n : int
        How many operands.
    max_side : int
        The longest axis.

    Returns
    -------
    strategy of (str, shape, shape, ...)
        As `gradient_test` takes it: ``shapes=einsum_specs(2)`` for a ``test(subscripts, x, y)``.
        Operands have up to 3 axes, none twice; the result has any of them in any order, or, in
        one of two, those that occur once. It shrinks towards few letters, short axes, and a
        result that is one number.
    """
    alphabet = "ijkl"[: max(n, 2) + 1]  # as many as a chain of matrices has
    sides = {letter: draw(st.integers(1, max_side)) for letter in alphabet}
    operands = [draw(_letters(alphabet)) for _ in range(n)]
    subscripts = f"{','.join(operands)}->{draw(_results(''.join(operands)))}"
    return (subscripts, *(tuple(sides[a] for a in axes) for axes in operands))


@lru_cache
def _letters(alphabet: str) -> st.SearchStrategy[str]:
    """Up to three letters, each once, in any order."""
    longest = min(len(alphabet), 3)
    orders = (order for n in range(longest + 1) for order in permutations(alphabet, n))
    return st.sampled_from(["".join(order) for order in orders])


def _results(letters: str) -> st.SearchStrategy[str]:
    once = "".join(letter for letter in letters if letters.count(letter) == 1)
    return st.one_of(_letters("".join(sorted({*letters}))), st.just(once))


@st.composite
def cotangents_for(draw: st.DrawFn, out: Any) -> Any:
    """What to multiply results by: numbers of both signs between 1/2 and 3/2 in size, and zeros.

    Parameters
    ----------
    out : array, shape, or list of arrays
        The result; of several floating results each gets its own.

    Returns
    -------
    strategy of ndarray, or of list of ndarray
        It shrinks towards one-hot: all zero but for a one.
    """
    if isinstance(out, list):
        return [draw(cotangents_for(one)) for one in out]
    shape, dtype = _shape(out), getattr(out, "dtype", np.float64)
    n = math.prod(shape)
    if not n:
        return np.zeros(shape, dtype)
    place, weight = draw(up_to(n - 1)), draw(up_to(len(_WEIGHTS) - 2))
    others = [draw(up_to(len(_WEIGHTS) - 1)) for _ in range(min(n, DRAWN))]
    v = np.resize(_WEIGHTS[others], n)
    v[place] = _WEIGHTS[1 + weight]
    return np.reshape(v, shape).astype(dtype)


_WEIGHTS = np.array([0.0, 1.0, -1.0, *(s * k / 16 for k in range(8, 25) for s in (1, -1))])
