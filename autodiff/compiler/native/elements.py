"""How each elementwise function is written in C."""

from __future__ import annotations

import math
import operator
from functools import cache
from typing import Any

import numpy as np

from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.program import Instruction, Value, mapped
from autodiff.ops.elementwise import sigmoid
from autodiff.ops.special import erf, erfc

__all__ = [
    "C_TYPES", "SUFFIXES", "expression", "has_c_type", "has_c_types", "is_elementwise", "literal",
    "name_of",
]  # fmt: skip

Argument = tuple[Any, Any, bool]

C_TYPES = {
    "float32": "float", "float64": "double", "int64": "int64_t", "int32": "int32_t",
    "int16": "int16_t", "int8": "int8_t", "uint64": "uint64_t", "uint32": "uint32_t",
    "uint16": "uint16_t", "uint8": "uint8_t", "bool": "uint8_t",
}  # fmt: skip
"""The dtypes that C has."""
SUFFIXES = {"float32": "f32", "float64": "f64"}
"""How functions for them end."""

_INFIX = {
    "add": "+", "sub": "-", "subtract": "-", "mul": "*", "multiply": "*", "truediv": "/",
    "divide": "/", "true_divide": "/",
}  # fmt: skip
_INFIX_OF_BOOLS = {"+": "|", "*": "&"}
_COMPARE = {
    "gt": ">", "greater": ">", "ge": ">=", "greater_equal": ">=", "lt": "<", "less": "<",
    "le": "<=", "less_equal": "<=", "eq": "==", "equal": "==", "ne": "!=", "not_equal": "!=",
}  # fmt: skip
_LOGIC = {"logical_and": "&", "logical_or": "|", "logical_xor": "^"}
_BITS = {
    "and_": "&", "bitwise_and": "&", "or_": "|", "bitwise_or": "|", "xor": "^", "bitwise_xor": "^",
}  # fmt: skip
_CALLS = {
    name: name for name in (
        "absolute", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
        "cbrt", "ceil", "copysign", "cos", "cosh", "erf", "erfc", "exp", "exp2", "expm1", "floor",
        "floor_divide", "fmax", "fmin", "fmod", "heaviside", "hypot", "log", "log10", "log1p",
        "log2", "logaddexp", "logaddexp2", "maximum", "minimum", "power", "remainder", "rint",
        "sigmoid", "sign", "sin", "sinh", "sqrt", "tan", "tanh", "trunc",
    )
} | {
    "mod": "remainder", "pow": "power", "float_power": "power", "abs": "absolute",
    "fabs": "absolute", "floordiv": "floor_divide", "fix": "trunc",
}  # fmt: skip
_OTHER = {
    "neg": "-{0}", "negative": "-{0}", "pos": "{0}", "positive": "{0}", "cast": "{0}",
    "copied": "{0}", "square": "{0} * {0}", "reciprocal": "1 / {0}",
}  # fmt: skip
_SCALED = {"deg2rad": math.pi / 180, "radians": math.pi / 180, "rad2deg": 180 / math.pi,
           "degrees": 180 / math.pi}  # fmt: skip
_TESTS = {
    "isnan": "{0} != {0}", "isfinite": "{0} - {0} == 0", "isinf": "{0} == {0} && {0} - {0} != 0",
    "isposinf": "{0} == __builtin_inf()", "isneginf": "{0} == -__builtin_inf()",
    "signbit": "__builtin_signbit({0}) != 0",
}  # fmt: skip
_NOT = {"invert", "logical_not"}
# Overflow of unsigned numbers is defined in C, and wraps as numpy's does.
_OF_INTEGERS = {
    "+": "({T})((uint64_t){0} + (uint64_t){1})", "-": "({T})((uint64_t){0} - (uint64_t){1})",
    "*": "({T})((uint64_t){0} * (uint64_t){1})", "neg": "({T})(0 - (uint64_t){0})",
    "negative": "({T})(0 - (uint64_t){0})", "square": "({T})((uint64_t){0} * (uint64_t){0})",
    "maximum": "{0} > {1} ? {0} : {1}", "minimum": "{0} < {1} ? {0} : {1}",
    "fmax": "{0} > {1} ? {0} : {1}", "fmin": "{0} < {1} ? {0} : {1}",
    "absolute": "{0} < 0 ? ({T})(0 - (uint64_t){0}) : {0}", "sign": "({0} > 0) - ({0} < 0)",
    "floor": "{0}", "ceil": "{0}", "trunc": "{0}", "rint": "{0}",
}  # fmt: skip
_OF_BOOLS = {"maximum", "minimum", "fmax", "fmin", "absolute"}
_NAMES = {
    *_INFIX, *_COMPARE, *_LOGIC, *_BITS, *_CALLS, *_OTHER, *_SCALED, *_TESTS, *_NOT, "where",
}  # fmt: skip
# By themselves: a function of the user's may have the same name.
_FUNCTIONS: frozenset[Any] = frozenset(
    getattr(module, name) for module in (np, operator) for name in _NAMES if hasattr(module, name)
) | {cast, copied, erf, erfc, sigmoid}


@cache
def has_c_type(dtype: Any) -> bool:
    """Whether C reads and writes such entries."""
    return bool(dtype.name in C_TYPES and dtype.isnative)


def has_c_types(instruction: Instruction) -> bool:
    """Whether C reads and writes all that it works on, constants too."""
    leaves: list[Any] = [*instruction.out]
    mapped(leaves.append, (instruction.args, instruction.kwargs))
    arrays = (Value, np.ndarray, np.generic)
    return all(has_c_type(x.dtype) for x in leaves if isinstance(x, arrays))


def is_elementwise(instruction: Instruction) -> bool:
    """Whether it has a form in C here."""
    name = instruction.name
    if instruction.function not in _FUNCTIONS or len(instruction.out) != 1:
        return False
    if instruction.kwargs.keys() - {"dtype"}:
        return False
    if not has_c_types(instruction):
        return False
    kinds = [a.dtype for a in instruction.args if isinstance(a, (Value, np.ndarray, np.generic))]
    dtype = instruction.out[0].dtype
    if name in _COMPARE:
        return _are_comparable(instruction.args, kinds)
    if name in _BITS:
        return bool(dtype.kind in "biu")
    if name in _TESTS:
        return all(d.kind == "f" for d in kinds)
    if name in _CALLS and dtype.kind != "f":
        return _CALLS[name] in (_OF_INTEGERS if dtype.kind in "iu" else _OF_BOOLS)
    if name in _SCALED or name == "reciprocal":
        return bool(dtype.kind == "f")
    return True


def _are_comparable(args: Any, kinds: list[Any]) -> bool:
    """Whether C compares as numpy does: no signed numbers with unsigned ones, no huge ones."""
    whole = [a for a in args if type(a) is int]
    signs = {d.kind for d in kinds} | {"i" for a in whole if a < 0}
    return not signs >= {"i", "u"} and all(-(2**31) <= a < 2**31 for a in whole)


def name_of(instruction: Instruction) -> str:
    """The name of an elementwise function; "pow" where a power of 0.5 is a root, else "power".

    They differ: the root of -inf is nan, its power inf; the root of -0 is -0, its power 0.
    """
    if instruction.function not in (np.power, operator.pow):
        return instruction.name
    x, y = (a if isinstance(a, Value) else np.asarray(a) for a in instruction.args)
    is_call = instruction.function is np.power or isinstance(instruction.args[1], np.ndarray)
    takes_root = _CALL_TAKES_ROOT if is_call or y.shape else x.shape != ()
    is_single = not y.shape or (y.size == 1 < x.size)
    return "pow" if is_single and takes_root else "power"


_CALL_TAKES_ROOT = bool(np.signbit(np.power(np.full(2, -0.0), 0.5)[0]))
"""Whether this numpy's own power does that for exponents that are the same for all entries."""


def expression(name: str, out: Value, args: list[Argument]) -> str:
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
        return " ".join([_converted(args[0], np.dtype(bool)), "?", _converted(args[1], out.dtype),
                         ":", _converted(args[2], out.dtype)])  # fmt: skip
    if name in _TESTS:
        return _TESTS[name].format(_converted(args[0], args[0][1]))
    if name in _NOT:
        is_of_bits = name == "invert" and out.dtype != bool
        return ("~" if is_of_bits else "!") + _converted(args[0], out.dtype)
    return _arithmetic(name, out.dtype, [_converted(a, out.dtype) for a in args], args)


def _arithmetic(name: str, dtype: Any, given: list[str], args: list[Argument]) -> str:
    sign = _INFIX.get(name) or _BITS.get(name, "")
    of_integers = _OF_INTEGERS.get(sign or _CALLS.get(name, name))
    if of_integers and (dtype.kind in "iu" or (dtype.kind == "b" and not sign)):
        return of_integers.format(*given, T=C_TYPES[dtype.name])
    if sign:
        sign = _INFIX_OF_BOOLS.get(sign, sign) if dtype.kind == "b" else sign
        return f"{given[0]} {sign} {given[1]}"
    if name in _SCALED:
        return f"{given[0]} * {literal(_SCALED[name], dtype)}"
    if _CALLS.get(name) == "power" and (text := _power(name, given, args[1][0], dtype)):
        return text
    if name in _CALLS:
        return f"{_CALLS[name]}_{SUFFIXES[dtype.name]}({', '.join(given)})"
    return _OTHER[name].format(*given)


def _power(name: str, given: list[str], exponent: Any, dtype: Any) -> str | None:
    """numpy's own short cuts for exponents that are numbers."""
    x, suffix = given[0], SUFFIXES[dtype.name]
    root, takes_root = f"sqrt_{suffix}({x})", name == "pow"
    number = _number(exponent)
    if number is None:
        return f"{given[1]} == 0.5 ? {root} : power_{suffix}({x}, {given[1]})" * takes_root
    if not takes_root:  # gcc makes roots of such powers where it vectorises
        root = f"{x} == -__builtin_inf() ? __builtin_inf() : {root} + 0"
    return {2: f"{x} * {x}", 1: x, -1: f"1 / {x}", 0.5: root}.get(number)


def _number(text: Any) -> float | None:
    """The number that a text in C is, if it is one."""
    try:
        return float(str(text).strip("()f"))
    except ValueError:
        return None


def _common(args: list[Argument]) -> Any:
    """The dtype in which two arguments are compared."""
    if all(weak for _, _, weak in args):
        return np.result_type(*(dtype for _, dtype, _ in args))
    return np.result_type(*(dtype.type(0).item() if weak else dtype for _, dtype, weak in args))


def _converted(arg: Argument, dtype: Any) -> str:
    text, given, _ = arg
    if not isinstance(text, str):
        return literal(text, dtype)
    if given == dtype:
        return text
    if given.kind == "b" and dtype.kind == "f":  # gcc vectorises this, and a cast not
        return f"({text} ? {literal(1, dtype)} : {literal(0, dtype)})"
    if dtype.kind == "b":
        return f"({text} != 0)"
    kind = C_TYPES[dtype.name]
    if given.kind == "f" and dtype.kind == "u":  # C leaves open what becomes of negative numbers
        return f"({text} < 0 ? ({kind})(int64_t){text} : ({kind}){text})"
    return f"({kind}){text}"


def literal(value: Any, dtype: Any) -> str:
    """A number in C."""
    if dtype.kind == "b":
        return str(int(bool(value)))
    if dtype.kind in "iu":
        return _whole(int(value), dtype)
    value, suffix = float(value), "f" if dtype.itemsize == 4 else ""
    if math.isnan(value):
        return f'__builtin_nan{suffix}("")'
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}__builtin_inf{suffix}()"
    if suffix:
        with np.errstate(over="ignore"):  # a number that is too large is infinite
            value = float(np.float32(value))
        if math.isinf(value):
            return literal(value, dtype)
    return f"({value!r}{suffix})" if value < 0 or repr(value)[0] == "-" else f"{value!r}{suffix}"


def _whole(value: int, dtype: Any) -> str:
    if value == np.iinfo(np.int64).min:
        return "INT64_MIN"
    suffix = ("U" if dtype.kind == "u" else "") + ("LL" if dtype.itemsize == 8 else "")
    return f"({value}{suffix})" if value < 0 else f"{value}{suffix}"
