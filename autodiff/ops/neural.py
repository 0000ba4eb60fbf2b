"""What networks are made of: affine maps, softmax and its loss, lookups, normalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from autodiff.errors import DomainError
from autodiff.op import asarray, binary, is_array, op, overridable, register
from autodiff.ops.elementwise import sigmoid
from autodiff.ops.index import not_negative, scatter_add
from autodiff.ops.linalg import dot, rows
from autodiff.ops.reduce import share
from autodiff.sparse import Parts, Product, RowGrad


def _linear(x: Any, W: Any, b: Any = None) -> Any:
    """``x @ W.T + b``: x is (..., inputs), W (outputs, inputs), b (outputs,)."""
    if getattr(x, "ndim", 0) == 0 or getattr(W, "ndim", 0) != 2:
        raise ValueError("x has to be (..., inputs) and W (outputs, inputs)")
    try:
        out = dot(x, W.T) if x.ndim <= 2 else np.matmul(x, W.T)
    except ValueError as error:
        raise ValueError(
            f"x has {x.shape[-1]} inputs along its last axis, and W {W.shape} takes {W.shape[1]}"
        ) from error
    if b is not None:
        out += b
    return out


def _linear_x(g: Any, W: Any) -> Any:
    return dot(g, W) if g.ndim <= 2 else np.matmul(g, W)


def _linear_weight(g: Any, x: Any) -> Any:
    return Product([(rows(g), rows(x))])


def _linear_jvp(g: Any, x: Any, W: Any) -> Any:
    along_x, along_W, along_b = g
    parts = [] if along_x is None else [along_x @ W.T]
    parts += [] if along_W is None else [x @ along_W.T]
    parts += [] if along_b is None else [along_b]
    return sum(parts[1:], parts[0])


@overridable
def softmax(x: Any, axis: Any = -1) -> Any:
    """``exp(x) / sum(exp(x))`` along `axis`, without overflow."""
    e = np.exp(x - np.max(x, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def _softmax_x(g: Any, out: Any, axis: Any) -> Any:
    return out * (g - np.sum(g * out, axis=axis, keepdims=True))


def _log_softmax(x: Any, axis: Any = -1) -> Any:
    """``log(softmax(x))``, accurate where the softmax underflows."""
    z = x - np.max(x, axis=axis, keepdims=True)
    return z - np.log(np.sum(np.exp(z), axis=axis, keepdims=True))


def _log_softmax_x(g: Any, out: Any, axis: Any) -> Any:
    return g - np.exp(out) * np.sum(g, axis=axis, keepdims=True)


def _softmax_cross_entropy(
    logits: Any, target: Any, axis: int = -1, reduction: str = "mean"
) -> Any:
    """``(loss, softmax(logits))``, the loss being ``-log_softmax(logits)`` at the target class.

    Both in one op, since the gradient of the loss is made of the probabilities.
    """
    target = _classes(target, logits, axis, reduction)
    z = logits - logits.max(axis=axis, keepdims=True)
    p = np.exp(z)
    total = p.sum(axis=axis, keepdims=True)
    p /= total
    return _reduced(np.log(total).reshape(target.shape) - z[_places(target, axis)], reduction), p


def _classes(target: Any, logits: Any, axis: int, reduction: str) -> Any:
    target = asarray(target)
    if reduction not in ("mean", "sum", "none"):
        raise DomainError(f"reduction={reduction!r} is none of 'mean', 'sum', 'none'")
    axis, shape = normalize_axis_index(axis, logits.ndim), logits.shape
    if target.shape != shape[:axis] + shape[axis + 1 :]:
        raise ValueError("the target has the shape of the logits without their class axis")
    if target.dtype.kind not in "iu":
        raise TypeError("the target classes have to be integers")
    return not_negative(target, "there is no class {}")


def _places(target: Any, axis: int) -> tuple[Any, ...]:
    """The index of the target class in each row of the logits."""
    if target.ndim == 1:
        grid: tuple[Any, ...] = (np.arange(len(target)),)
    else:
        grid = np.ix_(*map(np.arange, target.shape))
    axis = axis % (target.ndim + 1)
    return (*grid[:axis], target, *grid[axis:])


def _reduced(loss: Any, reduction: str) -> Any:
    if reduction == "none":
        return loss
    if reduction == "sum":
        return np.sum(loss)
    # For one axis a shorter way to the mean, but for float16, which may not hold the count.
    if loss.ndim != 1 or loss.dtype == np.float16:
        return np.mean(loss)
    return np.add.reduce(loss) / loss.dtype.type(loss.size)


def _softmax_cross_entropy_logits(g: Any, out: Any, target: Any, axis: int, reduction: str) -> Any:
    target = asarray(target)
    by_loss, by_p = g.grads.get(0), g.grads.get(1)
    parts = [] if by_loss is None else [_less_one(out[1], by_loss, target, axis, reduction)]
    parts += [] if by_p is None else [_softmax_x(by_p, out[1], axis)]
    return sum(parts[1:], parts[0])


def _less_one(p: Any, g: Any, target: Any, axis: int, reduction: str) -> Any:
    """``g * (p - 1 at the target class)``, for the mean with g shared among the rows."""
    if reduction == "mean":
        g = share(g, target.size)
    places = _places(target, axis)
    scaled = p * (np.expand_dims(g, axis) if reduction == "none" else g)
    if is_array(scaled):
        np.subtract.at(scaled, places, g)  # the array is fresh
        return scaled
    return scaled - scatter_add(np.broadcast_to(g, target.shape), places, p.shape)


def _softmax_cross_entropy_jvp(
    g: Any, out: Any, target: Any, axis: int, reduction: str
) -> tuple[Any, Any]:
    t, p = g[0], out[1]
    mean = np.sum(p * t, axis=axis)
    loss = mean - t[_places(asarray(target), axis)]
    return _reduced(loss, reduction), p * (t - np.expand_dims(mean, axis))


def _logistic_loss(x: Any, y: Any) -> Any:
    """``-y log sigmoid(x) - (1 - y) log sigmoid(-x)``, accurate in both tails."""
    return np.maximum(x, 0) - x * y + np.log1p(np.exp(-np.abs(x)))


def _logistic_loss_x(x: Any, y: Any) -> Any:
    return (1 - y) * sigmoid(x) - y * sigmoid(-x)


def _standardize(x: Any, axis: Any = -1, eps: float = 1e-5) -> Any:
    """``(out, rate)``: x with mean 0 and variance 1 along `axis`, and what it was multiplied by.

    `eps` is added to the variance.
    """
    centred = x - np.mean(x, axis=axis, keepdims=True)
    variance = np.mean(centred * centred, axis=axis, keepdims=True)
    rate = 1 / np.sqrt(variance + eps)
    return centred * rate, rate


def _standardize_x(g: Any, out: Any, axis: Any) -> Any:
    """``rate * (g - mean(g) - out * mean(g * out))``, and what the g of the rate adds."""
    (out, rate), by_out, by_rate = out, g.grads.get(0), g.grads.get(1)
    parts = [] if by_out is None else [rate * _projected(by_out, out, axis)]
    if by_rate is not None:
        parts.append(-rate * rate * by_rate * out * (rate.size / max(out.size, 1)))
    return sum(parts[1:], parts[0])


def _projected(t: Any, out: Any, axis: Any) -> Any:
    """`t` without what the mean and the variance take away."""
    return t - np.mean(t, axis=axis, keepdims=True) - out * _mean_along(t, out, axis)


def _mean_along(t: Any, out: Any, axis: Any) -> Any:
    return np.mean(t * out, axis=axis, keepdims=True)


def _standardize_jvp(g: Any, out: Any, axis: Any) -> tuple[Any, Any]:
    t, (out, rate) = g[0], out
    return rate * _projected(t, out, axis), -rate * rate * _mean_along(t, out, axis)


@overridable
def lookup(table: Any, ids: Any) -> Any:
    """Rows of `table` at the integers `ids`, of any shape. The gradient, a `RowGrad`, holds
    only the rows used."""
    ids = asarray(ids)
    if ids.dtype.kind not in "iu" and ids.size:
        raise TypeError("the ids have to be integers")
    ids = ids.astype(np.intp, copy=False)
    # Indexing gives the same, at half the speed.
    return np.take(table, not_negative(ids, f"id {{}} of a table with {len(table)} rows"), axis=0)


def _lookup_table(g: Any, ids: Any, table_shape: tuple[int, ...]) -> Any:
    """A `RowGrad`: each row of g belongs to the row of the table that it came from."""
    if not is_array(g):
        return scatter_add(g, ids, table_shape)
    ids = asarray(ids, np.intp)
    return RowGrad(ids.ravel(), g.reshape((ids.size, *table_shape[1:])), table_shape)


def _constant(g: Any) -> None:
    """An argument of integers."""


register([
    op("linear", _linear, _linear_x, _linear_weight, lambda g: g, jvp=_linear_jvp,
       linear="each", numpy=()),
    op("softmax", softmax, _softmax_x, numpy=softmax, method="softmax"),
    op("log_softmax", _log_softmax, _log_softmax_x, numpy=(), method="log_softmax"),
    op("softmax_cross_entropy", _softmax_cross_entropy, _softmax_cross_entropy_logits, _constant,
       jvp=_softmax_cross_entropy_jvp, outputs=2, lazy=Parts, numpy=()),
    binary("logistic_loss", _logistic_loss, _logistic_loss_x, "-x", numpy=()),
    op("standardize", _standardize, _standardize_x, jvp=_standardize_jvp, outputs=2, lazy=Parts,
       numpy=()),
    op("embedding", lookup, _lookup_table, _constant, jvp=lambda g, ids: lookup(g[0], ids),
       numpy=lookup),
])  # fmt: skip
