"""The page of a picture: states that can be opened and closed, and a reader who walks through."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw import layout, picture
from autodiff.draw import states as states_module
from autodiff.draw.layout import LayoutTimeoutError
from tests.draw.browser import Reader
from tests.draw.programs import programs, run, unrolled


def leaf(value: float = 2.0, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def embedded(page: str) -> dict[str, Any]:
    """The data of a page."""
    found = re.search(r'type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def states_of(graph: ad.draw.Graph) -> list[dict[str, Any]]:
    """The states of the page, checked to be consistent."""
    states = embedded(graph.html())["states"]
    for number, state in enumerate(states):
        drawing = graph.svg() if number == 0 else state["svg"]
        ids = {element.get("id") for element in ET.fromstring(drawing).iter()}
        assert {each["id"] for each in state["cards"] + state["clusters"]} <= ids
        for wire in state["wires"]:
            assert f"f-{wire['parent']}-{wire['child']}" in ids
        for each in state["cards"] + state["clusters"]:
            assert each["state"] is None or each["state"] in range(len(states))
    for state in states:
        for each in state["cards"]:
            if each["state"] is not None:
                opened = states[each["state"]]
                assert each["id"] not in {card["id"] for card in opened["cards"]}
        for each in state["clusters"]:
            if each["state"] is not None:
                closed = states[each["state"]]
                assert each["id"] not in {cluster["id"] for cluster in closed["clusters"]}
    assert len({state["label"] for state in states}) == len(states)
    return states


def test_each_scope_can_be_opened_and_closed() -> None:
    states = states_of(unrolled(4, expand="GRU t=3"))
    cards = {card["name"]: card["state"] for card in states[0]["cards"]}
    assert {name for name, state in cards.items() if state is not None} == {
        "GRU t=1",
        "GRU t=2",
        "GRU t=4",
    }
    assert all(cluster["state"] is not None for cluster in states[0]["clusters"])


def test_an_outer_scope_is_closed_with_all_that_is_in_it() -> None:
    x = leaf()
    with ad.scope("outer"):
        with ad.scope("inner"):
            y = ad.tanh(x) * x
        z = ad.sin(y) * y
    states = states_of(ad.graph(z * z, expand="all"))
    assert {cluster["name"]: cluster["state"] for cluster in states[0]["clusters"]} == {
        "outer": 1,
        "inner": 2,
    }


def opened(states: list[dict[str, Any]], *names: str) -> list[str]:
    """The names of the scopes that are open when parts with these names were turned in a row."""
    state = states[0]
    for name in names:
        (turned,) = {e["state"] for e in state["cards"] + state["clusters"] if e["name"] == name}
        state = states[turned]
    return [cluster["name"] for cluster in state["clusters"]]


def test_one_scope_after_the_other_can_be_opened() -> None:
    states = states_of(unrolled(5))
    assert opened(states) == ["GRU"]
    assert opened(states, "GRU t=1") == ["GRU", "GRU t=1"]
    assert opened(states, "GRU t=1", "GRU t=3") == ["GRU", "GRU t=3"]
    assert opened(states, "GRU t=1", "GRU t=3", "GRU t=3") == ["GRU"]
    assert opened(states, "GRU t=1", "GRU", "GRU") == ["GRU"]


def test_what_a_closed_scope_hides_can_be_opened_too() -> None:
    states = states_of(unrolled(5, expand=0))
    assert opened(states) == []
    assert opened(states, "GRU", "GRU t=2") == ["GRU", "GRU t=2"]
    assert opened(states, "GRU", "GRU t=2", "GRU t=4") == ["GRU", "GRU t=4"]
    assert opened(states, "GRU", "GRU t=2", "GRU t=2") == ["GRU"]
    assert opened(states, "GRU", "GRU t=2", "GRU") == []


def test_scopes_of_one_name_are_told_apart() -> None:
    y = leaf()
    for _ in range(2):
        with ad.scope("layer"):
            y = ad.tanh(y) * y
    states = states_of(ad.graph(y * y, expand=0, names={}))
    labels = ["as drawn", "layer (1) open", "layer (2) open"]
    assert [state["label"] for state in states] == labels
    assert [[c["id"] for c in state["clusters"]] for state in states] == [[], ["s1"], ["s2"]]


@given(programs, st.sampled_from([None, 0, "all"]))
@settings(max_examples=5)
def test_all_closed_scopes_of_any_graph_have_their_states(program: Any, expand: Any) -> None:
    J, _ = run(program)
    graph = ad.graph(J, expand=expand, names={})
    grouping = graph._view.grouping
    nodes = [node for group in grouping.groups for node in group.nodes]
    # Also those that a card in the middle of a long series stands for.
    closed = {c.closed() for node in nodes if (c := grouping.cluster_of(node))} - {None}
    assert len(states_of(graph)) == 1 + len(closed) + len(graph._view.clusters)


def test_a_page_of_more_than_can_be_read_has_the_states_that_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graph = unrolled(5)
    monkeypatch.setattr(picture, "LARGEST", len(graph.cards))
    assert len(states_of(graph)) == 1
    note = "6 scopes cannot be opened or closed in the page: the picture would have"
    assert graph.notes[-1].startswith(note)


def test_a_scope_that_cannot_be_drawn_has_no_switch_and_a_note(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    render = layout.render

    def patient(dot: str, *args: Any, **kwargs: Any) -> bytes:
        if "cluster_s4" in dot:
            raise LayoutTimeoutError("too slow")
        return render(dot, *args, **kwargs)

    monkeypatch.setattr(layout, "render", patient)
    graph = unrolled(5)
    states = states_of(graph)
    assert "GRU t=3 open" not in {state["label"] for state in states}
    assert [
        c["name"] for c in states[0]["cards"] if c["kind"] == "group" and c["state"] is None
    ] == ["GRU t=3"]
    assert graph.notes[-1] == "1 scope cannot be opened or closed in the page: too slow"


@pytest.mark.parametrize(("setting", "value", "drawn"), [("STATES", 3, 3), ("SECONDS", 0.0, 1)])
def test_a_page_has_no_more_states_than_there_is_room_and_time_for(
    setting: str, value: float, drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(states_module, setting, value)
    graph = unrolled(5)
    assert len(states_of(graph)) == drawn
    assert graph.notes[-1].startswith(f"{7 - drawn} scopes cannot be opened or closed in the page")


def test_scopes_may_be_called_like_the_ids_of_others() -> None:
    x = leaf()
    with ad.scope("s2"):
        y = ad.tanh(x) * x
    with ad.scope("s1"):
        z = ad.sin(y) * y
    states = states_of(ad.graph(z * z, expand=0))
    assert [[c["name"] for c in state["clusters"]] for state in states] == [[], ["s2"], ["s1"]]


def test_a_page_without_scopes_has_one_state() -> None:
    assert len(states_of(ad.graph(ad.tanh(leaf())))) == 1


def test_a_page_tells_of_what_could_be_drawn_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    render = layout.render

    def patient(dot: str, *args: Any, **kwargs: Any) -> bytes:
        if "subgraph" in dot:
            raise LayoutTimeoutError("too slow")
        return render(dot, *args, **kwargs)

    monkeypatch.setattr(layout, "render", patient)
    states = states_of(unrolled(2, expand="all"))
    groups = [card["name"] for card in states[0]["cards"] if card["kind"] == "group"]
    assert groups == ["GRU"]


# In a browser


def test_a_part_turns_into_itself_though_others_share_its_name(driver: Any, tmp_path: Path) -> None:
    y = leaf()
    for _ in range(2):
        with ad.scope("layer"):
            y = ad.tanh(y) * y
    graph = ad.graph(y * y, expand=0, names={})
    reader = Reader(driver, graph.save(tmp_path / "page.html"))
    reader.press("-", "-")
    for turned in ("s2", "s2", "s1"):
        before = reader.center(f"#{turned}")
        reader.click(f"#{turned} .switch")
        assert reader.center(f"#{turned}") == pytest.approx(before, abs=1)


def test_the_sweep_stays_where_it_is_through_nested_scopes(driver: Any, tmp_path: Path) -> None:
    graph = unrolled(3, expand="GRU t=2")
    reader = Reader(driver, graph.save(tmp_path / "page.html"))
    ids = {c.name: c.id for c in graph._view.clusters}
    inside = [
        i
        for i, card in enumerate(graph.cards)
        if card.group.within and card.group.within.name == "GRU t=2"
    ]
    reader.step(inside[1])
    reader.click(f"#{ids['GRU t=2']} .switch")
    assert reader.ids(".node.current") == {ids["GRU t=2"]}
    reader.click(f"#{ids['GRU']} .switch")
    assert reader.ids(".node.current") == {ids["GRU"]}


def test_a_reader_walks_through_an_unrolled_gru(driver: Any, tmp_path: Path) -> None:
    graph = unrolled(4, expand="GRU t=3", highlight="x(2)")
    reader = Reader(driver, graph.save(tmp_path / "page.html"))
    first, *_ = embedded(graph.html())["states"]
    assert reader.ids("#stage .node.card") == {card["id"] for card in first["cards"]}

    closed = next(card for card in first["cards"] if card["name"] == "GRU t=2")
    reader.click(f"#{closed['id']} .switch")
    assert reader.ids("#stage .cluster") == {closed["id"]} | {c["id"] for c in first["clusters"]}
    reader.click(f"#{closed['id']} .switch")
    assert closed["id"] in reader.ids("#stage .node.card")

    for place, card in enumerate(graph.cards):
        reader.step(place)
        assert reader.ids(".node.current") == {card.id}
        assert (card.delta or "—").split()[-1].strip("]") in reader.text("#caption")

    reader.hover('[data-path="1"]')
    wires = (wire for wire in first["wires"] if 1 in wire["paths"])
    assert reader.ids(".edge.lit") == {f"b-{wire['parent']}-{wire['child']}" for wire in wires}
    assert reader.complaints() == []
