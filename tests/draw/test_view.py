"""Cards and wires: what they say, held against brute force on random graphs."""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw.view import Card, View, Wire
from autodiff.inspect.paths import Paths
from autodiff.inspect.signals import Signals
from tests.draw.programs import INPUTS, count, programs, run, slope

expansions = st.sampled_from([None, 0, 1, "all", "ops", "path"])


def view(J: Any, expand: Any = None, x: Any = None) -> View:
    signals = Signals(J, {})
    paths = None if x is None or x not in signals.deltas else Paths(signals, x, 8, None)
    return View(signals, expand, paths)


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def number(text: str) -> Any:
    """A written number, to the digits that are shown."""
    return pytest.approx(float(text.replace("−", "-")), rel=6e-3, abs=6e-4)


def card(graph: ad.draw.Graph, title: str) -> Card:
    (found,) = [each for each in graph.cards if each.title == title]
    return found


# Random graphs of numbers


@given(programs, expansions)
def test_wires_join_two_cards_and_carry_every_edge_between_them(program: Any, expand: Any) -> None:
    seen = view(run(program)[0], expand)
    edges = [edge for wire in seen.wires for edge in wire.edges]
    for wire in seen.wires:
        assert wire.parent is not wire.child
        assert {wire.parent, wire.child} <= set(seen.cards)
        for edge in wire.edges:
            assert seen.card(edge.parent) is wire.parent
            assert seen.card(edge.child) is wire.child
    between = [
        (node, i)
        for node in seen.signals.order
        for i, parent in enumerate(node.parents)
        if parent is not None and seen.card(parent) is not seen.card(node)
    ]
    assert len(edges) == len(between)
    assert len({(wire.parent, wire.child) for wire in seen.wires}) == len(seen.wires)


@given(programs, expansions)
def test_a_wire_says_the_local_derivative_in_symbols_and_as_a_number(
    program: Any, expand: Any
) -> None:
    seen = view(run(program)[0], expand)
    for wire in seen.wires:
        if "group" in (wire.parent.kind, wire.child.kind):
            assert wire.slope == ""
            assert wire.local == (f"{len(wire.edges)} ways" if len(wire.edges) > 1 else "")
        elif len(wire.edges) <= 2:
            true = _slope(wire)
            if wire.slope:
                assert true == number(wire.slope)
            else:
                assert seen.signals.deltas[wire.child.group.head] == 0.0
            if "…" not in wire.local:
                assert _evaluated(wire.local, seen) == pytest.approx(true, rel=1e-9, abs=1e-12)


def _slope(wire: Wire) -> float:
    return slope(wire.child.group.nodes, wire.child.group.head, wire.parent.group.head)


def _evaluated(text: str, seen: View) -> float:
    """What the symbols on a wire come to."""
    for sign, word in ("·", "*"), ("−", "-"), ("²", "**2"):
        text = text.replace(sign, word)
    names = {**INPUTS, "J": seen.signals.start.data, "sin": np.sin, "cos": np.cos, "tanh": np.tanh}
    return float(eval(re.sub(r"(\d)\(", r"\1*(", text), {"__builtins__": {}}, names))


@given(programs, expansions, st.sampled_from(list(INPUTS)))
def test_the_product_along_a_way_of_cards_is_what_its_paths_add(
    program: Any, expand: Any, name: str
) -> None:
    J, inputs = run(program)
    seen = view(J, expand, inputs[name])
    if seen.found is None or seen.found.count > len(seen.paths):
        return
    wires = {(wire.child, wire.parent): wire for wire in seen.wires}
    added: dict[Any, float] = defaultdict(float)
    for i, path in enumerate(seen.paths):
        route = tuple(seen.route(path))
        added[route] += path.contribution
        for child, parent in pairwise(route):
            assert i in wires[child, parent].paths
        assert all(i in each.paths for each in route)
    for route, contribution in added.items():
        if not any(each.kind == "group" for each in route):
            steps = [_slope(wires[pair]) for pair in pairwise(route)]
            assert np.prod(steps) == pytest.approx(contribution, rel=1e-9, abs=1e-12)
    assert sum(added.values()) == pytest.approx(seen.signals.deltas[inputs[name]], abs=1e-9)


@given(programs, expansions)
def test_the_shares_of_a_card_add_up_to_its_error_signal(program: Any, expand: Any) -> None:
    seen = view(run(program)[0], expand)
    for each in seen.cards:
        shares = [share for _, share in seen.shares(each)]
        if each.group.head is not seen.signals.root:
            delta = seen.signals.deltas[each.group.head]
            assert sum(shares) == pytest.approx(delta, rel=1e-9, abs=1e-12)


@given(programs)
def test_the_paths_that_are_counted_are_those_that_can_be_walked(program: Any) -> None:
    J, inputs = run(program)
    for x in inputs.values():
        if (seen := view(J, None, x)).found is not None:
            assert seen.found.count == count(J, x)


@given(programs, expansions)
def test_the_numbers_on_cards_are_those_of_the_sweep(program: Any, expand: Any) -> None:
    J, _ = run(program)
    seen = view(J, expand)
    J.backward()
    for each in seen.cards:
        head = each.group.head
        assert seen.signals.known[head] == number(each.value)
        if head.op is None:
            assert head.grad == number((each.delta or "").replace("0 (dead)", "0"))


def test_a_wire_between_arrays_says_the_jacobian_from_the_result_on() -> None:
    x = leaf([1.0, 2.0])
    W = ad.Parameter(np.eye(2), name="W")
    y = ad.tanh(W @ x)
    graph = ad.graph(ad.sum(y * 3.0))
    local = {(w.parent.title, w.child.title): w.local for w in graph._view.wires}
    assert local["x", "y"] == "diag(1 − y²) W"
    assert not any(wire.slope for wire in graph._view.wires)


# Cards


def test_a_card_has_a_name_what_it_is_made_of_and_its_space() -> None:
    x = leaf([1.0, 2.0, 3.0])
    W = ad.Parameter(np.ones((2, 3)))
    y = ad.tanh(W @ x)
    J = ad.sum(y)
    cards = {c.title: (c.kind, c.subtitle, c.space) for c in ad.graph(J).cards}
    assert cards == {
        "J": ("loss", "Σ y", "ℝ"),
        "y": ("op", "tanh(W x)", "ℝ²"),
        "W": ("parameter", "parameter", "2×3"),
        "x": ("input", "input", "ℝ³"),
    }


def test_a_value_that_was_not_kept_is_not_invented() -> None:
    x = leaf(np.ones(1000))
    J = ad.sum(ad.sin(x * 2.0 + 1.0) * x)
    shown = {c.value for c in ad.graph(J, expand="ops", names={}).cards}
    assert "not kept" in shown
    with ad.watch():
        J = ad.sum(ad.sin(x * 2.0 + 1.0) * x)
    assert "not kept" not in {c.value for c in ad.graph(J, expand="ops", names={}).cards}


def test_an_error_signal_that_never_comes_is_none_and_a_dead_one_says_so() -> None:
    x, y, z = leaf(1.0), leaf(2.0, "y"), leaf(3.0, "z")
    graph = ad.graph(x * ad.round(y) + ad.relu(-z))
    assert card(graph, "y").delta is None
    assert card(graph, "z").delta == "0 (dead)"
    assert card(graph, "x").delta == "2.000"


@pytest.mark.parametrize(
    ("values", "alert"),
    [([1.0, np.nan], "nan"), ([1.0, -np.inf], "inf"), ([np.inf, np.nan], "nan")],
)
def test_a_value_that_is_not_finite_is_an_alert(values: list[float], alert: str) -> None:
    x = leaf(values)
    assert card(ad.graph(ad.sum(x * 2.0)), "x").alert == alert
    assert card(ad.graph(ad.sum(leaf([1.0, 2.0]))), "x").alert == ""


def test_an_error_signal_that_is_not_finite_is_an_alert() -> None:
    x = leaf([0.0, 1.0])
    with np.errstate(divide="ignore"):
        graph = ad.graph(ad.sum(np.sqrt(x)))
    assert card(graph, "x").alert == "inf"
    assert card(graph, "J").alert == ""


def test_what_stops_being_finite_is_not_folded_into_an_expression() -> None:
    x = leaf([1.0, -1.0])
    with np.errstate(all="ignore"):
        graph = ad.graph(ad.sum(np.tanh(np.log(np.sin(x)))), names={})
        assert [(c.title, c.alert) for c in graph.cards] == [
            ("J", "nan"),
            ("tanh(log(sin(x)))", "nan"),
            ("log(sin(x))", "nan"),
            ("x", "nan"),
        ]
        hot = ad.graph(ad.sum(np.tanh(np.sqrt(leaf([0.0])))), names={})
        assert [(c.title, c.alert) for c in hot.cards] == [("J", ""), ("√x", ""), ("x", "inf")]
    sound = ad.graph(ad.sum(np.tanh(np.log(leaf([1.0])))), names={})
    assert [c.title for c in sound.cards] == ["J", "x"]


def test_scopes_of_one_card_are_not_drawn() -> None:
    x = leaf(1.0)
    with ad.scope("one"):
        y = ad.tanh(x)
    with ad.scope("two"):
        z = ad.sin(y) * y
    assert [c.name for c in ad.graph(z * z, expand="all")._view.clusters] == ["two"]


# Parameters


def rnn(steps: int = 3) -> tuple[ad.Tensor, dict[str, ad.Parameter]]:
    W, U = ad.Parameter([[0.5, -0.2], [0.1, 0.9]], name="W"), ad.Parameter([0.3, -0.4], name="U")
    h: Any = leaf([1.0, -1.0], "h")
    for t in range(steps):
        with ad.scope(f"step t={t}"):
            h = ad.tanh(W @ h + U)
    return ad.sum(h * h), {"W": W, "U": U}


def test_shared_parameters_are_drawn_once_and_each_use_has_a_pill() -> None:
    J, parameters = rnn()
    graph = ad.graph(J)
    assert not {"W", "U"} & {c.title for c in graph.cards}
    assert [c.pills for c in graph.cards if c.pills] == [["W", "U"]] * 3
    assert [graph.signals.label(node) for node in graph._view.shared] == list(parameters)
    closed = ad.graph(J, expand=0)
    assert [c.subtitle for c in closed.cards if c.kind == "group"] == ["⊞ 3 ops · 2 shared"] * 3


def test_parameters_with_one_use_have_a_card() -> None:
    J, _ = rnn(1)
    graph = ad.graph(J)
    assert {"W", "U"} <= {c.title for c in graph.cards}
    assert not graph._view.shared
    assert not any(c.pills for c in graph.cards)


def test_a_highlighted_parameter_has_a_card_and_no_row() -> None:
    J, parameters = rnn()
    graph = ad.graph(J, highlight=parameters["W"])
    assert card(graph, "W").is_target
    assert [graph.signals.label(node) for node in graph._view.shared] == ["U"]


def test_many_parameters_are_drawn_once_as_well() -> None:
    weights = [ad.Parameter(0.1 * i, name=f"w{i}") for i in range(1, 14)]
    J = sum(w * w for w in weights[1:]) + weights[0]
    assert len(ad.graph(J)._view.shared) == 13


@pytest.mark.parametrize("f", [
    lambda x: ad.sum(x * np.array([1.0, 2.0, 3.0])),
    lambda x: ad.mean(ad.tanh(x * np.ones(4)) * 0.3),
    lambda x: ad.broadcast_to(x, (3,))[1] * 3.0,
])  # fmt: skip
def test_numbers_between_which_there_are_arrays_have_the_right_slope(f: Any) -> None:
    x = leaf(0.5)
    J = f(x)
    for wire in view(J).wires:
        if wire.child.group.head is J._node and wire.parent.group.head is x._node and wire.slope:
            J.backward()
            assert x.grad == number(wire.slope)
            return
    pytest.fail("no wire leads from x to J with a number on it")
