"""Functions of functions: gradients, and products with the Jacobian from either side."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, overload

import numpy as np

from autodiff import tree
from autodiff.arguments import (
    argument_numbers,
    is_one_number,
    require_result,
    require_tuple,
    value_and_aux,
)
from autodiff.errors import ShapeError, describe, require_function
from autodiff.forward import push
from autodiff.leaves import Trace, plain_copy, result_of, seed_of
from autodiff.nodes import Node, TensorNode, topological
from autodiff.scalar import Scalar
from autodiff.settings import enable_grad
from autodiff.tensor import Tensor, real_array, wrap

__all__ = ["grad", "jvp", "stop_gradient", "value_and_grad", "vjp"]


P = ParamSpec("P")
T = TypeVar("T")


@overload
def value_and_grad(
    f: Callable[Concatenate[Any, P], Any], *, has_aux: bool = False, allow_unused: bool = False
) -> Callable[Concatenate[Any, P], tuple[Any, Any]]: ...
@overload
def value_and_grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...],
    has_aux: bool = False,
    allow_unused: bool = False,
) -> Callable[..., tuple[Any, Any]]: ...
def value_and_grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    allow_unused: bool = False,
) -> Callable[..., Any]:
    """Make a function that returns the value of `f` and its gradient.

    Parameters
    ----------
    f : callable
        Returns one number; with `has_aux` a pair of that and anything else.
    argnums : int or tuple of int
        Which arguments to differentiate by. Each may be an array, a number, or nested lists,
        tuples and dicts of them.
    has_aux : bool
    allow_unused : bool
        Give zeros for an argument that the result does not depend on, instead of an error.

    Returns
    -------
    callable
        ``(value, gradient)``: plain arrays, or tensors, so that they can be differentiated again,
        where a value that is tracked outside is involved: the result of an op among the
        arguments, or a leaf that `f` reaches by itself. A leaf given as an argument, such as a
        parameter, is taken for its value; give ``+leaf`` to differentiate by it again.

    Raises
    ------
    ShapeError
        If the result is not one number.
    GraphError
        If the result does not depend on an argument.
    DTypeError
        If an argument holds nothing floating.
    """

    require_function(f, "value_and_grad")
    numbers = argument_numbers(argnums)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        trace = Trace(args, numbers)
        with enable_grad():
            out = f(*trace.args, **kwargs)
            value, aux = value_and_aux(out) if has_aux else (out, None)
            seeds, order = _scalar_seed(value)
            if not allow_unused:
                trace.require_use(order)
            record = trace.differentiable(order)
            if record:
                seeds = {n: seed_of(value, None, True) for n in seeds}
            grads = trace.pull(seeds, record)
        result = grads[0] if isinstance(argnums, int) else tuple(grads)
        if not record:
            value, aux = plain_copy(value), plain_copy(aux)
        return ((value, aux), result) if has_aux else (value, result)

    return call


def _scalar_seed(value: Any) -> tuple[dict[Node, Any], list[Node]]:
    if not isinstance(value, (Tensor, Scalar)) or not value.requires_grad:
        require_result(value)
        if not is_one_number(getattr(value, "_value", value)):
            raise ShapeError(f"the function has to return one number, not {describe(value)}")
        return {}, []
    return {value._node: seed_of(value, None, False)}, topological(value._node)


@overload
def grad(
    f: Callable[Concatenate[Any, P], Any], *, has_aux: bool = False, allow_unused: bool = False
) -> Callable[Concatenate[Any, P], Any]: ...
@overload
def grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...],
    has_aux: bool = False,
    allow_unused: bool = False,
) -> Callable[..., Any]: ...
def grad(
    f: Callable[..., Any],
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    allow_unused: bool = False,
) -> Callable[..., Any]:
    """Make a function that returns the gradient of `f`; see `value_and_grad`.

    Parameters
    ----------
    f, argnums, has_aux, allow_unused
        As for `value_and_grad`.

    Returns
    -------
    callable
        The gradient alone; with `has_aux` the pair ``(gradient, aux)``.

    Examples
    --------
    >>> import autodiff as ad
    >>> def cube(x):
    ...     return x**3
    >>> print(ad.grad(cube)(2.0), ad.grad(ad.grad(cube))(2.0))
    12.0 12.0
    """
    require_function(f, "grad")
    both = value_and_grad(f, argnums, has_aux, allow_unused)

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        value, gradient = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient

    return call


def vjp(
    f: Callable[..., Any], *primals: Any, allow_unused: bool = False
) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """The value of ``f(*primals)`` and its pullback.

    Parameters
    ----------
    f : callable
    *primals
        Its arguments: arrays, numbers, or trees of them.
    allow_unused : bool
        Give zeros for an argument that the result does not depend on, instead of a GraphError.

    Returns
    -------
    value : array or tree of arrays
    pullback : callable
        ``pullback(cotangent)``, the cotangent of the value's shape (or a tree of them), returns
        a gradient for each primal. May be called more than once.

    Examples
    --------
    >>> import autodiff as ad
    >>> value, pullback = ad.vjp(lambda x: 3 * x, 2.0)
    >>> print(value, *pullback(1.0))
    6.0 3.0
    """
    require_function(f, "vjp")
    trace = Trace(primals, tuple(range(len(primals))))
    with enable_grad():
        value = f(*trace.args)
    require_result(value)
    results, definition = tree.flatten(value)
    tracked = [r for r in results if isinstance(r, (Tensor, Scalar)) and r.requires_grad]
    order = topological(*(r._node for r in tracked))
    if not allow_unused:
        trace.require_use(order)
    record = trace.differentiable(order)

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        given = tree.leaves_like(definition, cotangents)
        again = record or any(isinstance(c, (Tensor, Scalar)) and c.requires_grad for c in given)
        seeds: dict[Node, Any] = {}
        with enable_grad():
            for r, c in zip(results, given, strict=True):
                if isinstance(r, (Tensor, Scalar)) and r.requires_grad:
                    s = seed_of(r, c, again)
                    seeds[r._node] = seeds[r._node] + s if r._node in seeds else s
            return tuple(trace.pull(seeds, again))

    return (value if record else plain_copy(value)), pullback


def jvp(
    f: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    allow_unused: bool = False,
) -> tuple[Any, Any]:
    """The value of ``f(*primals)`` and its derivative in the direction of `tangents`.

    Parameters
    ----------
    f : callable
    primals, tangents : tuple
        The arguments, and for each a tangent of the same shape (or tree of shapes).
    allow_unused : bool
        Take an argument that the result does not depend on, instead of a GraphError.

    Returns
    -------
    value, tangent : array or tree of arrays
    """
    require_function(f, "jvp")
    require_tuple(primals, "primals")
    require_tuple(tangents, "tangents")
    trace = Trace(tuple(primals), tuple(range(len(primals))))
    if len(tangents) != len(trace.definitions):
        raise ShapeError(f"jvp takes a tangent for each of the {len(trace.definitions)} primals")
    given = [*map(tree.leaves_like, trace.definitions, tangents)]
    with enable_grad():
        value = f(*trace.args)
        require_result(value)
        results, definition = tree.flatten(value)
        roots = [r._node for r in results if isinstance(r, (Tensor, Scalar)) and r.requires_grad]
        order = topological(*roots)
        if not allow_unused:
            trace.require_use(order)
        flat = [(n, t) for ns, ts in zip(trace.nodes, given, strict=True)
                for n, t in zip(ns, ts, strict=True) if n is not None]  # fmt: skip
        record = trace.differentiable(order) or any(
            isinstance(t, (Tensor, Scalar)) and t.requires_grad for _, t in flat
        )
        starts = {n: _direction(n, t, record) for n, t in flat}
        pushed = push(roots, starts, record)
    out = [result_of(pushed.get(_node_of(r)), _spec_node(r), record) for r in results]
    return (value if record else plain_copy(value)), tree.unflatten(definition, out)


def _node_of(result: Any) -> Any:
    return getattr(result, "_node", None)


def _spec_node(result: Any) -> Node:
    node = _node_of(result)
    dtype = getattr(result, "dtype", np.float64)
    return node if node is not None else TensorNode(None, (), (), (np.shape(result), dtype))


def _direction(node: Node, tangent: Any, record: bool) -> Any:
    shape, dtype = node.spec
    if np.shape(tangent) != shape:
        raise ShapeError(f"tangent of shape {np.shape(tangent)} for a primal of shape {shape}")
    if isinstance(tangent, (Tensor, Scalar)):
        return tangent if record else tangent._value
    made = real_array(tangent, dtype)[()]
    if dtype is float:
        return Scalar(float(made), requires_grad=False) if record else float(made)
    return wrap(made, None) if record else made


def stop_gradient(value: T) -> T:
    """The same values, treated as constants; for a tree, all its leaves.

    Parameters
    ----------
    value : Tensor, Scalar, or tree of them

    Returns
    -------
    object
        Of the same form.
    """
    return tree.map(lambda v: v.detach() if isinstance(v, (Tensor, Scalar)) else v, value)  # type: ignore[no-any-return]
