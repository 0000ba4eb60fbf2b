"""Functions of ``numpy.linalg`` made of rows: norms, factors in numpy's forms, least squares."""

from __future__ import annotations

import math
import operator
from collections import namedtuple
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autodiff.errors import DomainError, ShapeError
from autodiff.functions import FUNCTIONS, as_tensor, composite

__all__ = [
    "cholesky", "cross", "diagonal", "eigh", "eigvalsh", "lstsq", "matrix_norm", "matrix_power",
    "norm", "pinv", "qr", "slogdet", "svd", "svdvals", "trace", "vector_norm",
]  # fmt: skip

_ROW = {name: FUNCTIONS[f"linalg.{name}"] for name in
        ("cholesky", "eigh", "inv", "pinv", "qr", "slogdet", "svd", "vector_norm")}  # fmt: skip
_WHERE = FUNCTIONS["where"]

# The names of numpy's own results.
EighResult = namedtuple("EighResult", "eigenvalues eigenvectors")
QRResult = namedtuple("QRResult", "Q R")
SVDResult = namedtuple("SVDResult", "U S Vh")
SlogdetResult = namedtuple("SlogdetResult", "sign logabsdet")


@composite("linalg.cholesky", np.linalg.cholesky)
def cholesky(a: Any, /, *, upper: bool = False) -> Any:
    """Triangular factor of symmetric positive definite matrices.

    The lower L with ``L @ L.T = a``, or the upper ``L.T``. It reads that triangle of `a` only, as
    numpy does, and so its gradient has zeros in the other. ``cholesky((a + a.T) / 2)`` has the
    same value and a symmetric gradient.
    """
    a = as_tensor(a)
    return _ROW["cholesky"](a.mT).mT if upper else _ROW["cholesky"](a)


@composite("linalg.qr", np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """``(Q, R)`` with orthonormal columns in Q and triangular R; with ``mode="r"`` R alone."""
    if mode not in ("reduced", "r"):
        raise DomainError(
            f"linalg.qr: mode={mode!r} has no derivative here: 'reduced' and 'r' have"
        )
    q, r = _ROW["qr"](a)
    return r if mode == "r" else QRResult(q, r)


@composite("linalg.eigh", np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues, in rising order, and eigenvectors of symmetric matrices.

    One triangle is read, and so the gradient has zeros in the other. Eigenvectors of equal
    eigenvalues have no derivative, and to use one is a DomainError.
    """
    return EighResult(*_ROW["eigh"](a, UPLO.upper()))


@composite("linalg.eigvalsh", np.linalg.eigvalsh)
def eigvalsh(a: Any, UPLO: str = "L") -> Any:
    """Eigenvalues of symmetric matrices, in rising order."""
    return eigh(a, UPLO)[0]


@composite("linalg.svd", np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """``(U, S, Vh)`` with ``a = U @ diag(S) @ Vh``, or S alone.

    Vectors of equal singular values have no derivative, and nor have those that `full_matrices`
    adds to matrices that are not square: to use one is a DomainError.
    """
    rows, columns = np.shape(a)[-2:] if np.ndim(a) > 1 else (0, 0)
    if full_matrices and compute_uv and rows != columns:
        raise DomainError(
            f"linalg.svd: the vectors added to matrices of {rows} by {columns} have no "
            "derivative; pass full_matrices=False"
        )
    out = SVDResult(*_ROW["svd"](a))
    return out if compute_uv else out.S


@composite("linalg.svdvals", np.linalg.svdvals)
def svdvals(x: Any, /) -> Any:
    """Singular values, in falling order."""
    return svd(x, compute_uv=False)


@composite("linalg.slogdet", np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    """Sign of the determinant and logarithm of its size."""
    return SlogdetResult(*_ROW["slogdet"](a))


@composite("linalg.pinv", np.linalg.pinv)
def pinv(a: Any, rcond: Any = None, *, rtol: Any = None) -> Any:
    """Pseudoinverse; singular values of at most `rcond` (or `rtol`) times the largest count as 0.

    The gradient is along matrices of the same rank.
    """
    return _ROW["pinv"](a, 1e-15 if rcond is None and rtol is None else rtol or rcond)


@composite("linalg.matrix_power", np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """Product of `n` times the matrix; of its inverse if `n` is negative."""
    a, n = as_tensor(a), operator.index(n)
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        raise ShapeError(f"linalg.matrix_power: shape {a.shape} is no square matrix")
    if n == 0:  # constant, and yet a result of `a`
        return _WHERE(False, a, np.eye(a.shape[-1], dtype=a.dtype))
    base, n, out = _ROW["inv"](a) if n < 0 else a, abs(n), None
    while n:
        n, odd = divmod(n, 2)
        if odd:
            out = base if out is None else out @ base
        base = base @ base if n else base
    return out


@composite("linalg.lstsq", np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    """``(x, residuals, rank, singular values)`` for the x of least norm that brings ``a @ x``
    nearest to `b`.

    Differentiable by both arguments, along matrices of the same rank.
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(f"linalg.lstsq: a {a.shape} and b {b.shape} are no system of equations")
    rows, columns = a.shape
    least = np.finfo(a.dtype).eps * max(rows, columns) if rcond is None else rcond
    x, values = pinv(a, least) @ b, svdvals(a)
    rank = np.sum(values > least * values[:1], dtype=np.int32)
    errors = np.sum((b - a @ x) ** 2, axis=0)
    told = rank == columns < rows
    return x, np.reshape(errors, (-1,))[: None if told else 0], rank, values


@composite("linalg.vector_norm", np.linalg.vector_norm)
def vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over `axis` (int, tuple, or None for all).

    An `ord` of inf or -inf takes the largest or the smallest size, 0 counts what is not 0. Where
    the norm is 0 its gradient is 0.
    """
    x = as_tensor(x)
    if ord == 0:
        return np.sign(np.abs(x)).sum(axis, keepdims)
    if math.isinf(ord):
        return _extreme(np.abs(x), ord, axis, keepdims)
    return _ROW["vector_norm"](x, axis, keepdims, ord)


@composite("linalg.matrix_norm", np.linalg.matrix_norm)
def matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    return _of_matrices(as_tensor(x), ord, (-2, -1), keepdims)


@composite("linalg.norm", np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors, or of matrices if there are two axes, in all of numpy's orders.

    Without `ord`, the root of the sum of all squares. Where a norm is 0 its gradient is 0.
    """
    x = as_tensor(x)
    axes = normalize_axis_tuple(range(x.ndim) if axis is None else axis, x.ndim)
    if ord is None:
        return _ROW["vector_norm"](x, axes, keepdims)
    if len(axes) == 1:
        if isinstance(ord, str):
            raise DomainError(f"linalg.norm: ord={ord!r} is for matrices")
        return vector_norm(x, axis=axes[0], keepdims=keepdims, ord=ord)
    if len(axes) != 2:
        raise ShapeError(f"linalg.norm: ord={ord!r} takes one axis or two, not {axes}")
    return _of_matrices(x, ord, axes, keepdims)


def _extreme(x: Any, ord: float, axis: Any, keepdims: bool) -> Any:
    """The largest or the smallest; the largest of nothing is 0."""
    f = np.min if ord < 0 else np.max if x.size else np.sum
    return f(x, axis=axis, keepdims=keepdims)


def _of_matrices(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord == "fro":
        return _ROW["vector_norm"](x, axes, keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(np.moveaxis(x, axes, (-2, -1)))
        out = np.sum(values, axis=-1) if ord == "nuc" else _extreme(values, ord, -1, False)
        return np.expand_dims(out, axes) if keepdims else out
    if ord not in (1, -1, math.inf, -math.inf):
        raise DomainError(f"linalg.norm: ord={ord!r} is no norm of matrices")
    summed, left = axes if abs(ord) == 1 else axes[::-1]
    sums = np.sum(np.abs(x), axis=summed, keepdims=True)
    out = _extreme(sums, ord, left, keepdims=True)
    return out if keepdims else np.squeeze(out, axis=axes)


@composite("linalg.diagonal", np.linalg.diagonal)
def diagonal(x: Any, /, *, offset: int = 0) -> Any:
    """The entries with indices ``(i, i + offset)`` in the last two axes."""
    return np.diagonal(as_tensor(x), offset, -2, -1)


@composite("linalg.trace", np.linalg.trace)
def trace(x: Any, /, *, offset: int = 0) -> Any:
    """Sum of the diagonal in the last two axes."""
    return np.sum(diagonal(x, offset=offset), axis=-1)


@composite("linalg.cross", np.linalg.cross)
def cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    """Vector product of 3-vectors along `axis`."""
    return FUNCTIONS["cross"](x1, x2, axis=axis)
