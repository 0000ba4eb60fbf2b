"""Arrays at which a gradient can be judged, and shapes, axes and indices to go with them.

Hypothesis loves zeros, ties and numbers like 1e-5: the very places where a function has a kink,
or has one nearer than any step of a difference quotient. So entries come from a lattice: a kink
at a simple number is met exactly, where it can be recognised, or is at least a step away.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff.errors import DomainError
from autodiff.testing.domains import Domain, find, lattices

__all__ = [
    "axes_of", "broadcastable", "cotangents_for", "einsum_specs", "grad_arrays", "indices_of",
]  # fmt: skip

Shape = tuple[int, ...]
Deferred = Callable[..., st.SearchStrategy[Any]]

RAW = 10.0
"""How far raw floats go where the domain has no end."""
DRAWN = 128
"""An array of more entries repeats those that were drawn: more would be slow to shrink."""


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
    DomainError
        If the domain is not known, or nothing is left in it. Of distinct entries, there may
        turn out to be too many only when an array is drawn.
    """
    inside, dtype = find(domain), np.dtype(dtype)
    avoided = frozenset(np.asarray(avoid, dtype).ravel().tolist())
    distinct = distinct or inside.distinct
    if inside.matrix and (distinct or avoided or max_dims < 2):
        raise DomainError("matrices of a kind have 2 axes at least, and nothing that they avoid")
    lattices(inside, avoided, dtype, 0)  # an empty domain is an error here, not at the first draw
    floats = _raw(inside, avoided, dtype) if raw else None
    shapes = _shapes(shape, inside, (min_dims, max_dims), (min_side, max_side))
    return _arrays(shapes, inside, avoided, dtype, distinct, layouts, floats)


def _shapes(
    shape: Any, domain: Domain, dims: tuple[int, int], sides: tuple[int, int]
) -> st.SearchStrategy[Shape]:
    if isinstance(shape, st.SearchStrategy):
        return shape
    if shape is not None:
        return st.just(tuple(shape) if np.iterable(shape) else (shape,))
    least, most = dims
    if not domain.matrix:
        return _all_shapes(least, most, *sides)
    return _all_shapes(max(least - 1, 1), most - 1, *sides).map(lambda s: (*s, s[-1]))


def _all_shapes(least: int, most: int, short: int, long: int) -> st.SearchStrategy[Shape]:
    return hnp.array_shapes(min_dims=least, max_dims=most, min_side=short, max_side=long)


@st.composite
def _arrays(
    draw: st.DrawFn,
    shapes: st.SearchStrategy[Shape],
    domain: Domain,
    avoid: frozenset[float],
    dtype: Any,
    distinct: bool,
    layouts: bool,
    floats: st.SearchStrategy[float] | None,
) -> np.ndarray:
    shape = draw(shapes)
    n = math.prod(shape)
    if floats is None:
        entries = _entries(draw, lattices(domain, avoid, dtype, n if distinct else 0), n, distinct)
    else:
        entries = np.array(_floats(draw, floats, n, distinct), dtype)
    x = np.reshape(entries, shape)
    x = domain.matrix(x) if domain.matrix else x
    return draw(st.sampled_from(_LAYOUTS))(x) if layouts else x


def _entries(draw: st.DrawFn, tables: Sequence[np.ndarray], n: int, distinct: bool) -> Any:
    table = tables[draw(_up_to(len(tables) - 1))]
    one = _up_to(len(table) - 1)
    places = np.resize([draw(one) for _ in range(min(n, DRAWN))], n).astype(int)
    if not distinct:
        return table[places]
    # Each takes a number that is left, so none is drawn in vain.
    left = table.tolist()
    return np.array([left.pop(p % len(left)) for p in places], table.dtype)


def _floats(draw: st.DrawFn, floats: Any, n: int, distinct: bool) -> list[float]:
    if distinct:
        return draw(st.lists(floats, min_size=n, max_size=n, unique=True))
    return np.resize([draw(floats) for _ in range(min(n, DRAWN))], n).tolist()  # type: ignore[no-any-return]


@lru_cache(maxsize=512)
def _up_to(last: int) -> st.SearchStrategy[int]:
    return st.integers(0, last)


def _raw(domain: Domain, avoid: frozenset[float], dtype: Any) -> st.SearchStrategy[float]:
    """Floats as they come, but no subnormal ones, within +-10 where the domain has no end."""
    if domain.isolated:
        raise DomainError("this domain is a condition on two arguments, so it has no raw floats")
    low, high = (dtype.type(end) for end in domain.ends(RAW))
    tiny, inf = np.finfo(dtype).tiny, dtype.type(np.inf)
    low = low if low in domain else max(np.nextafter(low, inf), tiny if low == 0 else low)
    high = high if high in domain else min(np.nextafter(high, -inf), -tiny if high == 0 else high)
    width: Any = 8 * dtype.itemsize
    floats = st.floats(float(low), float(high), width=width, allow_subnormal=False)
    return floats.filter(lambda x: x in domain and x not in avoid)


def _strided(x: Any) -> Any:
    wide = np.full([2 * n for n in x.shape], np.nan, x.dtype)
    view = wide[(..., *[slice(None, None, 2)] * x.ndim)]
    view[...] = x
    return view


def _reversed(x: Any) -> Any:
    return np.flip(x).copy()[(..., *[slice(None, None, -1)] * x.ndim)]


def _read_only(x: Any) -> Any:
    x.flags.writeable = False
    return x


def _fortran(x: Any) -> Any:
    return np.array(x, order="F")


_LAYOUTS = (lambda x: x, _fortran, _strided, _reversed, _read_only)


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
    limits = {"min_dims": 0, "max_dims": 3, "min_side": 1, "max_side": 3}
    limits = {name: arrays.pop(name, value) for name, value in limits.items()}
    return _broadcastable(_all_shapes(*limits.values()), n, arrays)


@st.composite
def _broadcastable(
    draw: st.DrawFn, shapes: st.SearchStrategy[Shape], n: int, arrays: dict[str, Any]
) -> tuple[np.ndarray, ...]:
    whole = draw(shapes)
    return tuple(draw(grad_arrays(draw(narrowed(whole)), **arrays)) for _ in range(n))


@lru_cache(maxsize=512)
def narrowed(shape: Shape) -> st.SearchStrategy[Shape]:
    """A shape that broadcasts to this one: leading axes left out, sides of length 1."""

    def narrowed(left_out: int, ones: int) -> Shape:
        kept = (1 if ones >> i & 1 else side for i, side in enumerate(shape))
        return tuple(kept)[left_out:]

    return st.builds(narrowed, _up_to(len(shape)), _up_to(2 ** len(shape) - 1))


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
        It shrinks towards an int or slice; other kinds are a mask, a list of numbers along one
        axis, and an array of numbers for each axis.
    """
    if isinstance(array, int):
        return lambda *arrays: _indices(np.shape(arrays[array]), duplicates)
    return _indices(_shape(array), duplicates)


def _indices(shape: Shape, duplicates: bool) -> st.SearchStrategy[Any]:
    basic = hnp.basic_indices(shape, allow_newaxis=True)
    if not shape or 0 in shape:
        return basic
    masks = hnp.arrays(bool, shape)
    lists = st.one_of([_along(axis, side, duplicates) for axis, side in enumerate(shape)])
    points = hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3))
    if not duplicates:
        points = points.filter(lambda index: _are_distinct(index, shape))
    return st.one_of(basic, lists, masks, points)


def _along(axis: int, side: int, duplicates: bool) -> st.SearchStrategy[Any]:
    numbers = st.integers(0 if not duplicates else -side, side - 1)
    lists = st.lists(numbers, min_size=1, max_size=side + duplicates, unique=not duplicates)
    return lists.map(lambda chosen: (*[slice(None)] * axis, chosen))


def _are_distinct(index: tuple[np.ndarray, ...], shape: Shape) -> bool:
    flat = np.ravel_multi_index([i % n for i, n in zip(index, shape, strict=True)], shape)
    return bool(len(np.unique(flat)) == flat.size)


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
        Operands have up to 3 axes, none twice; the result has any of them in any order. It
        shrinks towards few letters, short axes, and a result that is one number.
    """
    sides = {letter: draw(st.integers(1, max_side)) for letter in "ijkl"}
    letters = st.lists(st.sampled_from("ijkl"), max_size=3, unique=True)
    operands = [draw(letters) for _ in range(n)]
    there = sorted(set().union(*operands))
    result = draw(st.lists(st.sampled_from(there), unique=True)) if there else []
    subscripts = f"{','.join(map(''.join, operands))}->{''.join(result)}"
    return (subscripts, *(tuple(sides[a] for a in axes) for axes in operands))


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
    place, weight = draw(_up_to(n - 1)), draw(_up_to(len(_WEIGHTS) - 2))
    others = [draw(_up_to(len(_WEIGHTS) - 1)) for _ in range(min(n, DRAWN))]
    v = np.resize(_WEIGHTS[others], n)
    v[place] = _WEIGHTS[1 + weight]
    return np.reshape(v, shape).astype(dtype)


_WEIGHTS = np.array([0.0, 1.0, -1.0, *(s * k / 16 for k in range(8, 25) for s in (1, -1))])
