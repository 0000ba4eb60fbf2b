"""Inverses, linear equations and determinants of matrices, and of stacks of them.

The rules follow Giles (An extended collection of matrix derivative results for forward and
reverse mode algorithmic differentiation, 2008) and, for the pseudoinverse, Golub and Pereyra (The
differentiation of pseudo-inverses and nonlinear least squares problems, 1973).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import DomainError, ShapeError, describe
from autodiff.op import is_array, op, overridable, register
from autodiff.sparse import Parts


class MatrixError(DomainError, np.linalg.LinAlgError):  # type: ignore[misc]
    """A matrix without the inverse or factor asked for: singular, or not positive definite."""


def attempt(name: str, f: Callable[..., Any], *args: Any) -> Any:
    """Call a function of numpy.linalg; where a matrix does not let it, say which and why."""
    try:
        return f(*args)
    except np.linalg.LinAlgError as error:
        given = ", ".join(map(describe, args))
        raise MatrixError(f"linalg.{name}({given}): {str(error).lower()}") from error


def require_square(name: str, x: Any) -> None:
    """Refuse what is not a square matrix, or a stack of them."""
    shape = np.shape(x)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise ShapeError(f"linalg.{name}({describe(x)}): takes square matrices, or a stack of them")


def parts(g: Any, count: int) -> list[Any]:
    """The cotangents of several results; None for those that were not used."""
    return [g.grads.get(i) for i in range(count)] if isinstance(g, Parts) else list(g)


def eye(x: Any) -> Any:
    """The identity like the square matrix `x`."""
    return np.eye(x.shape[-1], dtype=x.dtype)


@overridable
def inverse(x: Any) -> Any:
    """Inverse of each matrix."""
    require_square("inv", x)
    return attempt("inv", np.linalg.inv, x)


@overridable
def solve(a: Any, b: Any) -> Any:
    """The x with ``a @ x = b``; b is a vector if it has one axis, else a stack of matrices."""
    require_square("solve", a)
    return attempt("solve", np.linalg.solve, a, b)


def _solve_b(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    return solve(a.mT, g[..., None])[..., 0] if len(b_shape) == 1 else solve(a.mT, g)


def _solve_a(g: Any, out: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    """``-solve(a.mT, g) @ out.mT``."""
    by_b = _solve_b(g, a, b_shape)
    if len(b_shape) == 1:
        return -by_b[..., :, None] * out[..., None, :]
    return -np.matmul(by_b, out.mT)


def _det(x: Any) -> Any:
    """Determinant; its gradient, the cofactors, is right for a singular matrix too."""
    require_square("det", x)
    return np.linalg.det(x)


@overridable
def cofactors(x: Any) -> Any:
    """``det(x) * inv(x).T``, by the singular values, so that x may be singular."""
    require_square("cofactors", x)
    u, s, vh = _factors(x)
    return _sign(u, vh) * np.matmul(u * _product_without(s, 1)[..., None, :], vh)


def _factors(x: Any) -> Any:
    """Singular value decomposition; of a matrix that is not finite, nan instead of an error."""
    finite = np.all(np.isfinite(x), axis=(-1, -2), keepdims=True)
    u, s, vh = np.linalg.svd(np.where(finite, x, eye(x)))
    return u, s + np.where(finite, 0, np.nan).astype(x.dtype)[..., 0], vh


def _sign(u: Any, vh: Any) -> Any:
    return np.sign(np.linalg.det(np.matmul(u, vh)))[..., None, None]


def _product_without(s: Any, count: int) -> Any:
    """Product of all entries but one (or two): entry i (or i, j) leaves out i (and j)."""
    n = s.shape[-1]
    left_out = np.eye(n, dtype=bool)
    if count == 2:
        left_out = left_out[:, None, :] | left_out[None, :, :]
    spread = np.expand_dims(s, tuple(range(-1 - count, -1)))
    return np.prod(np.where(left_out, 1, spread), axis=-1)


def _cofactors_x(g: Any, x: Any) -> Any:
    """Second derivative of the determinant.

    In the basis of the singular vectors x is diagonal, and it is the sum over i != j of
    ``(X_ii Y_jj - X_ij Y_ji)`` times the product of the other singular values. On tensors, which
    is for third derivatives, x has to be regular.
    """
    if not is_array(x):
        y = inverse(x).mT
        product = np.matmul(np.matmul(y, g.mT), y)
        total = np.sum(g * y, axis=(-1, -2), keepdims=True)
        return np.linalg.det(x)[..., None, None] * (total * y - product)
    u, s, vh = _factors(x)
    others = _product_without(s, 2) * (1 - eye(x))
    g = np.matmul(np.matmul(u.mT, g), vh.mT)
    diagonal = np.matmul(others, np.sum(g * eye(x), axis=-1)[..., None]) * eye(x)
    return _sign(u, vh) * np.matmul(np.matmul(u, diagonal - others * g.mT), vh)


def _slogdet(x: Any) -> Any:
    """``(sign, logabsdet)`` of the determinant."""
    require_square("slogdet", x)
    return tuple(np.linalg.slogdet(x))


def _slogdet_x(g: Any, x: Any) -> Any:
    """``g * inv(x).mT``, for the g of the logarithm; the sign has no slope."""
    by_log = parts(g, 2)[1]
    return None if by_log is None else by_log[..., None, None] * inverse(x).mT


def _pinv(x: Any, rcond: Any = None) -> Any:
    """Pseudoinverse; the gradient is along matrices of the same rank."""
    if np.ndim(x) < 2:
        raise ShapeError(f"linalg.pinv({describe(x)}): takes matrices, or a stack of them")
    return np.linalg.pinv(x, rcond)


def _pinv_x(g: Any, out: Any, x: Any) -> Any:
    back, y = g.mT, out.mT
    left = _chain(back - _chain(x, out, back), out, y)
    right = _chain(y, out, back - _chain(back, out, x))
    return left + right - _chain(y, g, y)


def _chain(a: Any, b: Any, c: Any) -> Any:
    """``a @ b @ c`` with the shorter side of `b` inside, so that long matrices make no square."""
    if b.shape[-1] <= b.shape[-2]:
        return np.matmul(np.matmul(a, b), c)
    return np.matmul(a, np.matmul(b, c))


register([
    op("inv", inverse, lambda g, out: -np.matmul(np.matmul(out.mT, g), out.mT),
       numpy=(np.linalg.inv, inverse), namespace="linalg", aliases={"a": "x"}),
    op("solve", solve, _solve_a, _solve_b, numpy=(np.linalg.solve, solve), namespace="linalg"),
    op("det", _det, lambda g, x: g[..., None, None] * cofactors(x), numpy=np.linalg.det,
       namespace="linalg", aliases={"a": "x"}),
    op("cofactors", cofactors, _cofactors_x, numpy=cofactors, namespace="linalg"),
    op("slogdet", _slogdet, _slogdet_x, outputs=2, lazy=Parts, numpy=(), namespace="linalg",
       domain="regular"),
    op("pinv", _pinv, _pinv_x, numpy=np.linalg.pinv, namespace="linalg",
       aliases={"a": "x", "rtol": "rcond"}),
])  # fmt: skip
