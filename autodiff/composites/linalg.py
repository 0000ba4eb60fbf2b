"""Functions of ``numpy.linalg`` made of rows: norms, factors in numpy's forms, least squares."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from autodiff.errors import DomainError, ShapeError
from autodiff.functions import FUNCTIONS, ArrayLike, as_tensor, composite
from autodiff.op import rare
from autodiff.tensor import Tensor

__all__ = [
    "cholesky", "cond", "cross", "diagonal", "eigh", "eigvalsh", "lstsq", "matrix_norm",
    "matrix_power", "multi_dot", "norm", "pinv", "qr", "slogdet", "svd", "svdvals", "tensorinv",
    "tensorsolve", "trace", "vector_norm",
]  # fmt: skip

_ROWS = ("cholesky", "eigh", "inv", "pinv", "qr", "slogdet", "solve", "svd", "vector_norm")
_ROW = {name: FUNCTIONS[f"linalg.{name}"] for name in _ROWS}
_WHERE = FUNCTIONS["where"]


# The names of numpy's own results.
class EighResult(NamedTuple):
    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    Q: Tensor
    R: Tensor


class SVDResult(NamedTuple):
    U: Tensor
    S: Tensor
    Vh: Tensor


class SlogdetResult(NamedTuple):
    sign: Tensor
    logabsdet: Tensor


@composite("linalg.cholesky", np.linalg.cholesky)
def cholesky(a: ArrayLike, /, *, upper: bool = False) -> Any:
    """Triangular factor of symmetric positive definite matrices.

    The lower L with ``L @ L.T = a``, or the upper ``L.T``. It reads that triangle of `a` only, as
    numpy does, and so its gradient has zeros in the other. ``cholesky((a + a.T) / 2)`` has the
    same value and a symmetric gradient.
    """
    a = as_tensor(a)
    return _ROW["cholesky"](a.mT).mT if upper else _ROW["cholesky"](a)


@composite("linalg.qr", np.linalg.qr)
def qr(a: ArrayLike, mode: str = "reduced") -> QRResult | Any:
    """``(Q, R)`` with orthonormal columns in Q and triangular R; with ``mode="r"`` R alone."""
    if mode not in ("reduced", "r"):
        raise DomainError(
            f"linalg.qr: mode={mode!r} has no derivative here: 'reduced' and 'r' have"
        )
    q, r = _ROW["qr"](a)
    return r if mode == "r" else QRResult(q, r)


@composite("linalg.eigh", np.linalg.eigh)
def eigh(a: ArrayLike, UPLO: str = "L") -> EighResult:
    """Eigenvalues, in rising order, and eigenvectors of symmetric matrices.

    One triangle is read, and so the gradient has zeros in the other. Eigenvectors of equal
    eigenvalues have no derivative, and to use one is a DomainError.
    """
    return EighResult(*_ROW["eigh"](a, UPLO.upper()))


@composite("linalg.eigvalsh", np.linalg.eigvalsh)
def eigvalsh(a: ArrayLike, UPLO: str = "L") -> Any:
    """Eigenvalues of symmetric matrices, in rising order."""
    return eigh(a, UPLO)[0]


@composite("linalg.svd", np.linalg.svd)
def svd(a: ArrayLike, full_matrices: bool = True, compute_uv: bool = True) -> SVDResult | Any:
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
def svdvals(x: ArrayLike, /) -> Any:
    """Singular values, in falling order."""
    return svd(x, compute_uv=False)


@composite("linalg.slogdet", np.linalg.slogdet)
def slogdet(a: ArrayLike) -> SlogdetResult:
    """Sign of the determinant and logarithm of its size."""
    return SlogdetResult(*_ROW["slogdet"](a))


@composite("linalg.pinv", np.linalg.pinv)
def pinv(a: ArrayLike, rcond: Any = None, *, rtol: Any = None) -> Any:
    """Pseudoinverse; singular values of at most `rcond` (or `rtol`) times the largest count as 0.

    The gradient is along matrices of the same rank.
    """
    least = rcond if rtol is None else rtol
    return _ROW["pinv"](a, 1e-15 if least is None else least)


@composite("linalg.matrix_power", np.linalg.matrix_power)
def matrix_power(a: ArrayLike, n: int) -> Any:
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
def lstsq(a: ArrayLike, b: ArrayLike, rcond: Any = None) -> tuple[Tensor, Tensor, Any, Tensor]:
    """The x of least norm that brings ``a @ x`` nearest to `b`, first of numpy's four results.

    The others are the sums of squared residuals, the rank and the singular values. Differentiable
    by both arguments, along matrices of the same rank (Golub and Pereyra 1973).

    Raises
    ------
    ShapeError
        If the shapes are of no system of equations.
    """
    a, b = as_tensor(a), as_tensor(b)
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ShapeError(f"linalg.lstsq: a {a.shape} and b {b.shape} are no system of equations")
    rows, columns = a.shape
    values = svdvals(a)
    eps = np.finfo(values.dtype).eps
    # As in numpy, a negative `rcond` asks for the precision of the dtype.
    least = eps * max(rows, columns) if rcond is None else eps if rcond < 0 else rcond
    x = pinv(a, least) @ b
    rank = np.sum(values > least * values[:1], dtype=np.int32)
    errors = np.sum((b - a @ x) ** 2, axis=0)
    told = columns < rows and not rare(rank < columns)
    return x, np.reshape(errors, (-1,))[: None if told else 0], rank, values


@composite("linalg.tensorsolve", np.linalg.tensorsolve)
def tensorsolve(a: ArrayLike, b: ArrayLike, axes: Any = None) -> Any:
    """The x with ``tensordot(a, x, x.ndim) = b``; `axes` of `a` are moved to its end first."""
    a, b = as_tensor(a), as_tensor(b)
    if axes is not None:
        a = np.moveaxis(a, axes, tuple(range(-len(axes), 0)))
    shape = a.shape[b.ndim :]
    square = np.reshape(a, (b.size, math.prod(shape)))
    return np.reshape(_ROW["solve"](square, np.reshape(b, (-1,))), shape)


@composite("linalg.tensorinv", np.linalg.tensorinv)
def tensorinv(a: ArrayLike, ind: int = 2) -> Any:
    """The inverse of ``tensordot(a, .., a.ndim - ind)``."""
    a = as_tensor(a)
    if ind <= 0:
        raise DomainError(f"linalg.tensorinv: ind={ind} is not positive")
    square = np.reshape(a, (math.prod(a.shape[:ind]), math.prod(a.shape[ind:])))
    return np.reshape(_ROW["inv"](square), a.shape[ind:] + a.shape[:ind])


@composite("linalg.multi_dot", np.linalg.multi_dot)
def multi_dot(arrays: Sequence[ArrayLike]) -> Any:
    """Product of two or more matrices in the order that takes fewest multiplications.

    The first and the last may be vectors. The order is found by dynamic programming (Cormen et al.,
    Introduction to Algorithms, "Matrix-chain multiplication").
    """
    factors = [as_tensor(a) for a in arrays]
    ndims = [a.ndim for a in factors]
    if len(ndims) < 2 or {*ndims[1:-1]} - {2} or {ndims[0], ndims[-1]} - {1, 2}:
        shapes = ", ".join(str(a.shape) for a in factors)
        raise ShapeError(f"linalg.multi_dot: takes two matrices or more, not shapes [{shapes}]")
    rows = factors[0].shape[0] if ndims[0] == 2 else 1
    columns = [a.shape[1] if a.ndim == 2 else a.shape[0] for a in factors[:-1]]
    return _product(factors, (rows, *columns, factors[-1].shape[1] if ndims[-1] == 2 else 1))


def _product(factors: list[Any], lengths: tuple[int, ...]) -> Any:
    if len(factors) == 1:
        return factors[0]
    _, k = _split(lengths)
    return _product(factors[:k], lengths[: k + 1]) @ _product(factors[k:], lengths[k:])


@lru_cache
def _split(lengths: tuple[int, ...]) -> tuple[int, int]:
    """``(multiplications, k)`` where matrix i has ``lengths[i : i + 2]`` and the first k are
    multiplied apart from the rest."""
    ways = (
        (_split(lengths[: k + 1])[0] + _split(lengths[k:])[0] + lengths[0] * n * lengths[-1], k)
        for k, n in enumerate(lengths[1:-1], 1)
    )
    return min(ways, default=(0, 0))


@composite("linalg.cond", np.linalg.cond)
def cond(x: ArrayLike, p: Any = None) -> Any:
    """Condition number: the norm of the matrix times that of its inverse.

    `p` is an order of `matrix_norm`; 2, the default, and -2 take singular and oblong matrices too.
    """
    if 0 in np.shape(x)[-2:]:
        raise ShapeError(f"linalg.cond: matrices of shape {np.shape(x)} have no entries")
    if p not in (None, 2, -2):
        return matrix_norm(x, ord=p) * matrix_norm(_ROW["inv"](x), ord=p)
    values = svdvals(x)
    largest, smallest = values[..., 0], values[..., -1]
    with np.errstate(divide="ignore"):  # infinite for a singular matrix
        return smallest / largest if p == -2 else largest / smallest


@composite("linalg.vector_norm", np.linalg.vector_norm)
def vector_norm(x: ArrayLike, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    """``sum(abs(x) ** ord) ** (1 / ord)`` over `axis` (int, tuple, or None for all).

    An `ord` of inf or -inf takes the largest or the smallest size, 0 counts what is not 0. Where
    the norm is 0 its gradient is 0.
    """
    x = _floating(x)
    if ord == 0:
        return np.sign(np.abs(x)).sum(axis, keepdims)
    if math.isinf(ord):
        return _extreme(np.abs(x), ord, axis, keepdims)
    return _ROW["vector_norm"](x, axis, keepdims, ord)


@composite("linalg.matrix_norm", np.linalg.matrix_norm)
def matrix_norm(x: ArrayLike, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    """Norm of the matrices in the last two axes: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    return _of_matrices(_floating(x), ord, (-2, -1), keepdims)


@composite("linalg.norm", np.linalg.norm)
def norm(x: ArrayLike, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    """Norm of vectors, or of matrices if there are two axes, in all of numpy's orders.

    Without `ord`, the root of the sum of all squares. Where a norm is 0 its gradient is 0.
    """
    x = _floating(x)
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


def _floating(x: Any) -> Any:
    """As in numpy's norms: the powers of small integers would overflow."""
    x = as_tensor(x)
    return x if x.dtype.kind == "f" else x.astype(float)


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
def diagonal(x: ArrayLike, /, *, offset: int = 0) -> Any:
    """The entries with indices ``(i, i + offset)`` in the last two axes."""
    return np.diagonal(as_tensor(x), offset, -2, -1)


@composite("linalg.trace", np.linalg.trace)
def trace(x: ArrayLike, /, *, offset: int = 0) -> Any:
    """Sum of the diagonal in the last two axes."""
    return np.sum(diagonal(x, offset=offset), axis=-1)


@composite("linalg.cross", np.linalg.cross)
def cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> Any:
    """Vector product of 3-vectors along `axis`."""
    return FUNCTIONS["cross"](x1, x2, axis=axis)
