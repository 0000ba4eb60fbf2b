"""The page of a picture: states that can be opened and closed, and a reader who walks through."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

import autodiff as ad
from autodiff.draw import layout
from autodiff.draw.layout import LayoutTimeoutError
from tests.draw.browser import Reader
from tests.draw.programs import unrolled


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
    first = states[0]
    for number, state in enumerate(states):
        drawing = graph.svg() if number == 0 else state["svg"]
        ids = {element.get("id") for element in ET.fromstring(drawing).iter()}
        assert {each["id"] for each in state["cards"] + state["clusters"]} <= ids
        for wire in state["wires"]:
            assert f"f-{wire['parent']}-{wire['child']}" in ids
        for each in state["cards"] + state["clusters"]:
            assert each["state"] is None or each["state"] in range(len(states))
    for each in first["cards"]:
        if each["state"] is not None:
            opened = states[each["state"]]
            assert each["id"] not in {card["id"] for card in opened["cards"]}
    for each in first["clusters"]:
        if each["state"] is not None:
            closed = states[each["state"]]
            assert each["id"] in {card["id"] for card in closed["cards"]}
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
