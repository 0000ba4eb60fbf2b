"""What drawn arrays hold, and their shapes: the parts that the strategies are made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff.errors import DomainError, DTypeError, ShapeError
from autodiff.testing.domains import Domain, find, lattices

__all__ = [
    "DRAWN", "LIMITS", "Entries", "Shape", "arrays_of", "broadcast_shapes", "entries_of",
    "shapes_within", "up_to",
]  # fmt: skip

Shape = tuple[int, ...]

FLOATING = (np.float16, np.float32, np.float64)
LIMITS = ("min_dims", "max_dims", "min_side", "max_side")
"""The settings of `grad_arrays` that are about shapes."""
RAW = 10.0
"""How far raw floats go where the domain has no end."""
SPECIAL = {0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0}
"""Numbers at which different mistakes look alike."""
DRAWN = 128
"""An array of more entries repeats those that were drawn: more would be slow to shrink."""


@dataclass(frozen=True)
class Entries:
    """What arrays hold, whatever their shapes, by the settings of `grad_arrays`.

    Attributes
    ----------
    domain : Domain
    avoid : frozenset of float
    dtype : dtype
    distinct, layouts : bool
    raw : strategy of float or None
        Of the entries, where these do not come from the lattice.
    """

    domain: Domain
    avoid: frozenset[float]
    dtype: np.dtype[Any]
    distinct: bool
    layouts: bool
    raw: st.SearchStrategy[float] | None

    def shapes(self, **limits: int) -> st.SearchStrategy[Shape]:
        """The shapes within these limits that arrays may have."""
        if not self.domain.matrix:
            return shapes_within(**limits)
        matrices = shapes_within(**{**limits, "min_dims": max(limits.get("min_dims", 2), 2)})
        return matrices.map(lambda s: (*s[:-1], s[-2]))

    def fitting(self, shape: Any) -> Shape:
        """A shape as a tuple.

        Raises
        ------
        ShapeError
            If arrays cannot have it.
        """
        whole = tuple(shape) if np.iterable(shape) else (shape,)
        if any(side < 0 for side in whole):
            raise ShapeError(f"shape={shape!r}: no axis has a negative length")
        if self.domain.matrix and (len(whole) < 2 or whole[-1] != whole[-2]):
            raise ShapeError(f"shape={shape!r}: the domain is one of square matrices, (..., n, n)")
        return whole

    def array(self, draw: st.DrawFn, shape: Any) -> np.ndarray:
        """An array of this shape."""
        shape = self.fitting(shape)
        n = math.prod(shape)
        x = np.reshape(self._chosen(draw, n) if self.raw is None else self._raw(draw, n), shape)
        x = self.domain.matrix(x) if self.domain.matrix else x
        return draw(_LAYOUTS)(x) if self.layouts else x

    def generic(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """An array of ordinary numbers, at which no two mistakes look alike."""
        n = math.prod(shape)
        few = n if self.distinct else 0
        table = lattices(self.domain, self.avoid, np.dtype(float), few)[0]
        plain = np.array([v for v in table if v not in SPECIAL and abs(v) <= 3])
        table = plain if len(plain) >= max(few, 1) else table
        x = rng.choice(table, n, replace=not self.distinct).reshape(shape)
        return self.domain.matrix(x) if self.domain.matrix else x

    def _chosen(self, draw: st.DrawFn, n: int) -> np.ndarray:
        tables = lattices(self.domain, self.avoid, self.dtype, n if self.distinct else 0)
        table = tables[draw(up_to(len(tables) - 1))]
        one = up_to(len(table) - 1)
        places = np.resize([draw(one) for _ in range(min(n, DRAWN))], n).astype(int)
        if not self.distinct:
            return table[places]
        # Each takes a number that is left, so none is drawn in vain.
        left = table.tolist()
        return np.array([left.pop(p % len(left)) for p in places], table.dtype)

    def _raw(self, draw: st.DrawFn, n: int) -> np.ndarray:
        floats: Any = self.raw
        few = n if self.distinct else min(n, DRAWN)
        drawn = draw(st.lists(floats, min_size=few, max_size=few, unique=self.distinct))
        return np.resize(np.array(drawn, self.dtype), n)


def entries_of(
    *,
    domain: Any = "real",
    avoid: Any = (),
    distinct: bool = False,
    dtype: Any = np.float64,
    layouts: bool = False,
    raw: bool = False,
) -> Entries:
    """The settings of `grad_arrays` that are not about shapes, checked.

    Raises
    ------
    DomainError, DTypeError
        As `grad_arrays` does.
    """
    inside, dtype = find(domain), _floating(dtype)
    avoided = frozenset(np.asarray(avoid, dtype).ravel().tolist())
    if inside.matrix and (distinct or avoided):
        raise DomainError(f"domain={domain!r} is about whole matrices: leave out avoid, distinct")
    lattices(inside, avoided, dtype, 0)  # an empty domain is an error here, not at the first draw
    floats = _raw_floats(inside, avoided, dtype) if raw else None
    return Entries(inside, avoided, dtype, distinct or inside.distinct, layouts, floats)


def _floating(dtype: Any) -> np.dtype[Any]:
    try:
        if np.dtype(dtype) in FLOATING:
            return np.dtype(dtype)
    except TypeError:
        pass  # no dtype at all
    raise DTypeError(f"dtype={dtype!r}: arrays are of float16, float32 or float64")


def _raw_floats(domain: Domain, avoid: frozenset[float], dtype: Any) -> st.SearchStrategy[float]:
    """Floats as they come, but no subnormal ones, within +-10 where the domain has no end."""
    if domain.isolated:
        raise DomainError("this domain is a condition on two arguments, so it has no raw floats")
    low, high = (float(dtype.type(end)) for end in domain.ends(RAW))
    width: Any = 8 * dtype.itemsize
    floats = st.floats(
        low, high, exclude_min=low not in domain, exclude_max=high not in domain, width=width,
        allow_subnormal=False,
    )  # fmt: skip
    return floats.filter(lambda x: x in domain and x not in avoid)


@lru_cache(maxsize=512)
def up_to(last: int) -> st.SearchStrategy[int]:
    """The numbers 0 to `last`. To make such a strategy takes longer than to draw from it."""
    return st.integers(0, last)


# ---- memory layouts


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


_LAYOUTS = st.sampled_from([lambda x: x, _fortran, _strided, _reversed, _read_only])


# ---- shapes


def shapes_within(
    min_dims: int = 0, max_dims: int = 3, min_side: int = 1, max_side: int = 3
) -> st.SearchStrategy[Shape]:
    """Shapes within these limits.

    Raises
    ------
    ShapeError
        If there are none.
    """
    if not (0 <= min_dims <= max_dims and 0 <= min_side <= max_side):
        raise ShapeError(
            f"no shape has {min_dims} to {max_dims} axes of length {min_side} to {max_side}: "
            "change min_dims, max_dims, min_side or max_side"
        )
    return hnp.array_shapes(
        min_dims=min_dims, max_dims=max_dims, min_side=min_side, max_side=max_side
    )


@st.composite
def broadcast_shapes(
    draw: st.DrawFn, wholes: st.SearchStrategy[Shape], n: int
) -> tuple[Shape, ...]:
    """So many shapes that broadcast against each other, to one of `wholes` at most."""
    whole = draw(wholes)
    return (whole,) if n == 1 else tuple(draw(_narrowed(whole)) for _ in range(n))


@lru_cache(maxsize=512)
def _narrowed(shape: Shape) -> st.SearchStrategy[Shape]:
    """Shapes that broadcast to this one: leading axes left out, sides of length 1."""

    def narrowed(left_out: int, ones: int) -> Shape:
        kept = (1 if ones >> i & 1 else side for i, side in enumerate(shape))
        return tuple(kept)[left_out:]

    return st.builds(narrowed, up_to(len(shape)), up_to(2 ** len(shape) - 1))


@st.composite
def arrays_of(
    draw: st.DrawFn, shapes: st.SearchStrategy[Sequence[Any]], entries: Sequence[Entries]
) -> tuple[Any, ...]:
    """An array for each shape, by the first, second and so on of `entries`.

    The last of these holds for all that follow. What is no shape, such as the subscripts of einsum,
    is handed on.
    """
    kinds = iter(entries)
    return tuple(
        next(kinds, entries[-1]).array(draw, s) if isinstance(s, tuple) else s
        for s in draw(shapes)
    )  # fmt: skip
