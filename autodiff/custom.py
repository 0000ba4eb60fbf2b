"""Functions of the user's own in the graph: an op in one row, recomputation, mapping."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np

from autodiff import tree
from autodiff.arguments import require_rules
from autodiff.backward import sweep
from autodiff.errors import DTypeError, GraphError, ShapeError, describe, require_function
from autodiff.functions import function
from autodiff.leaves import fresh_leaf
from autodiff.nodes import Node, TensorNode, since, tick
from autodiff.op import Op, asarray, binary, op, unary
from autodiff.scalar import Scalar
from autodiff.settings import enable_grad, is_compiling, is_recording
from autodiff.sparse import Lazy, Parts
from autodiff.tensor import Tensor, wrap
from autodiff.transforms import vjp

__all__ = ["PACK", "checkpoint", "compilable", "custom_op", "vmap"]

P = ParamSpec("P")
R = TypeVar("R")


def custom_op(
    forward: Callable[..., Any], *rules: Any, partials: tuple[Any, ...] = (), **settings: Any
) -> Callable[..., Any]:
    """Make a differentiable function of a numpy function and its derivative rules.

    Parameters
    ----------
    forward : callable
        ``forward(x, y, ..., setting=default)`` on plain arrays.
    *rules : callable
        A vector-Jacobian product ``rule(g, ...)`` for each leading argument. After the
        cotangent ``g`` a rule names what it needs, and only that is kept: arguments by the
        names they have in `forward`, ``x_shape`` for just a shape, ``out`` for the result,
        settings. Written with operators and ``np.`` functions it has derivatives itself.
    partials : tuple
        Instead of `rules`, for an elementwise function of ``x`` (and ``y``): the local
        derivative for each, a number or a function of what it needs.
    **settings
        Further fields of `autodiff.op.Op`, such as ``name``, ``linear`` or ``jvp``.

    Returns
    -------
    callable
        Takes what `forward` takes, and tensors.

    Raises
    ------
    GraphError
        If there are both rules and partials or none, or a rule asks for what there is not.
    DTypeError
        At a call, if `forward` or a rule gives no array of real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2)
    >>> print(ad.grad(cube)(2.0), ad.grad(ad.grad(cube))(2.0))
    12.0 12.0
    """
    require_function(forward, "custom_op")
    for rule in rules:
        require_function(rule, "custom_op")
    if not isinstance(partials, (tuple, list)):
        raise DTypeError(f"custom_op(): partials={describe(partials)} is no tuple")
    if bool(rules) == bool(partials):
        raise GraphError("custom_op() takes rules or partials: one for each argument")
    name = settings.pop("name", getattr(forward, "__name__", type(forward).__name__))
    require_rules(name, forward, rules, tuple(partials))
    settings.setdefault("numpy", ())
    guarded = _guarded(name, forward, settings.get("outputs", 1))
    if "jvp" in settings:
        settings["jvp"] = compilable(settings["jvp"])
    if partials:
        if len(partials) > 2:
            raise GraphError("partials are for one or two arguments; state rules instead")
        partials = tuple(compilable(d) if callable(d) else d for d in partials)
        row = (unary, binary)[len(partials) - 1](name, guarded, *partials, **settings)
    else:
        row = op(name, guarded, *(_returning_arrays(name, rule) for rule in rules), **settings)
    unknown = [n for n in row.needs if not _known(n, row)]
    if unknown:
        raise GraphError(
            f"custom_op {name}: a rule asks for {', '.join(unknown)}, and there are only out, "
            f"{', '.join((*row.args, *row.params))}, and the shapes of arguments as x_shape"
        )
    made = wraps(forward)(function(row))
    made.__name__ = name  # reports and pictures call it the same
    return made


def _known(name: str, row: Op) -> bool:
    return name == "out" or name.removesuffix("_shape") in (*row.args, *row.params)


def _guarded(name: str, forward: Callable[..., Any], outputs: int) -> Callable[..., Any]:
    """`forward` that cannot write into the graph's arrays, nor into its result afterwards."""

    @wraps(forward)
    def call(*args: Any, **kwargs: Any) -> Any:
        out = forward(*map(_read_only, args), **kwargs)
        results = out if isinstance(out, tuple) else (out,)
        copies = [_copy(result) for result in results]
        if len(copies) != outputs or any(c.dtype.kind not in "fiub" for c in copies):
            wanted = f"{outputs} arrays" if outputs > 1 else "one array"
            raise DTypeError(f"custom_op {name} returned {describe(out)}, not {wanted}")
        made = tuple(c if hasattr(c, "is_traced") else c[()] for c in copies)
        return made if outputs > 1 else made[0]

    return compilable(call)


def compilable(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, which a function that is being compiled traces through, or takes as one call."""

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not is_compiling():
            return f(*args, **kwargs)
        leaves = tree.flatten([args, kwargs])[0]
        asked = next((leaf for leaf in leaves if hasattr(leaf, "is_traced")), None)
        if any(isinstance(leaf, Tensor) for leaf in leaves):
            return _recorded(f, args, kwargs)
        return f(*args, **kwargs) if asked is None else asked.through(f, args, kwargs)

    return call


def _recorded(f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
    """`f` of tensors; where it looks at values that are not known, as an op by itself."""
    try:
        return f(*args, **kwargs)
    except (TypeError, ValueError):
        leaves, definition = tree.flatten([args, kwargs])
        given = {i: leaf for i, leaf in enumerate(leaves) if _is_unknown(leaf)}
        if not given:
            raise
    rest = [None if i in given else leaf for i, leaf in enumerate(leaves)]
    shape = tree.flatten(tree.unflatten(definition, rest))[1]  # which holds no arrays
    places = list(given)

    def of(values: Any) -> Any:
        filled = list(rest)
        for i, value in zip(places, values, strict=True):
            filled[i] = value
        args, kwargs = tree.unflatten(shape, filled)
        return f(*args, **kwargs)

    def rule(g: Any, i: int, values: Any) -> Any:
        _, pullback = vjp(of, list(values), allow_unused=True)
        return pullback(g)[0][i]

    row = op(f.__name__, compilable(of), compilable(rule), variadic=True, numpy=())
    return function(row)(list(given.values()))


def _is_unknown(leaf: Any) -> bool:
    return hasattr(getattr(leaf, "_value", leaf), "is_traced")


def _copy(x: Any) -> Any:
    return x.copy() if hasattr(x, "is_traced") else np.array(x)


def _read_only(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _returning_arrays(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """`rule` with a number in place of an array taken for one, and other results refused."""

    @wraps(rule)
    def call(g: Any, *args: Any) -> Any:
        c = rule(g, *args)
        if c is None or isinstance(c, (Tensor, Scalar, Lazy)) or hasattr(c, "dtype"):
            return c
        if isinstance(c, (int, float)):
            return np.asarray(c, g.dtype)[()]
        raise DTypeError(f"a rule of custom_op {name} gave {type(c).__name__}, not an array")

    return compilable(call)


def checkpoint(f: Callable[P, R]) -> Callable[P, R]:
    """Make `f` keep only its inputs for backward, and run it again there.

    Memory for time: what `f` computes inside is not saved. `f` must give the same result
    again, so it may not draw from a generator that goes on.

    Parameters
    ----------
    f : callable
        Takes arrays or nested containers of them, and returns one array. Parameters that it
        reaches in other ways get their gradients too.

    Returns
    -------
    callable
        Takes what `f` takes.

    Raises
    ------
    GraphError
        If `f` returns several values; or, at backward, if it gives another value than before,
        as when something that it reaches has changed.

    Examples
    --------
    >>> import autodiff as ad
    >>> x = ad.Tensor([1.0, 2.0], requires_grad=True)
    >>> ad.checkpoint(lambda x: ad.exp(ad.sin(x)))(x).sum().backward()
    >>> x.grad.round(3)
    array([ 1.253, -1.033])
    """

    require_function(f, "checkpoint")

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not is_recording():
            return f(*args, **kwargs)
        leaves, definition = tree.flatten(args)
        tracked = [i for i, leaf in enumerate(leaves) if getattr(leaf, "requires_grad", False)]

        def inner(inputs: list[Any]) -> Any:
            filled = list(leaves)
            for i, x in zip(tracked, inputs, strict=True):
                filled[i] = x
            return f(*tree.unflatten(definition, filled), **kwargs)

        inputs = [leaves[i] for i in tracked]
        start = tick()
        out = inner([fresh_leaf(x) for x in inputs])
        if isinstance(out, (list, tuple, dict)):
            raise GraphError("checkpoint() is for functions of one result: stack or join several")
        if not getattr(out, "requires_grad", False):
            return out
        # The graph of this run ends here; of it only what `f` itself holds stays.
        held = [node for node in since(start, out._node) if node.order < start]
        return _recomputed(inner, out._value, inputs, held)

    return call


def _recomputed(inner: Callable[..., Any], out: Any, inputs: list[Any], held: list[Node]) -> Tensor:
    """A node that has `inputs` and `held` for parents, by way of one node for all of them."""
    values = tuple(x._value for x in inputs)
    parents = tuple(x._node for x in inputs) + tuple(held)
    specs = tuple(node.spec for node in parents)
    packed = TensorNode(PACK, parents, (), specs)

    def rule(g: Any, values: Any) -> Parts:
        record = isinstance(g, Tensor)
        again = [_again(v) for v in values]
        with enable_grad():
            result = inner(again)
        if not _is_same(result._value, out):
            raise GraphError(
                "checkpoint(): run again for backward, the function gave another value: what it "
                "reaches was changed meanwhile, or it draws random numbers"
            )
        targets = [x._node for x in again] + held
        seed = g if record or isinstance(result, Tensor) else float(g)
        grads = sweep({result._node: seed}, targets, record, ends=True)
        return Parts({i: grads[n] for i, n in enumerate(targets) if n in grads}, specs)

    row = op("checkpoint", lambda values: out, rule, numpy=())
    out = asarray(out)[()]
    return wrap(out, TensorNode(row, (packed,), (values,), (out.shape, out.dtype)))


def _again(value: Any) -> Any:
    if isinstance(value, (Tensor, Scalar)):
        return value
    return fresh_leaf(Scalar(value) if isinstance(value, float) else wrap(value, None))


def _is_same(x: Any, y: Any) -> bool:
    """Whether the values are equal to rounding."""
    if hasattr(y, "is_traced"):  # equal by construction
        return True
    near = 1e3 * np.finfo(np.asarray(y).dtype).eps
    return np.shape(x) == np.shape(y) and bool(np.allclose(x, y, near, near, equal_nan=True))


# Several values as one, so that one rule can give all their gradients at once.
PACK = op(
    "pack", lambda values: values, lambda g, i: g[i],
    jvp=lambda g: tuple(g), variadic=True, outputs=0, numpy=(),
)  # fmt: skip


def vmap(f: Callable[P, Any], in_axes: Any = 0, out_axes: int = 0) -> Callable[P, Any]:
    """Make `f` work on a batch: on each slice along an axis, the results stacked.

    Parameters
    ----------
    f : callable
        Takes and returns arrays (or trees of arrays).
    in_axes : int, None, or sequence of them
        Axis to slice for each argument; None hands an argument on whole, as are all arguments
        by keyword.
    out_axes : int
        Where the new axis goes in each result.

    Returns
    -------
    callable

    Raises
    ------
    ShapeError
        At a call, if there are other arguments than `in_axes`, or their lengths differ.

    Notes
    -----
    Runs `f` once for each slice, so any `f` works and every derivative is right; where `f` is
    made of ops that broadcast, calling it on the batch itself is faster.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> ad.vmap(ad.grad(lambda x: x**3))(np.array([1.0, 2.0]))
    array([ 3., 12.])
    """

    require_function(f, "vmap")

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        axes = (in_axes,) * len(args) if in_axes is None or isinstance(in_axes, int) else in_axes
        if len(axes) != len(args):
            raise ShapeError(f"vmap: {len(axes)} in_axes for {len(args)} arguments")
        slices = [_sliced(a, axis) for a, axis in zip(args, axes, strict=True)]
        lengths = {len(s) for s in slices if s is not None}
        if not lengths:
            raise ShapeError(f"vmap: in_axes={in_axes} leaves no argument to go along")
        if len(lengths) != 1 or lengths == {0}:
            raise ShapeError(
                f"vmap: arguments of lengths {sorted(lengths)} along in_axes={in_axes}"
            )
        results = [
            f(*(a if s is None else s[k] for a, s in zip(args, slices, strict=True)), **kwargs)
            for k in range(lengths.pop())
        ]
        return tree.map(lambda *parts: _stacked(parts, out_axes), results[0], *results[1:])

    return call


def _stacked(parts: tuple[Any, ...], axis: int) -> Any:
    try:
        return np.stack(parts, axis=axis)
    except ValueError as error:
        shapes = ", ".join(map(str, sorted(set(map(np.shape, parts)))))
        raise ShapeError(
            f"vmap: results of shape {shapes} cannot be stacked along out_axes={axis}"
        ) from error


def _sliced(tree_of_arrays: Any, axis: int | None) -> list[Any] | None:
    if axis is None:
        return None
    leaves, definition = tree.flatten(tree_of_arrays)
    if any(np.ndim(leaf) == 0 for leaf in leaves):
        raise ShapeError("vmap: a number has no axis to go along; in_axes=None hands it on whole")
    for leaf in leaves:
        if not -np.ndim(leaf) <= axis < np.ndim(leaf):
            raise ShapeError(f"vmap: in_axes names axis {axis} of {describe(leaf)}")
    columns = [list(np.moveaxis(_array(leaf), axis, 0)) for leaf in leaves]
    return [tree.unflatten(definition, list(group)) for group in zip(*columns, strict=True)]


def _array(leaf: Any) -> Any:
    return leaf if isinstance(leaf, Tensor) else asarray(leaf)
