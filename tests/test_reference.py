"""The reference of ops is what the table says now, and `help` and `repr` say the same."""

import inspect
import math
import re
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.op import OPS, Op, binary
from autodiff.rules import stated
from docs.op_table import PAGE, page
from tests.cases import in_turn

TEXT = PAGE.read_text()
ROWS = {n: OPS[n.rpartition(".")[2]] for n, f in ad.FUNCTIONS.items() if n.rpartition(".")[2] in OPS
        and not hasattr(f, "__wrapped__")}  # fmt: skip
"""Rows whose public function is not made of other rows."""


def test_page_is_up_to_date() -> None:
    assert told(page()) == told(TEXT), "python -m docs.op_table writes it anew"


def told(text: str) -> str:
    """But for the summaries that are numpy's, which change with its version."""
    theirs = [name for name, op in ROWS.items() if isinstance(op.forward, np.ufunc)]
    cell = rf"^(\| `ad\.(?:{'|'.join(theirs)})\([^|]*\|)[^|]*"
    return re.sub(cell, r"\1", text, flags=re.MULTILINE)


def test_page_has_every_function() -> None:
    found = set(re.findall(r"`ad\.([\w.]+)", TEXT))
    assert found >= {
        *ad.FUNCTIONS,
        *ad.PLAIN,
        *(f"linalg.{name}" for name in ("inv", "matrix_rank")),
    }


def test_page_has_every_rule_in_words() -> None:
    assert "<lambda>" not in TEXT
    assert (
        "| `ad.linalg.inv(x)` | Inverse of each matrix. | `-np.matmul(np.matmul(out.mT, g)" in TEXT
    )
    assert "[ties](nonsmooth.md#ties)" in TEXT


@in_turn(ROWS)
def test_help_is_made_of_the_row(name: str) -> None:
    op, text = ROWS[name], inspect.getdoc(ad.FUNCTIONS[name])
    assert text is not None
    titles = re.findall(r"^(.*)\n-+$", text, re.MULTILINE)
    assert titles == ["Parameters", "Returns", "Notes"]
    assert all(f"\n{parameter} : " in text or f"\n{parameter}\n" in text for parameter in names(op))
    assert not re.search(r"\bout=|\bwhere=|\bx1\b", text)


def names(op: Op) -> list[str]:
    """All parameters of a row."""
    return [*op.args, *op.params]


@in_turn(ROWS)
def test_signature_is_that_of_the_row(name: str) -> None:
    assert list(inspect.signature(ad.FUNCTIONS[name]).parameters) == names(ROWS[name])


def test_help() -> None:
    assert "\n    d out / d x = 1 / np.cosh(x) ** 2\n" in ad.tanh.__doc__
    assert ad.divide.__doc__.startswith("Same as x / y.\n")
    assert "It has a derivative where: y != 0." in ad.divide.__doc__
    assert "np.max and np.amax of a Tensor are the same." in ad.max.__doc__
    assert ad.Tensor.tanh.__doc__ == ad.Scalar.tanh.__doc__ == ad.tanh.__doc__
    assert ad.Tensor.tanh.__name__ == "tanh"


def test_a_row_shows_its_derivatives() -> None:
    assert repr(OPS["tanh"]) == "Op tanh(x): d/dx = 1 / np.cosh(x) ** 2"
    assert repr(OPS["cross"]).endswith("vjp for x = np.cross(y, g), vjp for y = np.cross(g, x)")
    assert repr(OPS["sinc"]) == "Op sinc(x): d/dx = _sinc_x(x)"


def two() -> tuple[Any, Any]:
    return lambda x, y: x + y, lambda x, y: x - y  # whose parameters and line are the same


def documented(x: Any) -> Any:
    """A rule with a docstring."""
    return 2 * x


def test_rules_of_one_line_are_told_apart() -> None:
    assert list(map(stated, two())) == ["x + y", "x - y"]


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (-1, "-1"), ("1 / x", "1 / x"), (documented, "2 * x"), (names, "[*op.args, *op.params]"),
        (test_help, "test_help()"), (eval("lambda x: x"), "<lambda>(x)"),
    ],
)  # fmt: skip
def test_stated(rule: Any, text: str) -> None:
    assert stated(rule) == text


def test_a_rule_without_source() -> None:
    assert repr(binary("hypot", np.hypot, math.cos, 1)).startswith("Op hypot(x, y): d/dx = cos(")
