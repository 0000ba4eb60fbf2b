"""The public functions: one for each row of the table, and numpy's way to reach them.

Importing this binds operators, methods and numpy's two protocols to `Tensor` and `Scalar`.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, describe
from autodiff.methods import scalar_method, tensor_method
from autodiff.op import OPS, Op
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor, apply

__all__ = ["DISPATCH", "FUNCTIONS", "composite", "function"]

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Public functions by name; those of a namespace are written ``linalg.inv``."""

DISPATCH: dict[Any, Callable[..., Any]] = {}
"""numpy function or ufunc -> ours."""

_INTERNAL = {"item"}


def function(op: Op) -> Callable[..., Any]:
    """The public function of a row: arrays by position or name, then settings."""

    def call(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            args, kwargs = _by_position(op, args, kwargs)
        return apply(op, *args, **kwargs)

    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = op.forward.__doc__
    return call


def composite(
    name: str, *numpy: Any, method: bool = False
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function made of other ops under `name`, and for these numpy functions."""

    def register(f: Callable[..., Any]) -> Callable[..., Any]:
        _publish(name, f, numpy, name if method else None)
        return f

    return register


def _publish(name: str, f: Callable[..., Any], numpy: tuple[Any, ...], method: str | None) -> None:
    FUNCTIONS[name] = f
    DISPATCH.update(dict.fromkeys(numpy, f))
    if method:
        setattr(Tensor, method, f)


def _by_position(op: Op, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Arguments given by name, also by numpy's own spelling, put in their place."""
    kwargs = {op.aliases.get(name, name): value for name, value in kwargs.items()}
    for refused in ("out", "where", "casting", "order", "subok"):
        if kwargs.get(refused) is not None and refused not in op.params:
            raise DTypeError(f"{op.name}(): {refused}= has no derivative here; leave it out")
        if refused not in op.params:
            kwargs.pop(refused, None)
    kwargs = {name: value for name, value in kwargs.items() if value is not np._NoValue}
    while len(args) < len(op.args) and op.args[len(args)] in kwargs:
        args = (*args, kwargs.pop(op.args[len(args)]))
    return args, kwargs


def _register_rows() -> None:
    for op in OPS.values():
        if op.name in _INTERNAL:
            continue
        name = f"{op.namespace}.{op.name}" if op.namespace else op.name
        _publish(name, function(op), op.numpy, op.method)
        if op.partials is not None and len(op.args) == 1:
            setattr(Tensor, op.name, tensor_method(op))
            setattr(Scalar, op.name, scalar_method(op))


_BINARY = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv",
           "power": "pow", "remainder": "mod"}  # fmt: skip
_UNARY = {"negative": "neg", "absolute": "abs", "positive": "pos"}


def _bind_operators() -> None:
    for kind, method in ((Tensor, tensor_method), (Scalar, scalar_method)):
        for name, symbol in _BINARY.items():
            setattr(kind, f"__{symbol}__", method(OPS[name]))
            setattr(kind, f"__r{symbol}__", method(OPS[name], swapped=True))
        for name, symbol in _UNARY.items():
            setattr(kind, f"__{symbol}__", method(OPS[name]))
        for symbol in ("lt", "le", "gt", "ge", "eq", "ne"):
            setattr(kind, f"__{symbol}__", _comparison(getattr(operator, symbol)))
    for name, bound in {
        "__matmul__": lambda self, other: apply(OPS["matmul"], self, other),
        "__rmatmul__": lambda self, other: apply(OPS["matmul"], other, self),
        "__getitem__": lambda self, index: apply(OPS["getitem"], self, index),
        "__setitem__": _no_setitem,
    }.items():
        setattr(Tensor, name, bound)


def _no_setitem(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError(
        "a tensor is not written into, since the graph still needs its old value: "
        f"t = t.at[{describe(index)}].set(value) gives a new one, and differentiates"
    )


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda self, other: compare(self._data, plain(other))


def plain(value: Any) -> Any:
    """The value of a tensor or scalar, also inside lists; other things as they are."""
    if isinstance(value, (Tensor, Scalar)):
        return value._data
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


_REDUCE = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min",
           "logaddexp": "logsumexp"}  # fmt: skip
_ACCUMULATE = {"add": "cumsum", "multiply": "cumprod"}

_PLAIN_UFUNCS = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isnan,
    np.isinf, np.isfinite, np.signbit, np.logical_and, np.logical_or, np.logical_not,
    np.logical_xor,
}  # fmt: skip
_PLAIN_FUNCTIONS = {
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.all, np.any, np.searchsorted, np.shape, np.ndim, np.size, np.result_type, np.array_equal,
    np.allclose, np.isclose, np.array_repr, np.array_str, np.array2string, np.zeros_like,
    np.ones_like, np.empty_like, np.full_like, np.iscomplexobj, np.isrealobj, np.may_share_memory,
    np.shares_memory, np.lexsort, np.digitize, np.unique, np.nanargmax, np.nanargmin,
    np.argpartition, np.broadcast_shapes, np.isposinf, np.isneginf, np.bincount, np.histogram,
}  # fmt: skip
"""Functions whose result has no derivative: they give plain arrays."""


def _array_ufunc(self: Any, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
    kwargs.pop("out", None) if kwargs.get("out") is None else None
    if ufunc in _PLAIN_UFUNCS:
        return getattr(ufunc, how)(*map(plain, inputs), **kwargs)
    if kwargs.get("out") is not None:
        raise DTypeError(f"np.{ufunc.__name__}(out=...): a graph has no places to write into")
    if how == "__call__" and ufunc in DISPATCH:
        return DISPATCH[ufunc](*inputs, **kwargs)
    if how == "reduce" and ufunc.__name__ in _REDUCE:
        return FUNCTIONS[_REDUCE[ufunc.__name__]](*inputs, **{"axis": 0, **kwargs})
    if how == "accumulate" and ufunc.__name__ in _ACCUMULATE:
        return FUNCTIONS[_ACCUMULATE[ufunc.__name__]](*inputs, **{"axis": 0, **kwargs})
    if how == "outer" and ufunc in DISPATCH:
        x, y = inputs
        return DISPATCH[ufunc](np.reshape(x, np.shape(x) + (1,) * np.ndim(y)), y, **kwargs)
    raise DTypeError(
        f"np.{ufunc.__name__}{'' if how == '__call__' else '.' + how} has no derivative here; "
        "for its plain value take .data of the tensors"
    )


def _array_function(self: Any, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
    if f in DISPATCH:
        return DISPATCH[f](*args, **kwargs)
    if f in _PLAIN_FUNCTIONS:
        return f(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
    raise DTypeError(
        f"{f.__module__}.{f.__name__} has no derivative here; for its plain value take .data of "
        "the tensors, or state one with ad.custom_op"
    )


def _bind_protocols() -> None:
    for kind in (Tensor, Scalar):
        setattr(kind, "__array_ufunc__", _array_ufunc)  # noqa: B010 - below, they are unknown
        setattr(kind, "__array_function__", _array_function)  # noqa: B010
    for f in (np.argmax, np.argmin, np.argsort, np.nonzero, np.all, np.any, np.searchsorted):
        setattr(Tensor, f.__name__, _plain_method(f))


def _plain_method(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda self, *args, **kwargs: f(self._data, *map(plain, args), **kwargs)


_register_rows()
_bind_operators()
_bind_protocols()
