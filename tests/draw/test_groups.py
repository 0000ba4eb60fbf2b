"""Which values are drawn as one card: scopes open and closed, series and chains cut short."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw.groups import COMFORTABLE
from autodiff.errors import DomainError
from tests.draw.programs import EXPANSIONS, programs, run


def leaf(value: Any = 0.5, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def titles(graph: ad.draw.Graph) -> list[str]:
    return [card.title for card in graph.cards]


def nested() -> ad.Tensor:
    """Two scopes side by side, one of them with two within."""
    x = leaf()
    with ad.scope("outer"):
        with ad.scope("inner"):
            y = ad.tanh(x) * x
        with ad.scope("other"):
            z = ad.sin(y) * y
    with ad.scope("last"):
        return ad.cos(z) * z


def opened(expand: Any, highlight: Any = None) -> set[str]:
    graph = ad.graph(nested(), expand=expand, highlight=highlight)
    return {c.name for c in graph._view.grouping.clusters if c.closed() is None}


def repeated(steps: int) -> tuple[ad.Tensor, list[ad.Tensor]]:
    """A recurrence with an input for each step."""
    xs = [leaf(0.1 * t, f"x({t})") for t in range(1, steps + 1)]
    h: Any = leaf(0.3, "h(0)")
    for t, x in enumerate(xs, 1):
        with ad.scope(f"step t={t}"):
            h = ad.tanh(h * x) + h
    return h * 2.0, xs


def chain(length: int) -> list[ad.Tensor]:
    """Values each of which is used twice by the next, so that none is folded."""
    values = [leaf(0.7)]
    for _ in range(length):
        values.append(ad.sin(values[-1]) * values[-1])
    return values


# All values, once each


@given(programs, st.sampled_from(EXPANSIONS), st.booleans())
def test_every_value_is_in_one_group(program: Any, expand: Any, is_highlighted: bool) -> None:
    J, inputs = run([*program, (2, 3, 3, 1)])
    highlight = inputs["a"] if is_highlighted or expand == "path" else None
    try:
        grouping = ad.graph(J, expand=expand, highlight=highlight, names={})._view.grouping
    except DomainError as error:  # a scope that no step of this program is in
        assert "no scope of that name" in str(error)
        return
    every = [node for group in grouping.groups for node in group.nodes]
    assert sorted(map(id, every)) == sorted(map(id, grouping.signals.order))
    for group in grouping.groups:
        assert all(grouping.of[node] is group for node in group.nodes)
        assert group.head is max(group.nodes, key=lambda node: node.order)


@given(programs)
def test_a_closed_scope_is_one_card_and_an_open_one_none(program: Any) -> None:
    J, _ = run([*program, (2, 3, 3, 1)])
    closed = ad.graph(J, expand=0).cards
    scopes = {node.scope.name for node in ad.graph(J).signals.order if node.op and node.scope.name}
    assert {card.title for card in closed if card.id.startswith("s")} == scopes
    assert not any(card.id.startswith("s") for card in ad.graph(J, expand="all").cards)


def test_ops_are_drawn_one_by_one_only_when_asked_for() -> None:
    x = leaf()
    J = ad.exp(ad.sin(ad.tanh(x)))
    assert titles(ad.graph(J, expand="all")) == ["J", "x"]
    assert titles(ad.graph(J, expand="ops")) == ["J", "sin(tanh(x))", "tanh(x)", "x"]


# Which scopes are open


def test_all_scopes_are_open_where_there_are_few_cards() -> None:
    assert opened(None) == {"outer", "inner", "other", "last"}
    assert ad.graph(nested()).notes == []


@pytest.mark.parametrize(
    ("expand", "names"),
    [
        (0, set()),
        (1, {"outer", "last"}),
        (2, {"outer", "inner", "other", "last"}),
        ("all", {"outer", "inner", "other", "last"}),
        ("ops", {"outer", "inner", "other", "last"}),
        ("last", {"last"}),
        ("inner", {"outer", "inner"}),
        ("outer / other", {"outer", "other"}),
        (["last", "outer"], {"last", "outer"}),
        (("last",), {"last"}),
        ([], set()),
    ],
)
def test_scopes_open_by_depth_and_by_name(expand: Any, names: set[str]) -> None:
    assert opened(expand) == names


def test_a_closed_scope_stands_for_those_within_it() -> None:
    J = nested()
    assert titles(ad.graph(J, expand=0)) == ["last", "outer", "x"]
    assert titles(ad.graph(J, expand=1))[2:] == ["other", "inner", "x"]


def test_scopes_open_along_the_highlighted_paths() -> None:
    x, y = leaf(), leaf(2.0, "y")
    with ad.scope("crossed"):
        z = ad.sin(x) * x
    with ad.scope("beside"):
        u = ad.sin(y) * y
    graph = ad.graph(z * u, expand="path", highlight=x)
    assert {c.name: c.is_open for c in graph._view.grouping.clusters} == {
        "crossed": True,
        "beside": False,
    }


def test_a_name_opens_every_scope_that_has_it() -> None:
    x = y = leaf()
    for _ in range(2):
        with ad.scope("block"):
            y = ad.tanh(y) * y
    graph = ad.graph(y, expand="block")
    assert [c.is_open for c in graph._view.grouping.clusters] == [True, True]
    assert graph.cards[-1].title == x.name


def test_scopes_are_closed_until_the_cards_can_be_taken_in() -> None:
    y = leaf()
    for letter in "abcdefgh":
        with ad.scope(letter):
            y = ad.tanh(y) * y
            y = ad.sin(y) * y
    graph = ad.graph(y * 2.0)
    assert titles(graph) == ["J", *"hgfedcba", "x"]
    assert graph.notes == ["8 scopes are closed; expand= opens them"]
    assert len(ad.graph(y * 2.0, expand="all").cards) > COMFORTABLE


@pytest.mark.parametrize(
    ("expand", "hint"),
    [
        ("iner", "did you mean 'inner'?"),
        ("zzz", "there is outer, inner, other, last"),
        (["last", "othr"], "did you mean 'other'?"),
    ],
)
def test_an_unknown_name_is_told_its_nearest(expand: Any, hint: str) -> None:
    with pytest.raises(DomainError, match=re.escape(hint)):
        ad.graph(nested(), expand=expand)


def test_of_many_names_some_are_listed() -> None:
    J, _ = repeated(20)
    with pytest.raises(DomainError, match=r"there is step t=1, .*, and 12 more"):
        ad.graph(J, expand="zzz")


def test_a_name_where_there_are_no_scopes_is_an_error() -> None:
    with pytest.raises(DomainError, match="this graph has no scopes"):
        ad.graph(ad.tanh(leaf()), expand="step")


@pytest.mark.parametrize("expand", [True, 1.5, {"a": 1}])
def test_other_kinds_of_expand_are_refused(expand: Any) -> None:
    with pytest.raises(DomainError, match="give a depth, 'all', 'ops', 'path', or names"):
        ad.graph(nested(), expand=expand)


# What is left out


@pytest.mark.parametrize("steps", [6, 7, 10, 50])
def test_of_a_long_series_the_first_two_and_the_last_two_stay(steps: int) -> None:
    J, _ = repeated(steps)
    graph = ad.graph(J, expand=0)
    shown = titles(graph)
    closed = [title for title in shown if title.startswith("step")]
    if steps <= 6:
        assert closed == [f"step t={t}" for t in range(steps, 0, -1)]
        assert graph.notes == []
        return
    ends = [steps, steps - 1, 2, 1]
    assert closed == [f"step t={t}" for t in ends]
    assert f"⋯ {steps - 4} × step ⋯" in shown
    assert graph.notes == [f"{steps - 4} × step are drawn as one card"]
    assert [x for x in shown if x.startswith("x")] == [f"x({t})" for t in ends]


def test_what_is_left_out_is_counted_in_ops() -> None:
    x = leaf()
    with ad.scope("one"):
        y = ad.tanh(x)
    shown = ad.graph(ad.sin(y) * y, expand=0).cards
    assert [card.subtitle for card in shown if card.kind == "group"] == ["⊞ 1 op"]
    J, _ = repeated(10)
    (middle,) = [card for card in ad.graph(J, expand=0).cards if card.group.left_out]
    assert middle.subtitle == f"{3 * 6} ops"


def test_an_input_that_is_used_elsewhere_too_does_not_vanish() -> None:
    h = x = leaf()
    for t in range(9):
        with ad.scope(f"step {t}"):
            h = ad.tanh(h * x) + h
    assert titles(ad.graph(h + x, expand=0))[-1] == "x"


def test_a_target_does_not_vanish_with_what_uses_it() -> None:
    J, xs = repeated(12)
    graph = ad.graph(J, expand=0, highlight=xs[5])
    assert [card.title for card in graph.cards if card.is_target] == ["x(6)"]


def test_all_of_a_series_is_drawn_when_asked_for() -> None:
    J, xs = repeated(12)
    assert set(titles(ad.graph(J, expand="all"))) >= {x.name for x in xs}


def test_a_long_chain_loses_its_middle() -> None:
    values = chain(60)
    graph = ad.graph(values[-1], names={})
    (middle,) = [card for card in graph.cards if card.group.left_out]
    assert len(graph.cards) < COMFORTABLE
    assert graph.cards[0].title == "J"
    assert graph.cards[-1].title == "x"
    assert middle.title == f"⋯ {middle.group.left_out} ⋯"
    assert graph.notes == [f"{middle.group.left_out} are drawn as one card"]
    assert len(ad.graph(values[-1], expand="all").cards) > 60


@pytest.mark.parametrize("place", [1, 30, 59])
def test_the_middle_of_a_chain_spares_the_target(place: int) -> None:
    values = chain(60)
    graph = ad.graph(values[-1], highlight=values[place], names={"h": values[place]})
    assert [card.title for card in graph.cards if card.is_target] == ["h"]


def test_a_target_of_zero_is_a_target() -> None:
    x = ad.Scalar(0.0, requires_grad=True)
    y = ad.sin(x)
    J = ad.cos(y)
    assert [card.title for card in ad.graph(J, highlight=y).cards] == ["J", "y", "x"]
