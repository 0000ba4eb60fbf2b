"""The DOT text: the same each time, and whole whichever engine reads it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.draw import layout
from autodiff.draw.dot import SHOW
from autodiff.draw.layout import Engine
from autodiff.draw.palette import GREEN, ORANGE, QUIET_BACK
from tests.draw.golden import EXAMPLES, FOLDER

SVG = "{http://www.w3.org/2000/svg}"
ROOT = Path(__file__).parents[2]

each_engine = pytest.mark.parametrize("engine", layout.engines(), ids=lambda engine: engine.name)
each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda f: f.__name__)


def drawn(graph: ad.draw.Graph, engine: Engine | None = None) -> ET.Element:
    return ET.fromstring(layout.render(graph.dot, engine=engine))


def of_class(svg: ET.Element, name: str) -> list[ET.Element]:
    return [g for g in svg.iter(f"{SVG}g") if name in g.get("class", "").split()]


def texts(svg: ET.Element) -> list[str]:
    return [(text.text or "").replace("\xa0", " ").strip() for text in svg.iter(f"{SVG}text")]


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


# The text


@each_example
def test_the_text_is_that_of_the_golden_file(example: Callable[[], ad.draw.Graph]) -> None:
    kept = (FOLDER / f"{example.__name__}.gv").read_text("utf-8")
    assert example().dot == kept, "if it may differ: python -m tests.draw.golden"


def test_each_golden_file_has_its_example() -> None:
    kept = {file.stem for file in FOLDER.glob("*.gv")}
    assert kept == {example.__name__ for example in EXAMPLES}


def test_two_processes_write_the_same_text() -> None:
    script = "from tests.draw.golden import EXAMPLES\nfor f in EXAMPLES: print(f().dot)"
    written = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONUTF8": "1"},
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
        for seed in "12"
    }
    assert len(written) == 1
    assert "".join(f"{example().dot}\n" for example in EXAMPLES) in written.pop().decode()


def test_ids_count_the_backward_sweep() -> None:
    x = leaf(2.0)
    J = ad.tanh(x) * ad.sin(x)
    graph = ad.graph(J, expand="ops")
    assert [card.id for card in graph.cards] == ["n0", "n1", "n2", "n3"]
    assert [card.title for card in graph.cards] == ["J", "sin(x)", "tanh(x)", "x"]
    nodes = [int(i) for i in re.findall(r'^n(\d+) \[id="n\1"', graph.dot, re.MULTILINE)]
    assert sorted(nodes, reverse=True) == nodes


# What an engine makes of it


@each_engine
@each_example
def test_the_picture_has_all_cards_pills_and_wires(
    example: Callable[[], ad.draw.Graph], engine: Engine
) -> None:
    graph = example()
    svg, view = drawn(graph, engine), graph._view
    pills = {f"p_{card.id}" for card in view.cards if card.pills and card.kind != "group"}
    found = {g.get("id") for g in of_class(svg, "node")}
    assert found == {card.id for card in view.cards} | pills
    pairs = {f"{wire.parent.id}-{wire.child.id}" for wire in view.wires}
    assert {g.get("id") for g in of_class(svg, "forward")} == {f"f-{pair}" for pair in pairs}
    assert {g.get("id") for g in of_class(svg, "backward")} == {f"b-{pair}" for pair in pairs}
    assert len(of_class(svg, "edge")) == 2 * len(pairs) + len(pills)
    assert {g.get("id") for g in of_class(svg, "cluster")} == {c.id for c in view.clusters}


@each_engine
@each_example
def test_all_text_of_a_card_is_in_its_box(
    example: Callable[[], ad.draw.Graph], engine: Engine
) -> None:
    for card in of_class(drawn(example(), engine), "node"):
        left, right, top, bottom = _box(card)
        for text in card.iter(f"{SVG}text"):
            start, y = float(text.attrib["x"]), float(text.attrib["y"])
            assert left <= start
            assert start + float(text.attrib["textLength"]) <= right
            assert top < y < bottom


def _box(card: ET.Element) -> tuple[float, float, float, float]:
    outlines = [path.attrib["d"] for path in card.iter(f"{SVG}path")]
    outlines += [shape.attrib["points"] for shape in card.iter(f"{SVG}polygon")]
    numbers = np.array(re.findall(r"-?\d+(?:\.\d+)?", " ".join(outlines)), float)
    xs, ys = numbers[::2], numbers[1::2]
    return xs.min(), xs.max(), ys.min(), ys.max()


# What stands where


@pytest.mark.parametrize("show", SHOW)
def test_cards_and_lanes_show_what_was_asked_for(show: str) -> None:
    x = leaf([1.0, 2.0])
    graph = ad.graph(ad.sum(ad.tanh(x) * x), show=show)
    svg = drawn(graph)
    rows = texts(svg)
    cards = len(graph.cards)
    assert sum(text.startswith("▸") for text in rows) == cards * ("values" in show)
    assert sum(text.startswith("◂") for text in rows) == cards * ("grads" in show)
    assert len(of_class(svg, "forward")) == len(graph._view.wires)
    assert len(of_class(svg, "backward")) == len(graph._view.wires) * ("grads" in show)
    assert ("diag(x)" in rows) == ("grads" in show)
    assert (GREEN in graph.dot) == ("values" in show)
    assert (ORANGE in graph.dot) == ("grads" in show)


@pytest.mark.parametrize("show", SHOW)
def test_pills_are_tied_to_cards_whatever_these_show(show: str) -> None:
    W = ad.Parameter(np.eye(2))
    J = ad.sum(W @ ad.tanh(W @ leaf([1.0, 2.0])))
    svg = drawn(ad.graph(J, show=show))
    pills = of_class(svg, "pill")
    assert sorted(g.attrib["class"] for g in pills) == ["edge pill"] * 2 + ["node pill"] * 2


def test_a_closed_scope_has_no_pill() -> None:
    W = ad.Parameter(np.eye(2))
    y = leaf([1.0, 2.0])
    for t in range(2):
        with ad.scope(f"step {t}"):
            y = ad.tanh(W @ y)
    assert of_class(drawn(ad.graph(ad.sum(y * y), expand="all")), "pill")
    assert not of_class(drawn(ad.graph(ad.sum(y * y), expand=0)), "pill")


@each_engine
def test_inputs_of_one_card_stand_in_the_order_in_which_they_were_made(engine: Engine) -> None:
    inputs = [leaf(float(i), f"x{i}") for i in range(6)]
    graph = ad.graph(ad.sum(np.stack([inputs[i] for i in (4, 1, 3, 0, 5, 2)])))
    svg = drawn(graph, engine)
    tops = {card.attrib["id"]: _box(card)[2] for card in of_class(svg, "node")}
    placed = [tops[card.id] for x in inputs for card in graph.cards if card.title == x.name]
    assert placed == sorted(placed)


def test_the_direction_is_that_of_the_forward() -> None:
    x = leaf(1.0)
    J = ad.tanh(x)
    for direction, axis, sign in (("LR", 0, 1), ("RL", 0, -1), ("TB", 2, 1), ("BT", 2, -1)):
        cards = of_class(drawn(ad.graph(J, rankdir=direction)), "node")
        loss, given = sorted(cards, key=lambda card: card.attrib["id"])
        assert sign * (_box(loss)[axis] - _box(given)[axis]) > 0


@pytest.mark.parametrize("rankdir", ["LR", "TB", "RL", "BT"])
def test_wires_do_not_go_around_the_cards_they_join(rankdir: str) -> None:
    x = leaf(1.0)
    svg = drawn(ad.graph(ad.tanh(x), rankdir=rankdir))
    left, right, top, bottom = np.transpose([_box(card) for card in of_class(svg, "node")])
    for wire in of_class(svg, "edge"):
        start, end, high, low = _box(wire)
        if rankdir in ("LR", "RL"):
            assert left.min() < right.min() - 3 < start < end < left.max() + 3
        else:
            assert top.min() < bottom.min() - 3 < high < low < top.max() + 3


def test_a_path_is_drawn_in_its_colour_and_the_rest_is_pale() -> None:
    x, y = leaf(1.0), leaf(2.0, "y")
    J = ad.tanh(x) * y
    dot = ad.graph(J, highlight=x).dot
    lanes = dict(re.findall(r'id="([fb]-n\d+-n\d+)".*?color="([^"]*)"', dot))
    card = {c.title: c.id for c in ad.graph(J, highlight=x).cards}
    assert lanes[f"b-{card['tanh(x)']}-n0"] == "#E8590C"
    assert lanes[f"f-{card['y']}-n0"] == "#D5DBDF"
    assert lanes[f"b-{card['y']}-n0"] == QUIET_BACK


def test_a_lane_of_several_paths_has_all_their_colours() -> None:
    x = leaf(1.0)
    y = ad.sin(x) * ad.tanh(x)
    J = ad.exp(y)
    dot = ad.graph(J, highlight=x).dot
    (lane,) = re.findall(r'id="b-n1-n0".*', dot)
    assert 'color="#E8590C:#C2255C"' in lane
    assert "①" in lane
    assert "②" in lane


# Names of all kinds

NAMES = {
    "markup": '<b>&amp; "x"\'</b>',
    "backslashes": "C:\\new\\",
    "escapes": "\\N\\G\\L\\l",
    "emoji": "loss 😀",
    "marks": "h̃̂",
    "brackets": "a]]> -- {b|c}",
}


@each_engine
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
def test_a_name_is_shown_as_it_is(name: str, engine: Engine) -> None:
    x = leaf(2.0, name)
    with ad.scope(name):
        y = ad.tanh(x)
        z = ad.sin(y) * y
    shown = texts(drawn(ad.graph(z * x, title=name), engine))
    assert shown.count(name) >= 2  # the title and the card
    assert f"⊟ {name}" in shown
    assert f"tanh({name})" in shown


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\n", "\t", "\x7f", "\ud800", "\uffff"])
def test_what_no_picture_can_write_is_a_space(character: str) -> None:
    x = leaf(2.0, f"a{character}b")
    with ad.scope(f"c{character}d"):
        J = ad.tanh(x) * x
    shown = texts(drawn(ad.graph(J, expand="all", title=f"e{character}f")))
    assert {"a b", "⊟ c d", "e f"} <= set(shown)


# Alerts


@pytest.mark.parametrize(
    ("value", "f", "red"),
    [
        (-1.0, np.sqrt, {"J", "f(x)", "x"}),
        (0.0, np.sqrt, {"x"}),
        (0.0, np.log, {"J", "f(x)", "x"}),
    ],
)
def test_what_is_not_finite_is_red_with_a_sign(value: float, f: Any, red: set[str]) -> None:
    x = leaf([1.0, value])
    with np.errstate(all="ignore"):
        y = f(x)
        graph = ad.graph(ad.sum(y), names={"f(x)": y})
    assert {card.title for card in graph.cards if card.alert} == red
    for card in graph.cards:
        (text,) = [line for line in graph.dot.splitlines() if line.startswith(f"{card.id} [")]
        assert ('COLOR="#C92A2A"' in text) == ("⚠" in text) == bool(card.alert)


def test_a_dead_gradient_is_told_from_a_missing_one() -> None:
    x, y = leaf([1.0, 2.0]), leaf([3.0, 4.0], "y")
    J = ad.sum(ad.relu(-x)) + ad.sum(ad.round(y) * x)
    cards = {card.title: card for card in ad.graph(J, names={}).cards}
    assert cards["y"].delta is None
    shown = texts(drawn(ad.graph(J, names={})))
    assert "◂ —" in shown
    dead = ad.graph(ad.sum(ad.relu(-x)))
    assert [card.delta for card in dead.cards if card.title == "x"] == ["0 (dead)"]
    assert "◂ 0 (dead)" in texts(drawn(dead))
