"""Products of arrays under numpy's names, made of the rows matmul, tensordot, einsum and cross."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, ShapeError
from autodiff.functions import FUNCTIONS, ArrayLike, as_tensor, composite
from autodiff.ops.einsum import canonical
from autodiff.tensor import Tensor

__all__ = [
    "cross",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matrix_transpose",
    "outer",
    "trace",
    "vdot",
    "vecdot",
]

_CROSS, _EINSUM = FUNCTIONS["cross"], FUNCTIONS["einsum"]
_MATMUL, _TENSORDOT = FUNCTIONS["matmul"], FUNCTIONS["tensordot"]


@composite("dot", np.dot, method=True)
def dot(a: ArrayLike, b: ArrayLike) -> Any:
    """Sum over the last axis of `a` and the last but one of `b`; a number multiplies."""
    x, y = as_tensor(a), as_tensor(b)
    if not x.ndim or not y.ndim:
        return x * y
    if y.ndim <= 2 or x.ndim == 1:
        return _MATMUL(x, y)
    return _TENSORDOT(x, y, ((-1,), (-2,)))


@composite("inner", np.inner)
def inner(a: ArrayLike, b: ArrayLike) -> Any:
    """Sum over the last axes of both; a number multiplies."""
    x, y = as_tensor(a), as_tensor(b)
    return _TENSORDOT(x, y, ((-1,), (-1,))) if x.ndim and y.ndim else x * y


@composite("vdot", np.vdot)
def vdot(a: ArrayLike, b: ArrayLike) -> Any:
    """Sum of the products of all entries, both arrays flattened."""
    return _MATMUL(np.reshape(as_tensor(a), (-1,)), np.reshape(as_tensor(b), (-1,)))


@composite("vecdot", np.vecdot, np.linalg.vecdot)
def vecdot(x1: ArrayLike, x2: ArrayLike, axis: int = -1) -> Any:
    """Sum of products along `axis`, broadcasting over the others."""
    x, y = as_tensor(x1), as_tensor(x2)
    if not x.ndim or not y.ndim:
        raise ShapeError(f"vecdot: shapes {x.shape} and {y.shape}; numbers have no axis to sum")
    return np.sum(x * y, axis=axis)


@composite("outer", np.outer, np.linalg.outer)
def outer(a: ArrayLike, b: ArrayLike) -> Any:
    """Product of each entry of `a` with each of `b`, both flattened."""
    return np.reshape(as_tensor(a), (-1, 1)) * np.reshape(as_tensor(b), (1, -1))


@composite("kron", np.kron)
def kron(a: ArrayLike, b: ArrayLike) -> Any:
    """Kronecker product: `b` times each entry of `a`, in blocks."""
    x, y = as_tensor(a), as_tensor(b)
    ndim = max(x.ndim, y.ndim)
    rows, columns = ((1,) * (ndim - z.ndim) + z.shape for z in (x, y))
    apart = np.reshape(x, [n for pair in zip(rows, (1,) * ndim, strict=True) for n in pair])
    blocks = np.reshape(y, [n for pair in zip((1,) * ndim, columns, strict=True) for n in pair])
    return np.reshape(apart * blocks, tuple(n * m for n, m in zip(rows, columns, strict=True)))


@composite("cross", np.cross)
def cross(
    a: ArrayLike,
    b: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> Any:
    """Vector product of 3-vectors along `axis` (or along an axis of each)."""
    axisa, axisb, axisc = (axisa, axisb, axisc) if axis is None else (axis,) * 3
    x, y = _to_end(as_tensor(a), axisa), _to_end(as_tensor(b), axisb)
    out = _CROSS(x, y)
    return out if axisc in (-1, out.ndim - 1) else np.moveaxis(out, -1, axisc)


def _to_end(x: Any, axis: int) -> Any:
    return x if axis in (-1, x.ndim - 1) else np.moveaxis(x, axis, -1)


@composite("matrix_transpose", np.matrix_transpose, np.linalg.matrix_transpose)
def matrix_transpose(x: ArrayLike) -> Any:
    """The last two axes exchanged."""
    x = as_tensor(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: shape {x.shape} has no two axes")
    return np.swapaxes(x, -1, -2)


setattr(Tensor, "mT", property(matrix_transpose))  # noqa: B010 - unknown to its class body


@composite("trace", np.trace, method=True)
def trace(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    """Sum along a diagonal."""
    return np.sum(np.diagonal(as_tensor(a), offset, axis1, axis2), axis=-1)


@composite("einsum", np.einsum)
def einsum(*operands: Any, optimize: Any = False) -> Any:
    """Einstein's summation convention, in both of numpy's spellings.

    Parameters
    ----------
    *operands
        ``"ij,jk->ik", x, y``, or ``x, [0, 1], y, [1, 2], [0, 2]``. An index may occur more than
        once in an operand (a diagonal), be left out of the output (a sum), and be hidden in an
        ellipsis; an axis of length 1 is broadcast. Without ``->`` the output has the indices
        that occur once, in alphabetical order.
    optimize : bool or str
        Whether to look for a good order of pairwise products, as in numpy.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> ad.grad(lambda x: ad.einsum("ii", x))(np.ones((2, 2)))
    array([[1., 0.],
           [0., 1.]])
    """
    if not isinstance(operands[0], str):
        if any(isinstance(x, str) for x in operands):
            raise DTypeError("einsum: the subscripts come first, as in einsum('ij->ji', x)")
        operands = _from_lists(operands)
    tensors = [as_tensor(x) for x in operands[1:]]
    try:
        subscripts = canonical(operands[0], [x.ndim for x in tensors])
    except ValueError as error:
        raise ShapeError(f"einsum: {error}") from error
    return _EINSUM(tensors, subscripts, optimize)


def _from_lists(operands: tuple[Any, ...]) -> tuple[Any, ...]:
    count = len(operands) // 2
    terms = [_letters(term) for term in operands[1 : 2 * count : 2]]
    output = [f"->{_letters(operands[-1])}"] if len(operands) % 2 else []
    return (",".join(terms) + "".join(output), *operands[: 2 * count : 2])


def _letters(term: Any) -> str:
    # In the order of their codes, since an output that is not spelt out is sorted.
    return "".join("..." if i is Ellipsis else sorted(string.ascii_letters)[i] for i in term)
