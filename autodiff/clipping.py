"""Gradients shortened where they are too long."""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Any

import numpy as np

from autodiff.errors import DomainError, require_number
from autodiff.op import asarray, overridable
from autodiff.sparse import RowGrad, coalesced
from autodiff.tracked import Tracked

__all__ = ["clip_grad_norm"]


def clip_grad_norm(params: Iterable[Any], max_norm: float) -> float:
    """Shorten the gradients, taken together as one vector, to at most `max_norm`.

    A norm that is infinite or a nan leaves them as they are.

    Parameters
    ----------
    params : iterable of Tensor or Scalar
        Those without a gradient are passed over.
    max_norm : float

    Returns
    -------
    float
        The norm before.

    Raises
    ------
    DomainError
        If `max_norm` is not above zero.

    References
    ----------
    Pascanu, Mikolov and Bengio 2013, On the difficulty of training recurrent neural networks,
    alg. 1.

    Examples
    --------
    >>> import autodiff as ad
    >>> w = ad.Parameter([0.0, 0.0])
    >>> w.grad = ad.Tensor([3.0, 4.0]).data
    >>> ad.optim.clip_grad_norm([w], 1.0)
    5.0
    >>> w.grad
    array([0.6, 0.8])
    """
    require_number(max_norm, "max_norm")
    if not 0 < max_norm < inf:
        raise DomainError(f"max_norm={max_norm} is not above zero")
    used = [p for p in params if p.grad is not None]
    norm = _length([_norm(p.grad) for p in used])
    factor = np.where((max_norm < norm) & (norm < inf), max_norm / _not_zero(norm), 1.0)
    if not hasattr(norm, "is_traced"):
        norm, factor = float(norm), float(factor)
        used = used if factor != 1 else []
    for p in used:
        p.grad = p.grad * _weak(factor, p.grad)
    return norm  # type: ignore[no-any-return]


def _weak(factor: Any, g: Any) -> Any:
    """A number that keeps the dtype of the gradient."""
    return factor.astype(g.dtype) if hasattr(factor, "is_traced") else factor


def _norm(g: Any) -> Any:
    """Euclidean norm in float64."""
    if isinstance(g, RowGrad):
        return _norm_of_rows(g.values, g.rows)
    return _length(np.abs(asarray(g._value if isinstance(g, Tracked) else g, np.float64)).ravel())


@overridable
def _norm_of_rows(values: Any, rows: Any) -> Any:
    """The same for rows, of which those that are the same one are added up first."""
    return _norm(coalesced(values, rows)[1])


def _length(x: Any) -> Any:
    """Square root of the sum of squares, scaled by the largest, so that no square overflows."""
    x = np.stack(x) if isinstance(x, list) and x else asarray(x)
    if not x.size:
        return np.float64(0.0)
    peak = np.max(x)
    regular = (peak > 0) & (peak < inf)
    part = x / np.where(regular, peak, 1.0)
    return np.where(regular, peak * np.sqrt(np.sum(part * part)), peak)[()]


def _not_zero(x: Any) -> Any:
    return np.where(x == 0, 1.0, x)
