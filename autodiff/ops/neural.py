"""What networks are made of: affine maps, softmax, losses, lookups."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.op import op, overridable, register
from autodiff.ops.index import scatter_add
from autodiff.sparse import Product, RowGrad


def _linear(x: Any, W: Any, b: Any = None) -> Any:  # noqa: N803
    """``x @ W.T + b``: x is (..., inputs), W (outputs, inputs), b (outputs,)."""
    out = x @ W.T
    if b is not None:
        out += b
    return out


def _linear_W(g: Any, x: Any) -> Any:  # noqa: N802
    return Product([(_rows(g), _rows(x))])


def _rows(x: Any) -> Any:
    return x if x.ndim == 2 else np.reshape(x, (-1, x.shape[-1]))


def _linear_jvp(g: Any, x: Any, W: Any) -> Any:  # noqa: N803
    along_x, along_W, along_b = g  # noqa: N806
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


@overridable
def take_rows(table: Any, rows: Any) -> Any:
    """Rows of a table; its gradient touches only these."""
    return table[rows]


def _take_rows_table(g: Any, rows: Any, table_shape: tuple[int, ...]) -> Any:
    if not isinstance(g, np.ndarray):
        return scatter_add(g, rows, table_shape)
    width = table_shape[1:]
    return RowGrad(rows.ravel(), g.reshape((rows.size, *width)), table_shape)


register([
    op("linear", _linear, lambda g, W: g @ W, _linear_W, lambda g: g, jvp=_linear_jvp, numpy=()),
    op("softmax", softmax, _softmax_x, numpy=softmax, method="softmax"),
    op("log_softmax", _log_softmax, _log_softmax_x, numpy=(), method="log_softmax"),
    op("take_rows", take_rows, _take_rows_table, linear="jointly", numpy=take_rows),
])  # fmt: skip
