"""Order statistics, weighted and nan-free means, differences, and numpy's other names of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autodiff.errors import DomainError, DTypeError, ShapeError
from autodiff.functions import FUNCTIONS, ArrayLike, as_tensor, composite
from autodiff.op import rare
from autodiff.ops.reduce import to_rows
from autodiff.ops.shape import along
from autodiff.tensor import Tensor

__all__ = ["average", "diff", "median", "nanmean", "nansum", "percentile", "ptp", "quantile",
           "trapezoid"]  # fmt: skip

_ALIASES = {
    "abs": "absolute", "acos": "arccos", "acosh": "arccosh", "amax": "max", "amin": "min",
    "around": "round", "asin": "arcsin", "asinh": "arcsinh", "atan": "arctan", "atan2": "arctan2",
    "atanh": "arctanh", "concat": "concatenate", "degrees": "rad2deg", "fabs": "absolute",
    "fix": "trunc", "float_power": "power", "mod": "remainder", "permute_dims": "transpose",
    "pow": "power", "radians": "deg2rad", "true_divide": "divide",
}  # fmt: skip
for _alias, _name in _ALIASES.items():
    composite(_alias)(FUNCTIONS[_name])


@composite("ptp", np.ptp)
def ptp(a: ArrayLike, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Largest less smallest entry over `axis` (int, tuple, or None for all)."""
    x = as_tensor(a)
    return x.max(axis, keepdims) - x.min(axis, keepdims)


@composite("median", np.median)
def median(a: ArrayLike, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Middle entry over `axis` in rising order, or the mean of both middle ones.

    Of equal entries the gradient goes to those in the middle, by their place in `a`.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.grad(ad.median)(ad.Tensor([3.0, 1.0, 2.0]))
    array([0., 0., 1.])
    """
    x = as_tensor(a)
    # Nothing has no middle: nan, with numpy's warning.
    return quantile(x, 0.5, axis, keepdims=keepdims) if x.size else x.mean(axis, keepdims)


@composite("percentile", np.percentile)
def percentile(
    a: ArrayLike, q: ArrayLike, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """`quantile` at hundredths: `q` in [0, 100]."""
    return quantile(a, np.asarray(q) / 100, axis, method=method, keepdims=keepdims)


@composite("quantile", np.quantile)
def quantile(
    a: ArrayLike, q: ArrayLike, axis: Any = None, *, method: str = "linear", keepdims: bool = False
) -> Any:
    """What a fraction `q` of the entries over `axis` stays below, by linear interpolation.

    Parameters
    ----------
    a : array_like
    q : float or array_like of float
        In [0, 1]. Its axes come first in the result. There is no derivative by it.
    axis : int, tuple of int or None
    method : {"linear"}
        Of numpy's the one that is numpy's default: type 7 of Hyndman and Fan 1996.
    keepdims : bool

    Raises
    ------
    DomainError
        If `q` is not in [0, 1].
    DTypeError
        For another method.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.grad(lambda x: ad.quantile(x, 0.25))(ad.Tensor([3.0, 1.0, 2.0]))
    array([0. , 0.5, 0.5])
    """
    if method != "linear":
        raise DTypeError(f"quantile(method={method!r}) has no derivative here: use 'linear'")
    x, q = as_tensor(a), np.asarray(q, float)
    axis = axis if axis is None else normalize_axis_tuple(axis, x.ndim)
    if not np.all((q >= 0) & (q <= 1)):
        raise DomainError(f"quantile() takes fractions in [0, 1], not {q.tolist()}")
    entries = FUNCTIONS["sort"](to_rows(x, axis)[0])
    out = _between(entries, q * (entries.shape[-1] - 1))
    kept = out.ndim - q.ndim
    out = np.transpose(out, (*range(kept, out.ndim), *range(kept)))
    return np.reshape(out, (*q.shape, *_kept_shape(x.shape, axis))) if keepdims else out


def _between(entries: Any, place: Any) -> Any:
    """Sorted `entries` of the last axis at fractional places; nan if there is any."""
    low = np.floor(place).astype(int)
    part = (place - low).astype(entries.dtype)[()]
    above = np.where(part > 0, entries[..., np.ceil(place).astype(int)], 0.0)
    out = entries[..., low] * (1 - part) + above * part
    last = np.reshape(entries[..., -1], entries.shape[:-1] + (1,) * part.ndim)
    return np.where(np.isnan(last), last, out)


def _kept_shape(shape: tuple[int, ...], axis: tuple[int, ...] | None) -> tuple[int, ...]:
    return tuple(1 if axis is None or i in axis else n for i, n in enumerate(shape))


@composite("average", np.average)
def average(
    a: ArrayLike,
    axis: Any = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Tensor | Any:
    """Mean over `axis` with `weights`, of the shape of `a` or a vector along the one axis.

    With `returned`, also the sum of the weights.

    Raises
    ------
    DomainError
        If weights sum to 0.
    ShapeError
        If they fit neither the array nor that one axis.
    """
    x = as_tensor(a)
    w = np.ones(x.shape, x.dtype) if weights is None else _along(weights, x, axis)
    total = as_tensor(w).sum(axis, keepdims)
    if weights is not None and rare(np.any(total == 0)):
        raise DomainError(f"average() of shape {x.shape} over axis={axis}: weights that sum to 0")
    out = x.mean(axis, keepdims) if weights is None else (x * w).sum(axis, keepdims) / total
    return (out, total) if returned else out


def _along(weights: Any, x: Any, axis: Any) -> Any:
    w = as_tensor(weights)
    axes = tuple(range(x.ndim)) if axis is None else normalize_axis_tuple(axis, x.ndim)
    if w.shape == x.shape:
        return w
    if axis is None or w.shape != tuple(x.shape[a] for a in axes) or w.ndim != 1:
        raise ShapeError(
            f"average() of shape {x.shape} over axis={axis}: weights of shape {w.shape} fit "
            "neither the array nor that one axis"
        )
    return np.broadcast_to(_column(w, x.ndim, axes[0]), x.shape)


def _column(vector: Any, ndim: int, axis: int) -> Any:
    """A vector laid along `axis` of an array with `ndim` axes."""
    return np.reshape(vector, (-1,) + (1,) * (ndim - 1 - axis % ndim))


@composite("nansum", np.nansum)
def nansum(a: ArrayLike, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Sum over `axis` of what is not nan."""
    x = as_tensor(a)
    return np.where(np.isnan(x), 0.0, x).sum(axis, keepdims)


@composite("nanmean", np.nanmean)
def nanmean(a: ArrayLike, axis: Any = None, *, keepdims: bool = False) -> Any:
    """Mean over `axis` of what is not nan."""
    x = as_tensor(a)
    valid = np.sum(~np.isnan(x), axis=axis, keepdims=keepdims, dtype=x.dtype)
    return nansum(x, axis, keepdims=keepdims) / valid


@composite("diff", np.diff)
def diff(
    a: ArrayLike,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike | None = None,
    append: ArrayLike | None = None,
) -> Any:
    """Differences of neighbours along `axis`, `n` times over."""
    x = as_tensor(a)
    if n == 0:
        return x
    if n < 0 or not x.ndim:
        raise ShapeError(f"diff() of shape {x.shape}, n={n}: takes an axis, and n of at least 0")
    ends = [_edge(prepend, x, axis), x, _edge(append, x, axis)]
    x = np.concatenate([part for part in ends if part is not None], axis=axis)
    later, earlier = _neighbours(x, axis)
    for _ in range(n):
        x = x[later] - x[earlier]
    return x


def _neighbours(x: Any, axis: int) -> tuple[Any, Any]:
    """Indices of all but the first, and of all but the last."""
    axis = axis % x.ndim
    return along(axis, slice(1, None)), along(axis, slice(None, -1))


def _edge(value: Any, x: Any, axis: int) -> Any:
    shape = list(x.shape)
    shape[axis] = 1
    if isinstance(value, (int, float)):
        return np.full(shape, value, np.result_type(x.dtype, value))
    return value if value is None or np.ndim(value) else np.broadcast_to(as_tensor(value), shape)


@composite("trapezoid", np.trapezoid)
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """Integral of `y` along `axis` by the trapezoidal rule, at places `x` or `dx` apart."""
    y = as_tensor(y)
    if not y.ndim:
        raise ShapeError("trapezoid() takes an axis to integrate along, not a single number")
    if x is not None:
        dx = diff(x, axis=axis if np.ndim(x) > 1 else -1)
        dx = _column(dx, y.ndim, axis) if dx.ndim == 1 else dx
    later, earlier = _neighbours(y, axis)
    return ((y[later] + y[earlier]) * dx).sum(axis) / 2
