"""Python's operators, and numpy's methods, on arrays that write down what is done with them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.op import rare

__all__ = ["bind"]

_BINARY = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
           "lshift", "rshift")  # fmt: skip
_COMPARE = ("lt", "le", "gt", "ge", "eq", "ne")
_UNARY = ("neg", "pos", "abs", "invert")
_DIVISIONS = operator.truediv, operator.floordiv, operator.mod, divmod
_METHODS = (
    np.sum, np.max, np.min, np.mean, np.prod, np.cumsum, np.argmax, np.argmin, np.argsort, np.all,
    np.any, np.clip, np.squeeze, np.swapaxes, np.repeat, np.take, np.nonzero, np.std, np.var,
    np.round, np.cumprod, np.diagonal, np.trace,
)  # fmt: skip


def bind(kind: Any, emit: Callable[..., Any], is_foreign: Callable[[Any], bool]) -> None:
    """Give a class operators and methods.

    Parameters
    ----------
    kind : type
    emit : callable
        Does what a function does, and writes it down.
    is_foreign : callable
        Whether the other operand wants to answer by itself.
    """

    def binary(function: Any, swapped: bool = False) -> Any:
        def method(self: Any, other: Any) -> Any:
            if is_foreign(other):
                return NotImplemented
            return _called(emit, function, *((other, self) if swapped else (self, other)))

        return method

    def in_place(function: Any) -> Any:
        def method(self: Any, other: Any) -> Any:
            if is_foreign(other):
                return NotImplemented
            return self.become(_called(emit, function, self, other))

        return method

    for name in _BINARY:
        function = getattr(operator, f"__{name}__")
        setattr(kind, f"__{name}__", binary(function))
        setattr(kind, f"__r{name}__", binary(function, swapped=True))
        setattr(kind, f"__i{name}__", in_place(function))
    kind.__divmod__, kind.__rdivmod__ = binary(divmod), binary(divmod, swapped=True)
    for name in _COMPARE:
        setattr(kind, f"__{name}__", binary(getattr(operator, name)))
    for name in _UNARY:
        function = getattr(operator, name)
        setattr(kind, f"__{name}__", lambda self, f=function: emit(f, self))
    for f in _METHODS:
        setattr(kind, f.__name__, lambda self, *a, _f=f, **k: _f(self, *a, **k))


def _called(emit: Callable[..., Any], function: Any, x: Any, y: Any) -> Any:
    """`function` of the two; where Python's numbers raise what arrays do not, a guard as well."""
    is_number = all(_is_number(v) for v in (x, y))
    if is_number and function in _DIVISIONS:
        rare(y == 0)
    made = emit(function, x, y)
    if is_number and function is operator.pow:
        rare(made - made != 0)  # infinite or nan, where Python raises, or has complex numbers
    return made


def _is_number(x: Any) -> bool:
    return x.value.weak if hasattr(x, "is_traced") else type(x) in (bool, int, float)
