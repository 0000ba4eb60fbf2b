"""A zero cotangent contributes exactly zero, also where the local derivative is inf or nan.

The sweep runs without these checks first; only when a nan came out is it run again with them.
A nan that a mask dropped on the way cannot have done harm, since sweeps are linear.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import OPS, Op, asarray, overridable
from autodiff.sparse import Lazy, Parts, RowGrad

__all__ = ["has_nan", "holds_nan", "strong_zero"]


def has_nan(g: Any) -> bool:
    """Whether an array, number, tensor or row gradient holds a nan."""
    if isinstance(g, RowGrad):
        g = g.values
    elif isinstance(g, Lazy):
        return False
    g = getattr(g, "_value", g)
    if isinstance(g, tuple):
        return any(map(has_nan, g))
    return bool(holds_nan(g))


@overridable
def holds_nan(x: Any) -> Any:
    """Whether an array or number holds a nan."""
    # Squares cannot cancel to nan, so the sum of squares is nan just when an entry is.
    total = np.vdot(x, x)
    return total != total


def strong_zero(c: Any, rule: Any, g: Any, saved: tuple[Any, ...], op: Op) -> Any:
    """The contribution `c` of one argument with the nans removed that a zero cotangent made."""
    if isinstance(c, Lazy) and not isinstance(c, (RowGrad, Parts)):
        c = c.dense()
    if not has_nan(c):
        return c
    zero = _is_zero(g)
    if op.partials is not None:
        return _cleared(c, zero)
    if op.linear == "each":
        return _product(c, rule, g, saved, zero)
    if op.linear == "jointly" or isinstance(c, (RowGrad, Parts)):
        return c  # it only moves and adds entries, so its nans were there before
    return _cleared(c, _expanded(zero, c, op, dict(zip(op.needs, saved, strict=False))))


def _is_zero(g: Any) -> Any:
    if isinstance(g, Parts) and len(g.grads) == 1:
        (g,) = g.grads.values()
    g = g.dense() if isinstance(g, Lazy) else g
    if isinstance(g, tuple):
        return np.all([np.all(asarray(_plain(part)) == 0) for part in g])
    return asarray(_plain(g)) == 0


def _plain(value: Any) -> Any:
    return getattr(value, "_value", value)


def _cleared(c: Any, zero: Any) -> Any:
    return np.where(np.isnan(_plain(c)) & zero, np.zeros((), c.dtype), c)


def _expanded(zero: Any, c: Any, op: Op, settings: dict[str, Any]) -> Any:
    """Which entries of `c` depend on zeros of the cotangent only; broadcasts to its shape."""
    if op.namespace == "linalg" and "axis" not in settings:
        return _per_matrix(zero, c.shape[:-2])
    if OPS.get(op.name) is not op:
        return np.all(zero)  # of an op of the user's own we do not know what goes where
    if "axis" not in settings or not zero.ndim:
        return zero if zero.shape == c.shape else np.all(zero)
    axis = settings["axis"]
    if zero.shape == c.shape:
        return np.all(zero, axis=axis, keepdims=True)
    if not settings.get("keepdims") and axis is not None:
        zero = np.expand_dims(zero, axis)
    return zero if np.broadcast_shapes(zero.shape, c.shape) == c.shape else np.all(zero)


def _per_matrix(zero: Any, batch: tuple[int, ...]) -> Any:
    """Whether all entries of the cotangent of one matrix of the batch are zero."""
    if zero.shape[: len(batch)] != batch:
        return np.all(zero)
    return np.all(zero, axis=tuple(range(len(batch), zero.ndim))).reshape((*batch, 1, 1))


def _product(c: Any, rule: Any, g: Any, saved: tuple[Any, ...], zero: Any) -> Any:
    """A rule linear in the cotangent and in what was saved: leave out the products with zero."""
    finite = tuple(map(_finite, saved))
    touched = _dense(rule((~zero).astype(float), tuple(map(_infinite, saved))))
    clean = _dense(rule(g, finite))
    return np.where(asarray(_plain(touched)) != 0, c, clean)


def _dense(c: Any) -> Any:
    return c.dense() if isinstance(c, Lazy) else c


def _is_array(value: Any) -> bool:
    return getattr(getattr(value, "dtype", None), "kind", None) == "f"


def _finite(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_finite, value))
    if not _is_array(value):
        return value
    return np.where(np.isfinite(_plain(value)), value, np.zeros((), value.dtype))


def _infinite(value: Any) -> Any:
    if isinstance(value, tuple) and any(map(_is_array, value)):
        return tuple(map(_infinite, value))
    return (~np.isfinite(_plain(value))).astype(float) if _is_array(value) else value
