"""How each elementwise function is written in C."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autodiff.compiler.program import Instruction, Value

__all__ = ["C_TYPES", "NAMES", "expression", "is_elementwise", "literal"]

C_TYPES = {
    "float32": "float", "float64": "double", "int64": "int64_t", "int32": "int32_t",
    "int16": "int16_t", "int8": "int8_t", "uint64": "uint64_t", "uint32": "uint32_t",
    "uint16": "uint16_t", "uint8": "uint8_t", "bool": "uint8_t",
}  # fmt: skip
"""The dtypes that C has."""

_INFIX = {
    "add": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "truediv": "/",
    "divide": "/", "true_divide": "/",
}  # fmt: skip
_COMPARE = {
    "gt": ">", "greater": ">", "ge": ">=", "greater_equal": ">=", "lt": "<", "less": "<",
    "le": "<=", "less_equal": "<=", "eq": "==", "equal": "==", "ne": "!=", "not_equal": "!=",
}  # fmt: skip
_LOGIC = {
    "and_": "&", "logical_and": "&", "bitwise_and": "&", "or_": "|", "logical_or": "|",
    "bitwise_or": "|", "xor": "^", "logical_xor": "^", "bitwise_xor": "^",
}  # fmt: skip
_CALLS = {
    name: name for name in (
        "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt", "sin", "cos",
        "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh",
        "arccosh", "arctanh", "hypot", "logaddexp", "maximum", "minimum", "fmax", "fmin", "fmod",
        "copysign", "sign", "erf", "erfc", "heaviside", "logaddexp2", "floor", "ceil", "trunc", "rint", "sigmoid", "remainder", "power",
    )
} | {"mod": "remainder", "pow": "power", "abs": "absolute", "fabs": "absolute",
     "absolute": "absolute"}  # fmt: skip
_OTHER = {
    "neg": "-{0}", "negative": "-{0}", "pos": "{0}", "positive": "{0}", "cast": "{0}",
    "copied": "{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}", "where": "{0} ? {1} : {2}",
    "invert": "!{0}", "logical_not": "!{0}", "isnan": "{0} != {0}",
    "isfinite": "{0} - {0} == 0", "deg2rad": "{0} * 0.017453292519943295",
    "rad2deg": "{0} * 57.29577951308232", "isinf": "{0} == {0} && {0} - {0} != 0",
}  # fmt: skip
NAMES = {*_INFIX, *_COMPARE, *_LOGIC, *_CALLS, *_OTHER}
_OF_FLOATS = {"isnan", "isfinite", "isinf"}


def is_elementwise(instruction: Instruction) -> bool:
    """Whether it has a form in C here."""
    name, out = instruction.name, instruction.out[0]
    if name not in NAMES or out.dtype.name not in C_TYPES or instruction.kwargs.keys() - {"dtype"}:
        return False
    arrays = [a for a in instruction.args if isinstance(a, (Value, np.ndarray, np.generic))]
    if any(a.dtype.name not in C_TYPES for a in arrays):
        return False
    floating = out.dtype.kind == "f" or name in _COMPARE or name in _LOGIC or name in _OTHER
    if name in _LOGIC or name in ("invert", "logical_not"):
        return all(getattr(a, "dtype", None) == bool for a in instruction.args)
    if name in _CALLS and out.dtype.kind != "f":
        return False
    return floating or name in _INFIX or name in ("where", "cast")


def expression(name: str, out: Value, args: list[tuple[Any, Any, bool]]) -> str:
    """The C expression of a call.

    Parameters
    ----------
    name : str
    out : Value
    args : list of (text, dtype, weak)
        What stands for each argument (a Python number for itself), its dtype, and whether it is
        a number that takes the dtype of the array that it meets.
    """
    if name in _COMPARE:
        common = _common(args)
        x, y = (_converted(a, common) for a in args)
        return f"{x} {_COMPARE[name]} {y}"
    if name in _LOGIC:
        x, y = (_converted(a, np.dtype(bool)) for a in args)
        return f"{x} {_LOGIC[name]} {y}"
    if name == "where":
        return f"{_condition(args[0])} ? {_converted(args[1], out.dtype)} : {_converted(args[2], out.dtype)}"
    given = [a[0] if name in _OF_FLOATS and isinstance(a[0], str) else _converted(a, out.dtype) for a in args]
    if name in _INFIX:
        return f"{given[0]} {_INFIX[name]} {given[1]}"
    if name in ("power", "pow") and (text := _power(given[0], args[1][0])):
        return text
    if name in _CALLS:
        suffix = {"float32": "f32", "float64": "f64"}[out.dtype.name]
        return f"{_CALLS[name]}_{suffix}({', '.join(given)})"
    return _OTHER[name].format(*given)


def _condition(arg: tuple[Any, Any, bool]) -> str:
    return arg[0] if isinstance(arg[0], str) else str(int(bool(arg[0])))


def _power(x: str, exponent: Any) -> str | None:
    """numpy's own short cuts for exponents that are Python numbers."""
    if isinstance(exponent, str):
        return None
    return {2: f"{x} * {x}", 1: x, -1: f"1 / {x}"}.get(exponent)


def _common(args: list[tuple[Any, Any, bool]]) -> Any:
    strong = [dtype for _, dtype, weak in args if not weak]
    return np.result_type(*strong) if strong else np.dtype(float)


def _converted(arg: tuple[Any, Any, bool], dtype: Any) -> str:
    text, given, _ = arg
    if not isinstance(text, str):
        return literal(text, dtype)
    if given == bool and dtype.kind == "f":  # gcc vectorises this, and a cast not
        return f"({text} ? {literal(1, dtype)} : {literal(0, dtype)})"
    return text if given == dtype else f"({C_TYPES[dtype.name]}){text}"


def literal(value: Any, dtype: Any) -> str:
    """A number in C."""
    if dtype.kind == "b":
        return str(int(bool(value)))
    if dtype.kind in "iu":
        return f"{int(value)}" + ("LL" if dtype.itemsize == 8 else "")
    value, suffix = float(value), "f" if dtype.itemsize == 4 else ""
    if math.isnan(value):
        return f'__builtin_nan{suffix}("")'
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}__builtin_inf{suffix}()"
    if suffix:
        value = float(np.float32(value))
    return f"{value!r}{suffix}"
