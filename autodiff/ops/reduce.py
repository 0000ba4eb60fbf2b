"""Ops that reduce along axes, their running forms, and sorting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.op import Op, asarray, op, register
from autodiff.ops.elementwise import weight


def expand(g: Any, shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    """Lay the cotangent of a reduction out over the `shape` of its argument."""
    if axis is not None and not keepdims and shape:
        g = np.expand_dims(g, axis)
    return np.broadcast_to(g, shape)


def count(shape: tuple[int, ...], axis: Any) -> int:
    """How many entries go into one result."""
    if axis is None or not shape:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


def share(g: Any, n: float) -> Any:
    """``g / n``; in float16 the count itself may be out of range."""
    return g / n if n <= 65504 else g * (1 / n)


def to_rows(x: Any, axis: Any) -> tuple[Any, Any]:
    """`x` with the reduced axes flattened into a last one, and the way back."""
    shape, ndim = x.shape, x.ndim
    if axis is None or not shape:
        return np.reshape(x, (-1,)), lambda y: np.reshape(y, shape)
    axes = [a % ndim for a in (axis if isinstance(axis, tuple) else (axis,))]
    order = [*(a for a in range(ndim) if a not in axes), *axes]
    moved = np.transpose(x, order)
    rows = np.reshape(moved, (*moved.shape[: ndim - len(axes)], count(shape, axis)))
    back = sorted(range(ndim), key=order.__getitem__)
    return rows, lambda y: np.transpose(np.reshape(y, moved.shape), back)


def _sum(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Sum over `axis` (int, tuple, or None for all)."""
    return np.add.reduce(x, axis, None, None, keepdims)


def _mean(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Mean over `axis` (int, tuple, or None for all)."""
    return np.mean(x, axis=axis, keepdims=keepdims)


def _mean_x(g: Any, x_shape: tuple[int, ...], axis: Any, keepdims: bool) -> Any:
    return expand(share(g, max(count(x_shape, axis), 1)), x_shape, axis, keepdims)


def _prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Product over `axis` (int, tuple, or None for all)."""
    return np.prod(x, axis=axis, keepdims=keepdims)


def _prod_x(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The product of the others, by running products from both ends: no division by zero."""
    rows, back = to_rows(x, axis)
    others = _before(rows) * _before(rows[..., ::-1])[..., ::-1]
    return expand(g, x.shape, axis, keepdims) * back(others)


def _before(x: Any) -> Any:
    """Products of the entries before each, along the last axis."""
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    return np.cumprod(np.concatenate([one, x], axis=-1)[..., :-1], axis=-1)


def _max(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Largest entry over `axis`; entries that tie share the gradient equally."""
    return np.max(x, axis=axis, keepdims=keepdims)


def _min(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Smallest entry over `axis`; entries that tie share the gradient equally."""
    return np.min(x, axis=axis, keepdims=keepdims)


def _chosen(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """g for the entry that is the result; entries that tie share it equally."""
    best = expand(out, x.shape, axis, keepdims)
    hit = (x == best) | ((x != x) & (best != best))
    ties = np.sum(hit, axis=axis, keepdims=True)
    return expand(g, x.shape, axis, keepdims) * np.divide(hit, ties, dtype=x.dtype)


def _var(x: Any, axis: Any = None, keepdims: bool = False, ddof: float = 0) -> Any:
    """Variance over `axis`, with ``n - ddof`` in the denominator."""
    return np.var(_centred(x, axis), axis=axis, keepdims=keepdims, ddof=ddof)


def _centred(x: Any, axis: Any) -> Any:
    # numpy centres once more, so that equal entries leave exactly 0.
    return x - np.mean(x, axis=axis, keepdims=True)


def _deviation(x: Any, axis: Any, ddof: float) -> Any:
    """Distance from the mean over ``n - ddof``."""
    centred = _centred(_centred(x, axis), axis)
    return share(centred, max(count(x.shape, axis) - ddof, 0) or math.nan)


def _var_x(g: Any, x: Any, axis: Any, keepdims: bool, ddof: float) -> Any:
    return expand(2 * g, x.shape, axis, keepdims) * _deviation(x, axis, ddof)


def _std(x: Any, axis: Any = None, keepdims: bool = False, ddof: float = 0) -> Any:
    """Standard deviation over `axis`; where all entries are equal its gradient is 0."""
    return np.std(_centred(x, axis), axis=axis, keepdims=keepdims, ddof=ddof)


def _std_x(g: Any, out: Any, x: Any, axis: Any, keepdims: bool, ddof: float) -> Any:
    """``g * (x - mean(x)) / ((n - ddof) * out)``, and 0 where out is 0."""
    # Over infinity, not over 1, so that second derivatives are 0 there as well.
    over = np.where(out == 0, np.inf, out)
    return expand(g / over, x.shape, axis, keepdims) * _deviation(x, axis, ddof)


def _logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """``log(sum(exp(x)))`` over `axis`, without overflow."""
    x = asarray(x, np.result_type(x, np.float16))
    top = np.max(x, axis=axis, keepdims=True, initial=-np.inf)
    largest = x == top
    with np.errstate(invalid="ignore", divide="ignore"):  # inf - inf is masked; log 0 is right
        # Apart from the largest, since beside their 1 the small terms would be lost.
        rest = np.sum(np.exp(np.where(largest, -np.inf, x - top)), axis=axis, keepdims=keepdims)
        ties = np.sum(largest, axis=axis, keepdims=keepdims, dtype=x.dtype)
        out = np.log(ties) + np.log1p(rest / np.maximum(ties, 1))
    return out + np.reshape(top, out.shape)


def _logsumexp_x(g: Any, out: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """``g * exp(x - out)``: the softmax."""
    share = weight(x, expand(out, x.shape, axis, keepdims))
    return expand(g, x.shape, axis, keepdims) * share


def _cumsum(x: Any, axis: Any = None) -> Any:
    """Running sum along `axis` (None: of the flattened array)."""
    return np.cumsum(x, axis=axis)


def _cumsum_x(g: Any, x_shape: tuple[int, ...], axis: Any) -> Any:
    """The running sum of g from the end."""
    if axis is None or not x_shape:
        return np.reshape(np.cumsum(g[::-1])[::-1], x_shape)
    back = (*(slice(None),) * (axis % len(x_shape)), slice(None, None, -1))
    return np.cumsum(g[back], axis=axis)[back]


def _cumprod(x: Any, axis: Any = None) -> Any:
    """Running product along `axis` (None: of the flattened array)."""
    return np.cumprod(x, axis=axis)


def _cumprod_x(g: Any, x: Any, axis: Any) -> Any:
    """Entry k gets the product before it times ``s[k] = g[k] + x[k + 1] * s[k + 1]``."""
    rows, back = to_rows(x, axis)
    return back(_times(_before(rows), _recurrence(to_rows(g, axis)[0], rows[..., 1:])))


def _times(a: Any, s: Any) -> Any:
    """``a * s``, where a signal of zero stays zero beside what is not finite."""
    out, finite = a * s, np.isfinite(a)
    if not hasattr(finite, "is_traced") and np.all(finite):
        return out
    return np.where((s == 0) & ~finite, 0.0, out)


def _recurrence(s: Any, a: Any) -> Any:
    """Solve ``s[k] += a[k] * s[k + 1]`` along the last axis, by spans of doubling length."""
    span, length = 1, s.shape[-1]
    while span < length:
        head = s[..., :-span] + _times(a[..., : length - span], s[..., span:])
        s = np.concatenate([head, s[..., -span:]], axis=-1)
        a = a[..., :-span] * a[..., span:]
        span *= 2
    return s


def _sort(x: Any, axis: Any = -1, kind: Any = None, order: None = None, stable: Any = None) -> Any:
    """Entries in rising order; equal entries keep theirs, and so their gradients."""
    return np.sort(x, axis=axis, kind=kind, stable=stable)


def _sort_x(g: Any, x: Any, axis: Any) -> Any:
    return _unordered(g, x, axis, lambda x, axis: np.argsort(x, axis=axis, stable=True))


def _partition(x: Any, kth: Any, axis: Any = -1, kind: str = "introselect") -> Any:
    """The entry that sorting would put at `kth` is there, smaller ones before it."""
    if axis is None:
        return np.reshape(x, (-1,))[np.argpartition(x, kth, axis=None)]
    return np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis)


def _partition_x(g: Any, x: Any, kth: Any, axis: Any) -> Any:
    return _unordered(g, x, axis, lambda x, axis: np.argpartition(x, kth, axis=axis))


def _unordered(g: Any, x: Any, axis: Any, find: Callable[[Any, Any], Any]) -> Any:
    """Bring `g` from the order that `find` gives back to that of `x`."""
    if axis is None:
        return np.reshape(np.take_along_axis(g, np.argsort(find(x, None)), 0), x.shape)
    return np.take_along_axis(g, np.argsort(find(x, axis), axis=axis), axis)


def _reduction(name: str, forward: Any, rule: Any, *numpy: Any, **settings: Any) -> Op:
    aliases = {"a": "x", "correction": "ddof"}
    return op(name, forward, rule, numpy=numpy, method=name, aliases=aliases, **settings)


register([
    _reduction("sum", _sum, lambda g, x_shape, axis, keepdims: expand(g, x_shape, axis, keepdims),
               np.sum, linear="jointly"),
    _reduction("mean", _mean, _mean_x, np.mean, linear="jointly"),
    _reduction("prod", _prod, _prod_x, np.prod),
    _reduction("max", _max, _chosen, np.max, np.amax, domain="no ties"),
    _reduction("min", _min, _chosen, np.min, np.amin, domain="no ties"),
    _reduction("var", _var, _var_x, np.var),
    _reduction("std", _std, _std_x, np.std, domain="not constant"),
    _reduction("logsumexp", _logsumexp, _logsumexp_x),
    _reduction("cumsum", _cumsum, _cumsum_x, np.cumsum, linear="jointly"),
    _reduction("cumprod", _cumprod, _cumprod_x, np.cumprod),
    op("sort", _sort, _sort_x, numpy=np.sort, aliases={"a": "x"}, domain="no ties"),
    op("partition", _partition, _partition_x, numpy=np.partition, aliases={"a": "x"},
       domain="no ties"),
])  # fmt: skip
