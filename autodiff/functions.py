"""The public functions: one for each row of the table, and numpy's way to reach them.

Importing this binds operators, methods and numpy's two protocols to `Tensor` and `Scalar`.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeAlias, TypeVar

import numpy as np

from autodiff.described import documentation
from autodiff.errors import AutodiffError, DTypeError, describe, explained
from autodiff.methods import recorder, scalar_method, tensor_method
from autodiff.op import OPS, Op
from autodiff.scalar import Scalar
from autodiff.tensor import Tensor, apply

__all__ = [
    "BINARY", "UNARY", "ArrayLike", "DISPATCH", "FUNCTIONS", "PLAIN", "as_tensor", "composite",
    "function",
]  # fmt: skip

ArrayLike: TypeAlias = Any
"""What an op takes for an array; `autodiff/op_methods.pyi` says it to type checkers."""

F = TypeVar("F", bound=Callable[..., Any])

FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Public functions by name; those of a namespace are written ``linalg.inv``."""

DISPATCH: dict[Any, Callable[..., Any]] = {}
"""numpy function or ufunc -> ours."""

_INTERNAL = {"item", "cofactors"}


def function(op: Op) -> Callable[..., Any]:
    """The public function of a row."""
    if op.variadic:
        call = _sequence_function(op)
    elif op.partials is not None:
        call = _elementwise_function(op)
    else:
        call = recorder(op)
    call.__name__ = call.__qualname__ = op.name
    call.__doc__ = documentation(op)
    return call


def _sequence_function(op: Op) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        return apply(op, *args, **kwargs)

    call.__signature__ = inspect.signature(op.forward)  # type: ignore[attr-defined]
    return call


def _elementwise_function(op: Op) -> Callable[..., Any]:
    of_tensor, of_scalar = tensor_method(op), scalar_method(op)

    def unary(x: Any) -> Any:
        if x.__class__ is Tensor:
            return of_tensor(x)
        return of_scalar(x) if x.__class__ is Scalar else apply(op, x)

    if len(op.args) == 1:
        return unary
    reflected = tensor_method(op, swapped=True)

    def binary(x: Any, y: Any) -> Any:
        out: Any = NotImplemented
        if x.__class__ is Tensor:
            out = of_tensor(x, y)
        elif y.__class__ is Tensor:
            out = reflected(y, x)
        # An operator leaves what it does not know to the other side; a function says what is wrong.
        return apply(op, x, y) if out is NotImplemented else out

    return binary


def _by_numpy_names(op: Op, call: Callable[..., Any]) -> Callable[..., Any]:
    """`call` with numpy's own spellings of the arguments, and without those it cannot honour."""

    def translated(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **_translated(op, kwargs)) if kwargs else call(*args)

    return translated


def _translated(op: Op, kwargs: dict[str, Any]) -> dict[str, Any]:
    known = (*op.args, *op.params)
    kwargs = {op.aliases.get(name, name): value for name, value in kwargs.items()}
    for name, value in kwargs.items():
        if name not in known and value is not None and value is not np._NoValue:
            raise DTypeError(f"{op.name}(): {name}= has no derivative here; leave it out")
    return {n: v for n, v in kwargs.items() if n in known and v is not np._NoValue}


def composite(name: str, *numpy: Any, method: bool = False) -> Callable[[F], F]:
    """Register a function made of other ops under `name`, and for these numpy functions."""

    def register(f: F) -> F:
        call: Any = _naming_errors(name, f)
        _publish(name, call, numpy, name if method else None)
        return call  # type: ignore[no-any-return]

    return register


def _naming_errors(name: str, f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with its own name on what numpy says about arguments that do not fit."""

    @wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*args, **kwargs)
        except AutodiffError:
            raise
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            if error.__cause__ is not None:
                raise  # a row has named itself already
            raise explained(error, name, args, kwargs) from error

    return call


def as_tensor(x: Any) -> Any:
    """A tensor as it is, a Scalar as a 0-d tensor, anything else as a constant."""
    return x if isinstance(x, Tensor) else FUNCTIONS["reshape"](x, np.shape(x))


def _publish(name: str, f: Callable[..., Any], numpy: tuple[Any, ...], method: str | None) -> None:
    FUNCTIONS[name] = f
    f.__module__ = "autodiff.linalg" if name.startswith("linalg.") else "autodiff"
    f.__name__ = f.__qualname__ = name.removeprefix("linalg.")
    DISPATCH.update(dict.fromkeys(numpy, f))
    if method:
        setattr(Tensor, method, f)


def _register_rows() -> None:
    for op in OPS.values():
        name = f"{op.namespace}.{op.name}" if op.namespace else op.name
        call = function(op)
        if op.name not in _INTERNAL:
            _publish(name, call, (), op.method)
        DISPATCH.update(dict.fromkeys(op.numpy, _by_numpy_names(op, call)))
        if op.partials is not None and len(op.args) == 1:
            setattr(Tensor, op.name, _documented_as(call, tensor_method(op)))
            setattr(Scalar, op.name, _documented_as(call, scalar_method(op)))


def _documented_as(call: Callable[..., Any], method: Callable[..., Any]) -> Callable[..., Any]:
    method.__doc__ = call.__doc__
    return method


BINARY = {"add": "add", "subtract": "sub", "multiply": "mul", "divide": "truediv",
          "floor_divide": "floordiv", "power": "pow", "remainder": "mod"}  # fmt: skip
UNARY = {"negative": "neg", "absolute": "abs", "positive": "pos"}
"""Which rows are operators, and how Python calls their methods, without underscores."""


def _bind_operators() -> None:
    for kind, method in ((Tensor, tensor_method), (Scalar, scalar_method)):
        for name, symbol in BINARY.items():
            setattr(kind, f"__{symbol}__", method(OPS[name]))
            setattr(kind, f"__r{symbol}__", method(OPS[name], swapped=True))
        for name, symbol in UNARY.items():
            setattr(kind, f"__{symbol}__", method(OPS[name]))
        for symbol in ("lt", "le", "gt", "ge", "eq", "ne"):
            setattr(kind, f"__{symbol}__", _comparison(getattr(operator, symbol)))
    for name, bound in {
        "__matmul__": FUNCTIONS["matmul"],
        "__rmatmul__": lambda self, other: FUNCTIONS["matmul"](other, self),
        "__getitem__": FUNCTIONS["getitem"],
        "__setitem__": _no_setitem,
        "T": property(FUNCTIONS["transpose"]),
    }.items():
        setattr(Tensor, name, bound)


def _no_setitem(self: Tensor, index: Any, value: Any) -> None:
    raise TypeError(
        "a tensor is not written into, since the graph still needs its old value: "
        f"t = t.at[{describe(index)}].set(value) gives a new one, and differentiates"
    )


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def compared(self: Tensor | Scalar, other: Any) -> Any:
        try:
            return compare(self._value, plain(other))
        except (ValueError, TypeError) as error:
            raise explained(error, compare.__name__, (self._value, other), {}) from error

    return compared


def plain(value: Any) -> Any:
    """The value of a tensor or scalar, also inside lists; other things as they are."""
    if isinstance(value, (Tensor, Scalar)):
        return value._value
    return type(value)(map(plain, value)) if type(value) in (list, tuple) else value


_REDUCE = {"add": np.sum, "multiply": np.prod, "maximum": np.max, "minimum": np.min}
_ACCUMULATE = {"add": np.cumsum, "multiply": np.cumprod}


def _plain_function(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return f(*map(plain, args), **{name: plain(value) for name, value in kwargs.items()})
        except (ValueError, IndexError) as error:
            raise explained(error, f.__name__, args, kwargs) from error

    call.__name__ = call.__qualname__ = f.__name__
    call.__module__ = "autodiff"
    call.__doc__ = f"numpy's {f.__name__}, on the values: a plain result, without derivative."
    return call


_PLAIN_UFUNCS = {
    np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal, np.isnan,
    np.isinf, np.isfinite, np.signbit, np.logical_and, np.logical_or, np.logical_not,
    np.logical_xor,
}  # fmt: skip
_PLAIN_FUNCTIONS = {
    np.argmax, np.argmin, np.argsort, np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero,
    np.all, np.any, np.searchsorted, np.shape, np.ndim, np.size, np.result_type, np.array_equal,
    np.allclose, np.isclose, np.array_repr, np.array_str, np.array2string, np.zeros_like,
    np.ones_like, np.empty_like, np.iscomplexobj, np.isrealobj, np.may_share_memory,
    np.shares_memory, np.lexsort, np.digitize, np.nanargmax, np.nanargmin,
    np.argpartition, np.broadcast_shapes, np.isposinf, np.isneginf,
    np.linalg.matrix_rank,
}  # fmt: skip
"""Functions whose result has no derivative: they give plain arrays."""


DISPATCH.update({f: _plain_function(f) for f in _PLAIN_FUNCTIONS})

PLAIN: dict[str, Callable[..., Any]] = {
    f.__name__: DISPATCH.get(f) or _plain_function(f) for f in (*_PLAIN_UFUNCS, *_PLAIN_FUNCTIONS)
    if f is not np.linalg.matrix_rank
}  # fmt: skip
"""The same by name: comparisons, places, shapes."""


def _full_like(a: Any, *args: Any, **kwargs: Any) -> Any:
    """numpy's full_like: only the shape and the dtype of `a` matter, while the value may not be
    tracked."""
    return np.full_like(plain(a), *args, **kwargs)


DISPATCH[np.full_like] = PLAIN["full_like"] = _full_like


def _array_ufunc(self: Any, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
    if how == "__call__" and ufunc in DISPATCH:
        return DISPATCH[ufunc](*inputs, **kwargs)
    if ufunc in _PLAIN_UFUNCS:
        return getattr(ufunc, how)(*map(plain, inputs), **kwargs)
    if how == "reduce" and ufunc.__name__ in _REDUCE:
        return DISPATCH[_REDUCE[ufunc.__name__]](*inputs, **{"axis": 0, **kwargs})
    if how == "accumulate" and ufunc.__name__ in _ACCUMULATE:
        return DISPATCH[_ACCUMULATE[ufunc.__name__]](*inputs, **{"axis": 0, **kwargs})
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
    raise DTypeError(
        f"{f.__module__}.{f.__name__} has no derivative here; for its plain value take .data of "
        "the tensors, or state one with ad.custom_op"
    )


def _bind_protocols() -> None:
    for kind in (Tensor, Scalar):
        setattr(kind, "__array_ufunc__", _array_ufunc)  # noqa: B010 - below, they are unknown
        setattr(kind, "__array_function__", _array_function)  # noqa: B010
    for f in (np.argmax, np.argmin, np.argsort, np.nonzero, np.all, np.any, np.searchsorted):
        setattr(Tensor, f.__name__, _plain_function(f))


_register_rows()
_bind_operators()
_bind_protocols()
