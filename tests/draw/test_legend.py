"""What stands below a picture: paths that add up, and parameters with each of their uses."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw.legend import BAR, COLUMNS, legend, sizes
from tests.draw.programs import INPUTS, programs, run


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def rows(graph: ad.draw.Graph, title: str = "") -> list[list[str]]:
    """The texts of each row that has any."""
    lines = re.findall(r"<TR>(.*?)</TR>", legend(graph._view, title))
    found = [re.findall(r">([^<>\s][^<>]*)<", line) for line in lines]
    return [[html.unescape(text).strip() for text in row] for row in found if row]


def number(text: str) -> float:
    return float(text.replace("−", "-"))


# Paths


def test_each_path_has_a_numeral_its_cards_what_it_adds_and_a_bar() -> None:
    x = leaf(2.0)
    y = x * x
    J = ad.sin(y) + y
    head, *paths, total = rows(ad.graph(J, highlight=x))
    assert head[0] == "∂J/∂x is the sum over 4 paths"
    assert [row[0] for row in paths] == ["①", "②", "③", "④"]
    assert [row[1] for row in paths] == ["J → y → x"] * 2 + ["J → sin(y) → y → x"] * 2
    assert [row[2] for row in paths] == ["2.000"] * 2 + ["−1.307"] * 2
    assert [len(row[3]) for row in paths] == [BAR] * 2 + [round(BAR * 0.6536)] * 2
    assert total == ["Σ", "∂J/∂x", "1.385", "finite difference 1.385  ✓"]


def test_the_paths_that_are_left_out_are_one_row() -> None:
    x = leaf(2.0)
    J = x * x + 3.0 * x
    assert rows(ad.graph(J, highlight=x, top=1))[1:] == [
        ["①", "J → 3x → x", "3.000", "█" * BAR],
        ["⋯", "2 more, together", "4.000"],
        ["Σ", "∂J/∂x", "7.000", "finite difference 7.000  ✓"],
    ]


def test_a_single_path_is_written_as_a_product() -> None:
    x = leaf(2.0)
    y = 3.0 * x
    z = ad.sin(y)
    J = ad.exp(z)
    graph = ad.graph(J, highlight=x)
    (product,) = [row[0] for row in rows(graph) if row[0].startswith("=")]
    symbols, numbers = product.removeprefix("= ").split(" = ")
    assert symbols == "J · cos(y) · 3"
    assert np.prod([number(n) for n in numbers.split(" · ")]) == pytest.approx(2.178, abs=2e-3)
    assert [row[2] for row in rows(graph) if row[0] == "①"] == ["2.178"]


def test_a_product_says_something_of_two_factors_or_more() -> None:
    x, y = leaf(2.0), leaf(3.0, "y")
    for J in (x + y, 3.0 * x, x * x):
        assert not products(ad.graph(J, highlight=x, top=1))


def test_a_product_is_of_one_path_only() -> None:
    x = leaf(2.0)
    y = x * x
    z = ad.sin(y)
    J = z * 2.0
    assert products(ad.graph(J, highlight=y, top=1))
    assert not products(ad.graph(J, highlight=x, top=1))


def test_a_product_is_of_known_numbers_only() -> None:
    x = leaf(2.0)
    y = ad.sin(x)
    z = 0.0 * y
    J = ad.tanh(z)
    assert products(ad.graph(J, highlight=x, top=1)) == [
        "= (1 − J²) · 0 · cos(x) = 1.000 · 0 · −0.416"
    ]
    assert products(ad.graph(J, highlight=y, top=1)) == ["= (1 − J²) · 0 = 1.000 · 0"]


def products(graph: ad.draw.Graph) -> list[str]:
    return [row[0] for row in rows(graph) if row[0].startswith("=")]


@given(programs, st.sampled_from(list(INPUTS)), st.integers(0, 8))
def test_the_rows_add_up_to_the_gradient(program: Any, name: str, top: int) -> None:
    J, inputs = run(program)
    graph = ad.graph(J, highlight=inputs[name], top=top, names={})
    table = rows(graph)
    if " is 0. " in table[0][0]:
        return
    (total,) = [row for row in table if row[0] == "Σ"]
    parts = [number(row[2]) for row in table if row[0] in "①②③④⑤⑥⑦⑧⋯"]
    J.backward()
    assert number(total[2]) == pytest.approx(inputs[name].grad, abs=6e-4)
    assert sum(parts) == pytest.approx(inputs[name].grad, abs=6e-4 * (len(parts) + 1))


def test_bars_tell_the_sizes_and_none_is_longer_than_the_longest() -> None:
    x = leaf([3.0, 4.0])
    J = ad.sum(x * x) + ad.sum(0.2 * x)
    found = sizes(ad.graph(J, highlight=x)._view)
    assert found == pytest.approx([1.0, 1.0, 0.2 * np.sqrt(2) / 5])


def test_a_size_that_is_not_finite_has_no_bar() -> None:
    x = leaf(0.0)
    with np.errstate(all="ignore"):
        graph = ad.graph(np.sqrt(x) + x, highlight=x)
        assert sizes(graph._view) == [0.0, 1.0]


def test_where_there_is_no_path_the_reason_is_told() -> None:
    x, y = leaf(1.0), leaf(2.0, "y")
    J = ad.tanh(x)
    ((text,),) = rows(ad.graph(J, highlight=y))
    assert text.startswith("∂J/∂y is 0. J does not depend on it")


def test_an_element_is_in_the_title() -> None:
    x = leaf([1.0, 2.0])
    assert rows(ad.graph(ad.sum(x * x), highlight=x, element=1))[0][0].startswith("∂J/∂x[1] is")


# The rest


def test_without_anything_to_say_there_is_no_legend() -> None:
    assert legend(ad.graph(ad.tanh(leaf(1.0)))._view) == ""


def test_a_title_and_the_notes_are_below() -> None:
    h = leaf(1.0)
    for t in range(9):
        with ad.scope(f"step {t}"):
            h = ad.tanh(h) * h
    shown = rows(ad.graph(h, expand=0), "my model")
    assert shown == [["my model"], ["5 × step are drawn as one card"]]


# Parameters


def rnn(steps: int) -> tuple[ad.Tensor, ad.Parameter, ad.Parameter]:
    W, b = ad.Parameter([[0.5, -0.2], [0.1, 0.9]], name="W"), ad.Parameter([0.3, -0.4], name="b")
    h: Any = leaf([1.0, -1.0], "h")
    for t in range(1, steps + 1):
        with ad.scope(f"rnn t={t}"):
            h = ad.tanh(W @ h + b if t > 1 else W @ h)
    return ad.sum(h * h), W, b


def test_each_use_of_a_parameter_has_a_column() -> None:
    J, _, b = rnn(3)
    head, first, second = rows(ad.graph(J))
    assert head == ["parameters, drawn once", "t=1", "t=2", "t=3", "‖Σ‖"]
    assert first[:2] == ["W", "2×2"]
    assert second[:4] == ["b", "ℝ²", "▸ [0.300  −0.400]", "—"]
    J.backward()
    assert second[-1] == "◂ [{}  {}]".format(*(f"{g:.3f}".replace("-", "−") for g in b.grad))


@pytest.mark.parametrize("steps", [2, 5, 30])
def test_the_uses_of_a_parameter_add_up_to_its_gradient(steps: int) -> None:
    J, *parameters = rnn(steps)
    view = ad.graph(J)._view
    J.backward()
    for node, parameter in zip(view.shared, parameters):
        found = view.signals.by_scope(node)
        np.testing.assert_allclose(sum(found.values()), parameter.grad, rtol=1e-12)
        assert list(found) == [f"rnn t={t}" for t in range(1 + (parameter.name == "b"), steps + 1)]


def test_of_many_uses_those_in_the_middle_share_a_column() -> None:
    head, first, _ = rows(ad.graph(rnn(30)[0], expand=0))[:3]
    assert head[1:-1] == ["t=1", "t=2", "t=3", "t=4", "⋯", "t=28", "t=29", "t=30"]
    assert len(head) - 2 == COLUMNS
    assert first[7] == "⋯"


def test_the_largest_use_is_the_warmest() -> None:
    view = ad.graph(rnn(3)[0])._view
    shares = [s for node in view.shared for s in view.signals.by_scope(node).values()]
    norms = [np.linalg.norm(share) for share in shares]
    cell = r'BGCOLOR="#FF\w\w(\w\w)"><[^>]*>[^<]*</FONT><[^>]*COLOR="#D9480F">([\d.]+)'
    warmth = {text: int(blue, 16) for blue, text in re.findall(cell, legend(view))}
    assert warmth[f"{max(norms):.3f}"] == min(warmth.values()) == 0x78
    assert sorted(warmth, key=float, reverse=True) == sorted(warmth, key=lambda t: warmth[t])


def test_a_parameter_without_a_gradient_has_a_dash() -> None:
    W, V = ad.Parameter([1.0, 2.0], name="W"), ad.Parameter([1.0, 2.0], name="V")
    J = ad.sum(W * W * W) + ad.sum(ad.round(V)) * ad.sum(W)
    table = {row[0]: row for row in rows(ad.graph(J))}
    assert table["V"][-1] == "◂ —"
