"""Factors of matrices, and of stacks of them.

The rules follow Seeger et al. (Auto-differentiating linear algebra, 2017), Townsend
(Differentiating the singular value decomposition, 2016) and Walter and Lehmann (Algorithmic
differentiation of linear algebra functions with application in optimum experimental design, 2010).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.errors import DomainError, ShapeError, describe
from autodiff.op import op, overridable, rare, register
from autodiff.ops.inverse import attempt, eye, parts, require_square, solve
from autodiff.sparse import Parts


def _lower(x: Any) -> Any:
    """Ones below the diagonal and a half on it: what a symmetric sum keeps of one triangle."""
    return np.tri(x.shape[-1], dtype=x.dtype) - 0.5 * eye(x)


@overridable
def _cholesky(x: Any) -> Any:
    """Lower triangular L with ``L @ L.T = x``.

    Reads the lower triangle of x only, as numpy does, and so the gradient has zeros above.
    ``cholesky((x + x.T) / 2)`` has the same value for a symmetric x, and a symmetric gradient.
    """
    require_square("cholesky", x)
    return attempt("cholesky", np.linalg.cholesky, x)


def _cholesky_x(g: Any, out: Any) -> Any:
    """``inv(L).mT @ lower(L.mT @ g) @ inv(L)`` made symmetric, lower halving the diagonal."""
    middle = np.matmul(out.mT, g) * _lower(out)
    s = solve(out.mT, solve(out.mT, middle).mT)
    return (s + s.mT) * _lower(out)


def _qr(x: Any) -> Any:
    """``(Q, R)`` with as many columns in Q, and rows in R, as the shorter side of x."""
    return tuple(np.linalg.qr(x))


def _qr_x(g: Any, out: Any) -> Any:
    (q, r), (by_q, by_r) = out, parts(g, 2)
    k = q.shape[-1]
    if r.shape[-1] == k:
        return _qr_tall(q, r, by_q, by_r)
    # Of a wide matrix, the first columns have the same Q, and the others are Q times those of R.
    if by_r is None:
        by_r = np.zeros(r.shape, r.dtype)
    others = np.matmul(np.matmul(q, r[..., k:]), by_r[..., k:].mT)
    first = _qr_tall(q, r[..., :k], others if by_q is None else by_q + others, by_r[..., :k])
    return np.concatenate([first, np.matmul(q, by_r[..., k:])], axis=-1)


def _qr_tall(q: Any, r: Any, by_q: Any, by_r: Any) -> Any:
    m: Any = 0.0 if by_r is None else np.matmul(r, by_r.mT)
    m = m if by_q is None else m - np.matmul(by_q.mT, q)
    below = m * np.tri(r.shape[-1], dtype=r.dtype)
    sides = np.matmul(q, below + (below - m * eye(r)).mT)
    return solve(r, (sides if by_q is None else sides + by_q).mT).mT


@overridable
def _eigh(x: Any, UPLO: str = "L") -> Any:
    """``(eigenvalues, eigenvectors)`` of symmetric matrices, of which one triangle is read.
    Vectors of equal eigenvalues have no derivative."""
    require_square("eigh", x)
    return tuple(attempt("eigh", np.linalg.eigh, x, UPLO))


def _triangle(x: Any, UPLO: str) -> Any:
    return _lower(x) if UPLO.upper() == "L" else _lower(x).T


def _eigh_x(g: Any, out: Any, UPLO: str) -> Any:
    """``v @ (diag(g_w) + (v.mT @ g_v) / (w_j - w_i)) @ v.mT``, all on the triangle that is read."""
    (w, v), (by_w, by_v) = out, parts(g, 2)
    middle: Any = 0.0 if by_w is None else by_w[..., None] * eye(v)
    if by_v is not None:
        turning, used = _turning(by_v, v)
        middle = middle + turning / _gaps("eigh: eigenvectors of equal eigenvalues", w, used)
    s = np.matmul(np.matmul(v, middle), v.mT)
    return (s + s.mT) * _triangle(v, UPLO)


def _eigh_jvp(g: Any, out: Any, UPLO: str) -> Any:
    (w, v), one = out, g[0] * _triangle(out[1], UPLO)
    m = np.matmul(np.matmul(v.mT, one + one.mT), v)
    along_w = np.sum(m * eye(v), axis=-1)
    return along_w, np.matmul(v, m / _gaps_or_nan(w))


def _difference(w: Any) -> tuple[Any, Any]:
    """``w_j - w_i``, and whether it is zero to rounding."""
    gap = w[..., None, :] - w[..., :, None]
    return gap, np.abs(gap) <= _noise(w)[..., None]


def _noise(w: Any) -> Any:
    """What rounding makes of a zero among `w`."""
    if not w.shape[-1]:
        return np.zeros((*w.shape[:-1], 1), w.dtype)
    return w.shape[-1] * np.finfo(w.dtype).eps * np.max(np.abs(w), axis=-1, keepdims=True)


def _gaps(what: str, w: Any, used: Any) -> Any:
    """``w_j - w_i``, infinite where that is zero.

    The derivative of a vector is a sum over the other vectors, divided by the gaps. Within an
    eigenspace the vectors may be turned at will, so no use may be made of their directions there.
    """
    gap, same = _difference(w)
    if rare(np.any(same & ~np.eye(w.shape[-1], dtype=bool) & used)):
        raise DomainError(
            f"linalg.{what} have no derivative, since they may be turned at will; a function of "
            "the values alone has one"
        )
    return gap + np.where(same, np.inf, 0.0).astype(w.dtype)


def _turning(by_q: Any, q: Any) -> tuple[Any, Any]:
    """The antisymmetric half of ``q.T @ by_q``, a turn of the vectors among themselves; and where
    that is more than rounding makes of a zero."""
    if by_q is None:
        return 0.0, False
    m = np.matmul(q.mT, by_q)
    return (m - m.mT) / 2, np.abs(m) > 100 * _noise(_flat(by_q))[..., None]


def _flat(x: Any) -> Any:
    """The entries of each matrix along one axis."""
    return np.reshape(x, (*x.shape[:-2], x.shape[-2] * x.shape[-1]))


def _gaps_or_nan(w: Any) -> Any:
    """The same for forward mode, which does not know what is used: nan within an eigenspace."""
    gap, same = _difference(w)
    other = np.where(np.eye(w.shape[-1], dtype=bool), np.inf, np.nan)
    return gap + np.where(same, other, 0.0).astype(w.dtype)


@overridable
def _svd(x: Any) -> Any:
    """``(U, S, Vh)`` with as many vectors as there are singular values. Vectors of equal singular
    values have no derivative."""
    if np.ndim(x) < 2:
        raise ShapeError(f"linalg.svd({describe(x)}): takes matrices, or a stack of them")
    return tuple(attempt("svd", np.linalg.svd, x, False))


def _svd_x(g: Any, out: Any) -> Any:
    """With a and b the antisymmetric halves of ``U.T gU`` and ``V.T gV``, the published
    ``2 (a s_j + s_i b) / (s_j^2 - s_i^2)`` is ``(a + b) / (s_j - s_i) + (a - b) / (s_j + s_i)``,
    which does not lose the digits that squares lose.
    """
    (u, s, vh), (by_u, by_s, by_vh) = out, parts(g, 3)
    by_v = None if by_vh is None else by_vh.mT
    middle: Any = 0.0
    if by_s is not None:  # at a singular value of 0 there is a kink, as in absolute
        middle = (by_s * (s > _noise(s)))[..., None] * np.eye(s.shape[-1], dtype=s.dtype)
    if by_u is not None or by_v is not None:
        (a, used_u), (b, used_v) = _turning(by_u, u), _turning(by_v, vh.mT)
        apart = _gaps("svd: vectors of equal singular values", s, used_u | used_v)
        total = s[..., None, :] + s[..., :, None]
        middle = middle + (a + b) / apart + (a - b) / (total + (total == 0))
    x = np.matmul(np.matmul(u, middle), vh)
    if by_u is not None and u.shape[-2] > u.shape[-1]:
        x = x + np.matmul(_beside(by_u, u) / _above_zero(s), vh)
    if by_v is not None and vh.shape[-1] > vh.shape[-2]:
        x = x + np.matmul(u, (_beside(by_v, vh.mT) / _above_zero(s)).mT)
    return x


def _beside(by_q: Any, q: Any) -> Any:
    """The part of `by_q` at right angles to all of `q`."""
    return by_q - np.matmul(q, np.matmul(q.mT, by_q))


def _above_zero(s: Any) -> Any:
    if rare(np.any(s <= _noise(s))):
        raise DomainError(
            "linalg.svd: vectors of a singular value of 0 have no derivative, since they may be "
            "turned at will; a function of the singular values alone has one"
        )
    return s[..., None, :]


def _svd_jvp(g: Any, out: Any) -> Any:
    (u, s, vh), t = out, g[0]
    p = np.matmul(np.matmul(u.mT, t), vh.mT)
    row, column = s[..., None, :], s[..., :, None]
    total = row + column
    gaps = _gaps_or_nan(s) * (total + (total == 0))
    turn_u, turn_v = (p * row + column * p.mT) / gaps, (column * p + p.mT * row) / gaps
    over = row + np.where(s > _noise(s), 0.0, np.nan).astype(s.dtype)[..., None, :]
    along_u, along_v = np.matmul(u, turn_u), np.matmul(vh.mT, turn_v)
    if u.shape[-2] > u.shape[-1]:
        along_u = along_u + _beside(np.matmul(t, vh.mT), u) / over
    if vh.shape[-1] > vh.shape[-2]:
        along_v = along_v + _beside(np.matmul(t.mT, u), vh.mT) / over
    along_s = np.diagonal(p, axis1=-2, axis2=-1) * (s > _noise(s))
    return along_u, along_s, along_v.mT


register([
    op("cholesky", _cholesky, _cholesky_x, numpy=(), namespace="linalg", domain="definite"),
    op("qr", _qr, _qr_x, outputs=2, lazy=Parts, numpy=(), namespace="linalg"),
    op("eigh", _eigh, _eigh_x, jvp=_eigh_jvp, outputs=2, lazy=Parts, numpy=np.linalg.eigh,
       namespace="linalg", aliases={"a": "x"}),
    op("svd", _svd, _svd_x, jvp=_svd_jvp, outputs=3, lazy=Parts, numpy=(), namespace="linalg"),
])  # fmt: skip
