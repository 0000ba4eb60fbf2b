"""The C of elementwise functions."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

from autodiff.compiler.native.elements import expression, has_c_type, is_elementwise, literal
from autodiff.compiler.tracing.program import Instruction, Value

F4, F8, I8, BOOL = map(np.dtype, ("f4", "f8", "i8", "?"))


@pytest.mark.parametrize(
    ("value", "dtype", "text"),
    [
        (0.1, F8, "0.1"),
        (0.1, F4, "0.10000000149011612f"),
        (-0.0, F8, "(-0.0)"),
        (1e300, F4, "__builtin_inff()"),
        (-np.inf, F8, "-__builtin_inf()"),
        (np.nan, F4, '__builtin_nanf("")'),
        (3, I8, "3LL"),
        (-(2**63), I8, "INT64_MIN"),
        (2**64 - 1, np.dtype("u8"), "18446744073709551615ULL"),
        (-1, np.dtype("i4"), "(-1)"),
        (2.0, BOOL, "1"),
    ],
)
def test_numbers(value: Any, dtype: Any, text: str) -> None:
    assert literal(value, dtype) == text


def text(function: Any, dtype: Any, *args: Any) -> str:
    out = Value((), dtype)
    return expression(Instruction(function, (), {}, (out,)).name, out, list(args))


X4, X8, XI, XB = (("x", d, False) for d in (F4, F8, I8, BOOL))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (text(np.add, F8, X8, X8), "x + x"),
        (text(np.add, F4, X4, (0.1, F8, True)), "x + 0.10000000149011612f"),
        (text(np.add, F8, X4, X8), "(double)x + x"),
        (text(np.add, BOOL, XB, XB), "x | x"),
        (text(np.multiply, F4, X4, XB), "x * (x ? 1.0f : 0.0f)"),
        (text(np.subtract, I8, XI, XI), "(int64_t)((uint64_t)x - (uint64_t)x)"),
        (text(np.greater, BOOL, XI, (0.5, F8, True)), "(double)x > 0.5"),
        (text(np.logical_not, BOOL, X8), "!(x != 0)"),
        (text(operator.pow, F8, X8, (2, I8, True)), "x * x"),
        (text(operator.pow, F8, X8, (0.5, F8, True)), "sqrt_f64(x)"),
        (text(np.power, F8, X8, X8), "power_f64(x, x)"),
        (text(np.deg2rad, F4, X4), "x * 0.01745329238474369f"),
        (text(np.exp, F4, X4), "exp_f32(x)"),
        (text(np.where, F8, XB, X8, (0, I8, True)), "x ? x : 0.0"),
    ],
)
def test_expressions(found: str, expected: str) -> None:
    assert found == expected


def is_c(function: Any, dtype: Any, *args: Any, **kwargs: Any) -> bool:
    return is_elementwise(Instruction(function, args, kwargs, (Value((3,), dtype),)))


def test_what_has_no_form() -> None:
    x, whole = Value((3,), F8), Value((3,), I8)
    assert is_c(np.exp, F8, x)
    assert is_c(np.maximum, I8, whole, whole)
    assert not is_c(np.exp, np.dtype("f2"), Value((3,), np.dtype("f2")))
    assert not is_c(np.exp, np.dtype("c16"), Value((3,), np.dtype("c16")))
    assert not is_c(np.remainder, I8, whole, 2)  # the C library has none for integers
    assert not is_c(np.add, F8, x, x, where=np.array([True, False, True]))
    assert not is_c(np.less, BOOL, whole, Value((3,), np.dtype("u8")))
    assert not is_c(np.less, BOOL, whole, 2**40)
    assert not is_c(np.sort, F8, x)


def test_the_order_of_bytes() -> None:
    assert has_c_type(np.dtype("f8"))
    assert not has_c_type(np.dtype("f8").newbyteorder())
