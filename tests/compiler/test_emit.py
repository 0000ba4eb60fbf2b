"""The text of C programs: what is in it, and that the same work has the same text."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native.gemm import header
from autodiff.compiler.native.maths import MATHS, maths_for
from tests.compiler.near import InC, needs_compiler

pytestmark = [needs_compiler, pytest.mark.usefixtures("cache", "built_fast")]

X, Y = np.ones((2, 3, 4)), np.ones((2, 4, 3))


def source(f: Any, *args: Any) -> str:
    made = InC(f)
    made(*args)
    return made.compiled.source


def work(text: str) -> str:
    return text[text.index("EXPORT int") :]


def test_the_same_work_has_the_same_text() -> None:
    def f(x: Any, y: Any) -> Any:
        return ad.scan(lambda h, z: (h + np.sum(z @ y), h), 0.0, np.stack([x, x]))

    assert source(f, X, Y) == source(f, X, Y)


def test_nothing_is_in_it_that_is_not_used() -> None:
    text = source(lambda x: np.tanh(x), X)
    assert "tanh_f64" in text and "erf_f64" not in text and "log_f64" not in text
    assert "tile_double" not in text
    text = source(lambda x, y: x @ y, X, Y)
    assert "tile_double" in text and "tile_float" not in text and "exp_f64" not in text


def test_it_says_what_it_is_given() -> None:
    text = source(lambda x, y: np.linalg.inv(x @ y + np.eye(3)) * 2, X, Y)
    contents, _ = text.split("\n\n", 1)
    assert contents.split("this order:\n")[1] == (
        "//   run_0\n//   numpy's inv\n//   run_2\n"
        "// It is given:\n//   inputs[0]: float64[2, 3, 4]\n//   inputs[1]: float64[2, 4, 3]"
    )


def test_arrays_have_a_name_each_and_a_shape() -> None:
    text = work(source(lambda x, y: (x[0] @ y[0]) @ x[1], X, Y))
    assert "double *const input0 = (double *)inputs[0]; // [2, 3, 4]\n" in text
    assert re.search(r"product_0\(input0, input1, m\d+\);", text)


def test_a_constant_that_is_one_number_is_written_as_such() -> None:
    text = work(source(lambda x: (x * np.full(4, 0.5), x + np.array([0.0, -0.0, 0.0, 0.0])), X))
    assert "* 0.5;" in text and "constants[0]" in text and "constants[1]" not in text


def test_one_helper_looks_for_nan() -> None:
    text = work(source(ad.grad(lambda x, y: ad.sum((x @ y) ** 2)), X[0], Y[0]))
    assert re.search(r"if \(has_nan_f64\(m\d+, 12\)\) return 1;", text)


def calls(text: str) -> set[str]:
    return set(re.findall(r"(\w+_f(?:32|64))\(", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)))


def defined(text: str) -> set[str]:
    """Functions, and those that macros make."""
    found = set(re.findall(r"^(?:INLINE|static) .*?(\w+_f(?:32|64))\(", text, re.MULTILINE))
    stems = re.findall(r"INLINE T (\w+)_##SUFFIX|^LIBRARY2?\((\w+)", text, re.MULTILINE)
    return found | {f"{a or b}_{end}" for a, b in stems for end in ("f32", "f64")}


def test_what_a_function_needs_comes_with_it() -> None:
    names = defined(MATHS)
    assert {"exp_f32", "erfc_f64", "sin_f64", "power_f32", "maximum_f64", "has_nan_f32"} <= names
    for name in names:
        found = maths_for(f"{name}(x)")
        assert {name, *calls(found)} <= defined(found)
        assert {"INLINE", "EXACT", "LIBRARY", "DIVISION"} & set(re.findall(r"\w+", found)) <= set(
            re.findall(r"#define (\w+)", found)
        )


def test_text_in_double_precision_is_as_tidy_as_that_in_single() -> None:
    text = header(["float64"])
    for line in text.split("\n"):
        assert len(line) == 98 or not line.endswith("\\")
    before, after = re.search(r"(.*\n)( *const ptrdiff_t a_row.*)", text).groups()  # type: ignore[union-attr]
    assert before.index("(") + 1 == len(after) - len(after.lstrip())
