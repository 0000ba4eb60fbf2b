"""Whole matrices of derivatives, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.arguments import argument_numbers, require_arguments, require_tuple
from autodiff.transforms import grad, jvp, vjp

__all__ = ["hessian", "hvp", "jacobian"]


def hvp(
    f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, ...]:
    """Hessian of a scalar function times `tangents`, forward over reverse.

    Parameters
    ----------
    f : callable
        Returns one number.
    primals, tangents : tuple
        The arguments, and for each a tangent of the same shape (or tree of shapes).

    Returns
    -------
    tuple
        For each primal an array of its shape (or a tree of them).

    Raises
    ------
    ShapeError
        If the result is not one number, or shapes differ.

    Notes
    -----
    Costs a few evaluations of `f`, since the Hessian itself is never formed (Pearlmutter 1994).

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> ad.hvp(lambda x: ad.sum(x**3), (np.array([1.0, 2.0]),), (np.array([1.0, 1.0]),))
    (array([ 6., 12.]),)
    """
    require_tuple(primals, "primals")
    gradient = grad(f, tuple(range(len(primals))))
    return jvp(gradient, tuple(primals), tuple(tangents), allow_unused=True)[1]  # type: ignore[no-any-return]


def jacobian(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, allow_unused: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the Jacobian: shape of the result + shape of the argument.

    Where the result is a tree, so is the Jacobian; where an argument is a tree, there is such a
    tree in place of each array. It works backwards, a row at a time, or forwards, a column at a
    time, whichever is fewer.

    Parameters
    ----------
    f : callable
    argnums : int or tuple of int
        By which arguments; for several there is a tuple of Jacobians.
    allow_unused : bool
        Give zeros for an argument that the result does not depend on, instead of a GraphError.

    Returns
    -------
    callable
        Takes what `f` takes.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> ad.jacobian(lambda x: x * x)(np.array([1.0, 2.0]))
    array([[2., 0.],
           [0., 4.]])
    """

    numbers = argument_numbers(argnums)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        require_arguments(numbers, args)
        blocks = tuple(_jacobian(f, i, args, kwargs, allow_unused) for i in numbers)
        return blocks[0] if isinstance(argnums, int) else blocks

    return call


def _jacobian(
    f: Callable[..., Any], i: int, args: tuple[Any, ...], kwargs: Any, allow_unused: bool
) -> Any:
    def alone(x: Any) -> Any:
        filled = list(args)
        filled[i] = x
        return f(*filled, **kwargs)

    x = args[i]
    value, pullback = vjp(alone, x, allow_unused=allow_unused)
    if _size(value) <= _size(x):
        rows = [tree.flatten(pullback(unit)[0])[0] for unit in _units(value)]
        blocks = _blocks(rows, value, x)
    else:
        pushed = (jvp(alone, (x,), (unit,), allow_unused)[1] for unit in _units(x))
        columns = [tree.flatten(out)[0] for out in pushed]
        blocks = _transposed(_blocks(columns, x, value), x, value)
    (_, inner), (_, outer) = tree.flatten(x), tree.flatten(value)
    return tree.unflatten(outer, [tree.unflatten(inner, row) for row in blocks])


def _shapes(value: Any) -> list[tuple[int, ...]]:
    return [np.shape(leaf) for leaf in tree.flatten(value)[0]]


def _size(value: Any) -> int:
    return sum(int(np.prod(shape)) for shape in _shapes(value))


def _units(value: Any) -> Any:
    """Trees like `value`, of zeros with a one at each place in turn."""
    leaves, definition = tree.flatten(value)
    for i, leaf in enumerate(leaves):
        for k in range(int(np.prod(np.shape(leaf)))):
            zeros = [np.zeros(np.shape(other)) for other in leaves]
            zeros[i].reshape(-1)[k] = 1.0
            yield tree.unflatten(definition, zeros)


def _blocks(found: list[list[Any]], along: Any, across: Any) -> list[list[Any]]:
    """Each leaf of `along` by each of `across`, from what was found for each unit of `along`."""
    blocks, start, dtypes = [], 0, [getattr(x, "dtype", float) for x in tree.flatten(across)[0]]
    for shape in _shapes(along):
        stop = start + int(np.prod(shape))
        parts = zip(*found[start:stop], strict=True) if stop > start else [[]] * len(dtypes)
        joined = zip(parts, _shapes(across), dtypes, strict=True)
        blocks.append([_joined(list(p), (*shape, *inner), dtype) for p, inner, dtype in joined])
        start = stop
    return blocks


def _joined(parts: list[Any], shape: tuple[int, ...], dtype: Any) -> Any:
    return np.reshape(np.stack(parts), shape) if parts else np.zeros(shape, dtype)


def _transposed(blocks: list[list[Any]], along: Any, across: Any) -> list[list[Any]]:
    def turned(block: Any, n: int) -> Any:
        return np.transpose(block, (*range(n, np.ndim(block)), *range(n)))

    ranks = [len(shape) for shape in _shapes(along)]
    return [
        [turned(row[j], n) for row, n in zip(blocks, ranks, strict=True)]
        for j in range(len(_shapes(across)))
    ]


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """Make a function that returns the Hessian of a scalar function.

    For several arguments, and for trees, it is laid out as `jacobian` of `grad`: for each leaf
    of the gradient, a tree of derivatives by each leaf.

    Parameters
    ----------
    f : callable
        Returns one number.
    argnums : int or tuple of int
        By which arguments.

    Returns
    -------
    callable
        Takes what `f` takes, and gives an array of shape x.shape + x.shape for the argument x.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> ad.hessian(lambda x: x[0] * x[1])(np.array([3.0, 4.0]))
    array([[0., 1.],
           [1., 0.]])
    """
    numbers = argument_numbers(argnums)
    if isinstance(argnums, int):
        return jacobian(grad(f, argnums), argnums, allow_unused=True)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        require_arguments(numbers, args)

        def gradient(chosen: tuple[Any, ...]) -> Any:
            filled = list(args)
            for i, x in zip(argnums, chosen, strict=True):
                filled[i] = x
            return grad(f, argnums)(*filled, **kwargs)

        return jacobian(gradient, allow_unused=True)(tuple(args[i] for i in argnums))

    return call
