"""What is written can be read back: brackets, numbers, local derivatives."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autodiff import ops  # noqa: F401 - fills the table
from autodiff.inspect.notation import (
    _SLOPES,
    Factor,
    Term,
    array,
    atom,
    call,
    constant,
    derivative,
    number,
    product,
    space,
    subscript,
)
from autodiff.op import OPS

A, B, C, X = map(atom, "abcx")


# Reading mathematics back as Python.

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def python(text: str) -> str:
    text = re.sub(r"(?<![\w.])([\d.]+[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]*)(?=[a-z(√])", r"\1*", text)  # 2x
    text = re.sub("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda m: f"**({m[0].translate(RAISED)})", text)
    text = re.sub(r"√(\w+)", r"sqrt(\1)", text).replace("√", "sqrt")
    return text.translate(str.maketrans({"⊙": "*", "·": "*", "−": "-", "^": "**"}))


def read(text: str, **values: Any) -> Any:
    return eval(python(text), {**vars(np), **values})


# Brackets

ORDINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "negative": lambda x: -x,
    "square": lambda x: x * x,
    "reciprocal": lambda x: 1 / x,
}
VALUES = {"a": Fraction(2, 3), "b": Fraction(-5, 7), "c": Fraction(11, 2)}
leaves = st.sampled_from([*VALUES, "2", "3"]).map(lambda text: (atom(text), read(text, **VALUES)))


def extended(parts: Any) -> Any:
    def written(name: str, *args: Any) -> Any:
        terms, values = zip(*args, strict=True)
        assume(name not in ("divide", "reciprocal") or values[-1] != 0)
        return call(name, list(terms)), ORDINARY[name](*map(Fraction, values))

    one, two = ["negative", "square", "reciprocal"], ["add", "subtract", "multiply", "divide"]
    return st.builds(written, st.sampled_from(one), parts) | st.builds(
        written, st.sampled_from(two), parts, parts
    )


@given(st.recursive(leaves, extended, max_leaves=8))
def test_what_is_written_says_what_was_computed(example):
    term, value = example
    assert float(read(term.text, **VALUES)) == pytest.approx(float(value), rel=1e-9)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (call("multiply", [call("add", [A, B]), C]), "(a + b)⊙c"),
        (call("subtract", [A, call("subtract", [B, C])]), "a − (b − c)"),
        (call("subtract", [call("subtract", [A, B]), C]), "a − b − c"),
        (call("negative", [call("add", [A, B])]), "−(a + b)"),
        (call("transpose", [call("matmul", [A, B])]), "(a b)ᵀ"),
        (call("square", [X]), "x²"),
        (call("power", [X, atom("−1")]), "x⁻¹"),
        (call("power", [call("add", [A, B]), C]), "(a + b)^c"),
        (call("divide", [A, call("multiply", [B, C])]), "a / (b⊙c)"),
        (call("multiply", [X, atom("2")]), "2x"),
        (call("multiply", [atom("2"), call("add", [A, B])]), "2(a + b)"),
        (call("multiply", [A, B], is_scalar=True), "a·b"),
        (call("matmul", [call("add", [A, B]), C]), "(a + b) c"),
        (call("linear", [X, A, B]), "a x + b"),
        (call("linear", [X, A]), "a x"),
        (call("sum", [call("add", [A, B])]), "Σ (a + b)"),
        (call("sqrt", [call("add", [A, B])]), "√(a + b)"),
        (call("sigmoid", [call("add", [A, B])]), "σ(a + b)"),
        (call("absolute", [call("add", [A, B])]), "|a + b|"),
        (call("logsumexp", [A, B]), "logsumexp(a, b)"),
        (call("astype", [A]), "a"),
    ],
)
def test_notation_of_each_kind(term, text):
    assert term.text == text


# Numbers and arrays


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1.000"), (-0.5, "−0.500"), (0.0, "0"), (-0.0, "0"), (0.001, "0.001"),
        (12345.678, "12345.678"), (1e5, "1.00e5"), (-1.234e-7, "−1.23e−7"), (1e20, "1.00e20"),
        (1e-20, "1.00e−20"), (1e100, "1.00e100"),
        (np.inf, "inf"), (-np.inf, "−inf"), (np.nan, "nan"),
    ],
)  # fmt: skip
def test_numbers(value, text):
    assert number(value) == text


@given(st.floats(-1e300, 1e300))
def test_numbers_are_right_to_three_decimals_or_digits(value):
    read_back = float(number(value).replace("−", "-"))
    has_decimals = 1e-3 <= abs(value) < 1e5
    rel, abs_ = (0, 5.01e-4) if has_decimals else (5.01e-3, 0)
    assert read_back == pytest.approx(value, rel=rel, abs=abs_)


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (0.5, "0.5"), (-2.0, "−2"), (1 / 3, "0.3333"), (1e-5, "1e−5"), (1e5, "1e5")],
)
def test_constants_are_as_short_as_the_user_wrote_them(value, text):
    assert constant(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (2.0, "2.000"),
        (np.float32(0.5), "0.500"),
        (np.array(1.5), "1.500"),
        (np.array([1.0, -2.0]), "[1.000  −2.000]"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "[1.000  2.000;  3.000  4.000]"),
        (np.array([[[1.0], [2.0]]]), "[1.000;  2.000]"),
        (np.array([3.0, 4.0, 0.0, 0.0, 0.0]), "‖·‖ 5.000"),
        (np.array([True, False]), "[1.000  0]"),
        (np.zeros((0,)), "[]"),
        (np.zeros((2, 0)), "[]"),
        (np.zeros((1, 0, 3)), "[]"),
        ((np.array([1.0]), 2.0), "[1.000]  2.000"),
    ],
)
def test_arrays(value, text):
    assert array(value) == text


def test_a_limit_of_entries_to_write():
    assert array(np.ones(3), limit=2) == f"‖·‖ {np.sqrt(3):.3f}"


@pytest.mark.parametrize(
    ("shape", "text"),
    [((), "ℝ"), ((12,), "ℝ¹²"), ((3, 2), "3×2"), ((1, 2, 3), "1×2×3")],
)
def test_spaces(shape, text):
    assert space(shape) == text


def test_subscripts():
    assert subscript("h", 12) == "h₁₂"


@pytest.mark.parametrize(
    ("term", "text"),
    [
        (call("multiply", [X, atom("−2")]), "−2x"),
        (call("multiply", [atom("−0.5"), call("add", [A, B])]), "−0.5(a + b)"),
        (call("multiply", [X, atom("1e−5")]), "1e−5·x"),
        (call("multiply", [atom("−2"), atom("−3")]), "−(−3·2)"),
        (call("subtract", [A, call("multiply", [X, atom("−2")])]), "a − (−2x)"),
    ],
)
def test_negative_and_small_numbers_go_first_as_well(term, text):
    assert term.text == text


# Local derivatives


def derived(name: str, index: int, *shapes: tuple[int, ...], terms: Any = None) -> Factor:
    """Of an op of arguments of those shapes; the last is the result's, and that of the rest."""
    op = OPS[name]
    terms = terms or [*op.args, "out"]
    return derivative(
        op, index, list(map(atom, terms)), [*shapes, *shapes[-1:] * (len(terms) - len(shapes))]
    )


def points(op: Any) -> tuple[list[float], Any, tuple[Any, ...]]:
    """Arguments within the domain of an op, its result, and the row's local derivatives."""
    x = 1.7 if op.domain == "x > 1" else 0.37
    args = [np.float64(x), np.float64(0.59)][: len(op.args)]
    out = op.forward(*args)
    return args, out, op.local((1 << len(args)) - 1, np)(out, *args)


@pytest.mark.parametrize("name", _SLOPES)
def test_derivatives_for_reading_are_those_of_the_row(name):
    op = OPS[name]
    args, out, slopes = points(op)
    space = {"np": np, "out": out, **dict(zip(op.args, args, strict=True))}
    assert len(_SLOPES[name]) == len(op.args)
    for text, slope in zip(_SLOPES[name], slopes, strict=True):
        assert eval(text, space) == pytest.approx(slope, rel=1e-12)


def is_stated(partial: Any) -> bool:
    # One that asks for equality is written as in the table, and not to be read.
    return not callable(partial) and "==" not in str(partial)


STATED = [
    (name, i, is_scalar)
    for name, op in OPS.items()
    for i, partial in enumerate(op.partials or ())
    for is_scalar in (True, False)
    if is_stated(partial)
]


@pytest.mark.parametrize(("name", "index", "is_scalar"), STATED)
def test_written_derivatives_can_be_read(name, index, is_scalar):
    op = OPS[name]
    args, out, slopes = points(op)
    slope = float(slopes[index])
    values = {"out": out, **dict(zip(op.args, args, strict=True))}
    factor = derived(name, index, () if is_scalar else (3,))
    assert factor.is_diagonal or is_scalar
    if "∂" not in factor.text and "′" not in factor.text:
        value = factor.scale * (read(factor.text, **values) if factor.text else 1.0)
        assert value == pytest.approx(slope, rel=1e-3)
        text = product([factor], is_scalar=True)
        assert read(text, **values) == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("name", OPS)
def test_every_op_has_a_derivative_to_write(name):
    for index in range(len(OPS[name].args)):
        assert isinstance(derived(name, index, (3, 3)), Factor)


@pytest.mark.parametrize(
    ("name", "index", "text"),
    [
        ("tanh", 0, "1 − out²"),
        ("sigmoid", 0, "out⊙(1 − out)"),
        ("multiply", 0, "y"),
        ("exp", 0, "out"),
        ("relu", 0, "out > 0"),
        ("matmul", 1, "x"),
        ("matmul", 0, "yᵀ"),
        ("linear", 0, "W"),
        ("linear", 1, "xᵀ"),
        ("linear", 2, ""),
        ("divide", 1, "x / y²"),
        ("softmax", 0, "softmax′(x)"),
        ("cumsum", 0, "cumsum′"),
        ("tril", 0, "tril′"),
        ("roll", 0, "roll′"),
        ("flip", 0, "flip′"),
        ("pad", 0, "pad′"),
        ("transpose", 0, "(·)ᵀ"),
        ("reshape", 0, ""),
        ("astype", 0, ""),
        ("item", 0, ""),
        ("positive", 0, ""),
        ("expand_dims", 0, ""),
        ("squeeze", 0, ""),
    ],
)
def test_derivatives_of_the_usual_ops(name, index, text):
    assert derived(name, index, (3, 3)).text == text


@pytest.mark.parametrize(
    ("name", "index", "shapes", "text"),
    [
        ("add", 0, [(2, 3), (3,), (2, 3)], "I"),
        ("add", 1, [(2, 3), (3,), (2, 3)], "Σ"),
        ("subtract", 1, [(2, 3), (2, 1), (2, 3)], "−Σ"),
        ("subtract", 1, [(1, 3), (3,), (1, 3)], "−I"),
        ("multiply", 1, [(2, 3), (3,), (2, 3)], "diag(x) Σ"),
        ("multiply", 0, [(2, 3), (3,), (2, 3)], "diag(y)"),
        ("multiply", 0, [(), (3,), (3,)], "y"),
        ("multiply", 1, [(), (3,), (3,)], "x"),
        ("multiply", 1, [(1,), (3,), (3,)], "x"),
        ("multiply", 1, [(1,), (1,), (1,)], "diag(x)"),
        ("divide", 0, [(3,), (), (3,)], "1 / y"),
        ("divide", 1, [(3,), (), (3,)], "−(x / y²)"),
        ("add", 1, [(3,), (), (3,)], "Σ"),
        ("linear", 2, [(5, 3), (4, 3), (4,), (5, 4)], "Σ"),
        ("linear", 2, [(3,), (4, 3), (4,), (4,)], "I"),
        ("broadcast_to", 0, [(3,), (2, 3)], "Σ"),
        ("broadcast_to", 0, [(3,), (3,)], "I"),
        ("sum", 0, [(2, 3), (2,)], "Σ′"),
        ("sum", 0, [(2, 3), ()], "Σ′"),
        ("sum", 0, [(1,), ()], "I"),
        ("mean", 0, [(2, 4), (2,)], "0.25·Σ′"),
        ("mean", 0, [(0,), ()], "Σ′"),
    ],
)
def test_derivatives_know_the_shapes(name, index, shapes, text):
    assert product([derived(name, index, *shapes)], is_scalar=False) == text


@pytest.mark.parametrize(
    ("name", "index", "terms", "text"),
    [
        ("divide", 0, ["x", "2.828", "out"], "0.3536"),
        ("divide", 0, ["x", "−2", "out"], "−0.5"),
        ("divide", 0, ["x", "0", "out"], "diag(1 / 0)"),
        ("multiply", 0, ["x", "−1", "out"], "−I"),
        ("multiply", 0, ["x", "1e−5", "out"], "1e−5"),
        ("power", 0, ["x", "−1", "out"], "−diag(x⁻²)"),
        ("power", 0, ["x", "3", "out"], "3·diag(x²)"),
        ("power", 0, ["x", "2", "out"], "2·diag(x)"),
        ("power", 0, ["x", "1", "out"], "I"),
        ("power", 0, ["x", "0", "out"], "0"),
        ("power", 0, ["x", "0.5", "out"], "0.5·diag(x^(−0.5))"),
        ("divide", 1, ["1", "b", "out"], "−diag(1 / b²)"),
        ("matmul", 0, ["q", "kᵀ", "out"], "k"),
        ("matmul", 0, ["q", "(a b)ᵀ", "out"], "(a b)"),
        ("einsum", 0, ["x", "b", "out"], "∂einsum/∂x"),
        ("einsum", 1, ["x", "b", "out"], "∂einsum/∂b"),
        ("einsum", 0, ["x", "out"], "einsum′(x)"),
        ("tensordot", 0, ["b", "b", "out"], "∂₁tensordot"),
        ("tensordot", 1, ["b", "b", "out"], "∂₂tensordot"),
        ("stack", 2, ["a", "b", "c" * 20, "out"], "∂₃stack"),
    ],
)
def test_derivatives_depend_on_what_the_arguments_are(name, index, terms, text):
    assert product([derived(name, index, (3,), terms=terms)], is_scalar=False) == text


@pytest.mark.parametrize(
    ("factors", "is_scalar", "text"),
    [
        ([], True, "1"),
        ([], False, "I"),
        ([Factor(-1.0, "", True)], False, "−I"),
        ([Factor(-1.0, "", True)], True, "−1"),
        ([Factor(2.0, "x", True)], True, "2·x"),
        ([Factor(-1.0, "x", True), Factor(2.0, "y", True)], True, "−2·x·y"),
        ([Factor(1.0, "1 − out²", True), Factor(1.0, "y", True)], True, "(1 − out²)·y"),
        ([Factor(1.0, "1 − out²", True)], False, "diag(1 − out²)"),
        ([Factor(1.0, "1 − out²", True), Factor(1.0, "W")], False, "diag(1 − out²) W"),
        ([Factor(-1.0, "1 − out²", True)], True, "−(1 − out²)"),
        ([Factor(0.25, "Σ′", is_row=True)], False, "0.25·Σ′"),
        ([Factor(0.25, "Σ′", is_row=True), Factor(2.0, "x", True)], False, "0.5·x"),
        ([Factor(1.0, "Σ′", is_row=True), Factor(1.0, "W")], False, "Σ′ W"),
        ([Factor(1.0, "Σ′", is_row=True), Factor(1.0, "", True)], False, "Σ′"),
        ([Factor(1.0, "Σ′", is_row=True), *[Factor(1.0, "x", True)] * 2], False, "x diag(x)"),
        ([Factor(1.0, "p − y"), Factor(1.0, "x", True)], False, "(p − y) diag(x)"),
    ],
)
def test_factors_along_a_path_are_one_product(factors, is_scalar, text):
    assert product(factors, is_scalar) == text


def test_a_term_is_put_in_brackets_only_where_it_is_looser():
    loose = Term("a + b", 0)
    assert (loose.within(0), loose.within(1)) == ("a + b", "(a + b)")
