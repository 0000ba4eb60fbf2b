"""The view as data for the page: complete, consistent, and nothing but JSON."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw import data
from tests.draw.programs import INPUTS, count, programs, run


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def state(graph: ad.draw.Graph) -> dict[str, Any]:
    made = data.state(graph._view, "as drawn", "<svg/>", {})
    assert json.loads(json.dumps(made, allow_nan=False)) == made
    return made


def card(made: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in made["cards"] if each["name"] == name]
    return found


@given(programs, st.sampled_from([None, 0, "all", "ops"]), st.sampled_from(list(INPUTS)))
def test_all_that_is_named_is_there(program: Any, expand: Any, name: str) -> None:
    J, inputs = run(program)
    made = state(ad.graph(J, expand=expand, highlight=inputs[name], names={}))
    ids = [each["id"] for each in made["cards"]]
    assert made["order"] == ids
    assert len(set(ids)) == len(ids)
    wires = {(wire["parent"], wire["child"]) for wire in made["wires"]}
    assert {end for wire in wires for end in wire} <= set(ids)
    for each in made["cards"]:
        assert {(each["id"], share["from"]) for share in each["shares"]} <= wires
        assert {(partial["to"], each["id"]) for partial in each["partials"]} <= wires
        assert all(0.0 <= share["size"] <= 1.0 for share in each["shares"])


@given(programs, st.sampled_from([None, 0, "all", "ops"]))
def test_a_card_counts_the_paths_that_come_to_it(program: Any, expand: Any) -> None:
    J, _ = run(program)
    graph = ad.graph(J, expand=expand)
    for each, shown in zip(graph.cards, state(graph)["cards"], strict=True):
        assert shown["count"] == f"{count(graph.signals.root, each.group.head):,}"


@pytest.mark.parametrize(
    ("doublings", "shown"), [(10, "1,024"), (60, "1.2e18"), (1100, "over 1e308")]
)
def test_large_counts_are_powers_of_ten(doublings: int, shown: str) -> None:
    x = leaf(1.0)
    y = x
    for _ in range(doublings):
        y = y + y
        y = y * 0.5
    assert card(state(ad.graph(y)), "x")["count"] == shown


def test_shares_are_told_in_words_and_by_size() -> None:
    x = leaf(2.0)
    y = 3.0 * x
    J = x * y
    made = state(ad.graph(J))
    assert card(made, "x")["shares"] == [
        {"from": "n0", "local": "y", "value": "6.000", "size": 1.0},
        {"from": "n1", "local": "3", "value": "6.000", "size": 1.0},
    ]
    assert card(made, "y")["partials"] == [{"to": "n2", "local": "3", "value": "3.000"}]


def test_rows_of_a_table_add_up_to_its_error_signal() -> None:
    table = ad.Parameter(np.arange(8.0).reshape(4, 2), name="table")
    J = ad.sum(ad.embedding(table, np.array([1, 1, 3])) ** 2)
    (share,) = card(state(ad.graph(J)), "table")["shares"]
    J.backward()
    assert share["value"] == f"‖·‖ {np.linalg.norm(np.asarray(table.grad)):.3f}"


def test_what_is_not_finite_has_a_size_of_zero() -> None:
    x = leaf(0.0)
    with np.errstate(all="ignore"):
        made = state(ad.graph(np.sqrt(x), highlight=x))
    assert card(made, "x")["alert"] == "inf"
    assert [share["size"] for share in card(made, "x")["shares"]] == [0.0]


def test_the_place_in_the_code_is_known_of_what_was_watched() -> None:
    x = leaf(2.0)
    with ad.watch():
        J = ad.tanh(x)
    with ad.scope("outer"), ad.scope("inner"):
        K = ad.sin(J) * J
    made = state(ad.graph(K, expand="all"))
    assert card(made, "J")["source"].startswith("test_data.py:")
    assert card(made, "x")["source"] is None
    assert [each["scope"] for each in made["cards"] if each["kind"] == "loss"] == ["outer / inner"]


# Paths and parameters


def test_without_a_highlight_or_a_path_there_are_none() -> None:
    x, y = leaf(1.0), leaf(2.0, "y")
    assert data.paths(ad.graph(ad.tanh(x))._view) is None
    assert data.paths(ad.graph(ad.tanh(x), highlight=y)._view) is None


def test_paths_have_their_colour_their_text_and_what_they_add() -> None:
    x = leaf(2.0)
    J = x * x + 3.0 * x
    found = data.paths(ad.graph(J, highlight=x, top=1)._view)
    assert found == {
        "to": "x",
        "rows": [
            {
                "numeral": "①",
                "color": "#E8590C",
                "text": "J → 3x → x",
                "contribution": "3.000",
                "size": 1.0,
            }
        ],
        "rest": "2 more, together 4.000",
        "total": "7.000",
        "check": "finite difference 7.000  ✓",
    }


def test_parameters_have_all_their_uses() -> None:
    W = ad.Parameter([3.0, 4.0], name="W")
    y: Any = leaf([1.0, 1.0])
    for t in (1, 2):
        with ad.scope(f"step t={t}"):
            y = W * y
    (found,) = data.parameters(ad.graph(ad.sum(y))._view)
    assert found == {
        "name": "W",
        "shape": "ℝ²",
        "value": "[3.000  4.000]",
        "uses": [
            {"label": "t=1", "text": "5.000", "size": 1.0},
            {"label": "t=2", "text": "5.000", "size": 1.0},
        ],
        "total": "[6.000  8.000]",
    }
    assert math.hypot(6, 8) == 10


def test_a_dead_or_missing_gradient_of_a_parameter_is_told() -> None:
    W, V = ad.Parameter([1.0, 2.0], name="W"), ad.Parameter([1.0, 2.0], name="V")
    J = ad.sum(ad.relu(-W) * ad.relu(-W)) + ad.sum(ad.round(V)) * 0.0
    found = {row["name"]: row["total"] for row in data.parameters(ad.graph(J)._view)}
    assert found == {"W": "0 (dead)", "V": "—"}
