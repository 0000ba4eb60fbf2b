"""`Graph`: every form of a picture, of every kind of graph."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.draw import layout
from autodiff.draw.layout import MissingEngineError
from autodiff.errors import DomainError, DTypeError, GraphError, ShapeError
from models import MLP
from tests.draw.programs import EXPANSIONS, programs, run, unrolled

SVG = "{http://www.w3.org/2000/svg}"


def leaf(value: Any = 2.0, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


def small(**settings: Any) -> ad.draw.Graph:
    """Four cards, two of them in a scope."""
    x = leaf()
    with ad.scope("part"):
        y = ad.tanh(x) * x
    return ad.graph(y * y, **settings)


# Graphs of all kinds


def _mlp(rng: Any) -> tuple[Any, Any]:
    model = MLP([3, 5, 2], dropout=0.5, rng=rng)
    return ad.cross_entropy(model(rng.normal(size=(4, 3))), np.array([0, 1, 1, 0])), None


def _layers(rng: Any) -> tuple[Any, Any]:
    table = ad.Embedding(10, 3, rng=rng)
    net = ad.Sequential(
        ad.Linear(3, 4, rng=rng), ad.LayerNorm(4), ad.relu, ad.Dropout(0.3), ad.Linear(4, 2)
    )
    J = ad.cross_entropy(net(table(np.array([1, 2, 2, 5]))), np.array([0, 1, 1, 0]))
    return J, next(iter(table.parameters()))


def _custom(rng: Any) -> tuple[Any, Any]:
    cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2, name="cube")
    x = leaf(rng.normal(size=3))
    return ad.sum(cube(x)), x


def _checkpoint(rng: Any) -> tuple[Any, Any]:
    x = leaf(rng.normal(size=3))
    return ad.sum(ad.checkpoint(lambda x: ad.tanh(x) * x)(x)), None


def _several_results(rng: Any) -> tuple[Any, Any]:
    x = leaf(rng.normal(size=(3, 2)))
    q, r = ad.linalg.qr(x)
    return ad.sum(q * 2.0) + ad.sum(r), x


def _float32(rng: Any) -> tuple[Any, Any]:
    x = ad.Tensor(rng.normal(size=2).astype(np.float32), requires_grad=True, name="x")
    return ad.sum(ad.exp(x) * x), x


def _scalars(rng: Any) -> tuple[Any, Any]:
    x = ad.Scalar(2.0, requires_grad=True, name="x")
    return x * x + x, x


def _alone(rng: Any) -> tuple[Any, Any]:
    x = leaf()
    return x, x


def _one_entry(rng: Any) -> tuple[Any, Any]:
    x = leaf([[2.0]])
    return x * 3.0, x


def _second_order(rng: Any) -> tuple[Any, Any]:
    x = leaf()
    return ad.grad(lambda x: x**3)(x) * x, x


KINDS = [
    _mlp, _layers, _custom, _checkpoint, _several_results, _float32, _scalars, _alone, _one_entry,
    _second_order,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda f: f.__name__[1:])
@pytest.mark.parametrize("expand", [None, "ops", 0])
def test_every_kind_of_graph_is_drawn(kind: Callable[[Any], tuple[Any, Any]], expand: Any) -> None:
    J, x = kind(np.random.default_rng(0))
    graph = ad.graph(J, highlight=x, expand=expand)
    ids = {element.get("id") for element in ET.fromstring(graph.svg()).iter()}
    assert {card.id for card in graph.cards} <= ids
    assert graph.svg()[-100:] in graph.html()


def test_a_long_ladder_is_drawn_with_its_middle_left_out() -> None:
    x = ad.Scalar(1.001, requires_grad=True, name="x")
    y = x
    for _ in range(5_000):
        y = (y * 0.5) * y
    graph = ad.graph(y, names={})
    assert len(graph.signals.order) > 10_000
    assert len(graph.cards) < 30
    assert graph.cards[-1].title == "x"
    ET.fromstring(graph.svg())


def test_fifty_steps_of_a_gru_are_drawn_with_their_middle_left_out() -> None:
    graph = unrolled(50)
    titles = [card.title for card in graph.cards if card.kind == "group"]
    assert titles == ["GRU t=50", "GRU t=49", "⋯ 46 × GRU ⋯", "GRU t=2", "GRU t=1"]
    ET.fromstring(graph.svg())


@given(programs, st.sampled_from(["LR", "RL", "TB", "BT"]), st.sampled_from(EXPANSIONS[:5]))
@settings(max_examples=20)
def test_every_arrangement_of_scopes_is_drawn(program: Any, rankdir: str, expand: Any) -> None:
    J, _ = run(program)
    graph = ad.graph(J, expand=expand, rankdir=rankdir, names={})
    ids = {element.get("id") for element in ET.fromstring(graph.svg()).iter()}
    assert {card.id for card in graph.cards} <= ids
    assert not any("failed" in note for note in graph.notes)


@pytest.mark.parametrize("rankdir", ["LR", "RL", "TB", "BT"])
@pytest.mark.parametrize("expand", [2, 99, "path"])
def test_an_open_gru_is_drawn_with_curved_wires(expand: Any, rankdir: str) -> None:
    graph = unrolled(3, expand=expand, rankdir=rankdir, highlight="x(1)")
    ids = {element.get("id") for element in ET.fromstring(graph.svg()).iter()}
    assert {card.id for card in graph.cards} <= ids
    assert not any("failed" in note for note in graph.notes)


# What is asked for


def test_the_check_of_a_highlight_is_told() -> None:
    x = leaf()
    assert ad.graph(x * x, highlight=x).check == "finite difference 4.000  ✓"
    assert ad.graph(x * x).check == ""


def test_a_picture_knows_what_it_is_of() -> None:
    graph = small()
    assert repr(graph) == "<Graph of J: 4 nodes, 4 cards>"
    assert str(graph).startswith("value of")
    assert [card.title for card in graph.cards] == ["J", "y", "tanh(x)", "x"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"show": "all"}, "show='all'; there is values\\+grads, values, grads, names"),
        ({"rankdir": "UP"}, "rankdir='UP'; there is LR, TB, RL, BT"),
        ({"expand": "prt"}, "did you mean 'part'"),
    ],
)
def test_an_unknown_setting_is_named_with_what_there_is(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DomainError, match=message):
        small(**settings)


@pytest.mark.parametrize(
    ("J", "error"),
    [
        (lambda: 3.0, DTypeError),
        (lambda: ad.Tensor(3.0), GraphError),
        (lambda: leaf([1.0, 2.0]) * 2.0, ShapeError),
    ],
)
def test_a_picture_starts_from_one_number_that_is_tracked(
    J: Callable[[], Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match="graph"):
        ad.graph(J())


def test_a_highlight_is_a_value_or_a_pair() -> None:
    x, y = leaf(), leaf(3.0, "y")
    J = ad.tanh(x) * y
    single, pair = ad.graph(J, highlight=x), ad.graph(J, highlight=(J, x))
    assert single.dot == pair.dot
    assert [card.title for card in single.cards if card.is_target] == ["x"]
    with pytest.raises(DomainError, match="paths start at the J that is drawn"):
        ad.graph(J, highlight=(y, x))
    for wrong in ((J, x, y), 3.0, (J, 3.0), [J]):
        with pytest.raises((DTypeError, DomainError), match="graph"):
            ad.graph(J, highlight=wrong)


def test_an_element_that_is_not_there_is_an_error() -> None:
    x = leaf([1.0, 2.0])
    with pytest.raises(ShapeError, match="element"):
        ad.graph(ad.sum(x * x), highlight=x, element=5)


def test_a_value_that_the_loss_does_not_depend_on_is_told() -> None:
    x, y = leaf(), leaf(3.0, "y")
    graph = ad.graph(ad.tanh(x), highlight=y)
    assert "does not depend on it" in graph.svg()
    assert not any(card.is_target for card in graph.cards)


# Files

SIGNATURES = {
    ".svg": b"<svg",
    ".png": b"\x89PNG",
    ".pdf": b"%PDF",
    ".html": b"<!DOCTYPE html>",
    ".dot": b"digraph",
    ".gv": b"digraph",
    ".txt": b"value of",
    ".SVG": b"<svg",
}
CAN_PDF = any("pdf" in engine.formats for engine in layout.engines())


@pytest.mark.parametrize("suffix", SIGNATURES)
def test_the_suffix_says_what_is_written(suffix: str, tmp_path: Path) -> None:
    if suffix == ".pdf" and not CAN_PDF:
        pytest.skip("needs an engine that can write PDF")
    file = tmp_path / f"picture{suffix}"
    assert small().save(str(file)) == file
    assert file.read_bytes().lstrip().lower().startswith(SIGNATURES[suffix].lower())
    assert list(tmp_path.iterdir()) == [file]


def test_a_larger_scale_is_a_larger_png(tmp_path: Path) -> None:
    sizes = []
    for scale in (1.0, 2.0):
        file = small().save(tmp_path / f"{scale}.png", scale)
        sizes.append(np.frombuffer(file.read_bytes()[16:24], ">u4"))
    np.testing.assert_allclose(sizes[1], 2 * sizes[0], atol=2)


@pytest.mark.parametrize("name", ["picture.gif", "picture", ".svg"])
def test_another_suffix_is_an_error_that_lists_those_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=rf"{name}: .* \.svg, \.png, \.pdf, \.html"):
        small().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=re.escape(str(tmp_path / "missing" / "picture.svg"))):
        small().save(tmp_path / "missing" / "picture.svg")
    assert not list(tmp_path.iterdir())


def test_a_file_stays_as_it_was_if_drawing_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "picture.svg"
    file.write_text("before")
    monkeypatch.setenv(layout.VARIABLE, "none")
    with pytest.raises(MissingEngineError):
        small().save(file)
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]


def test_dot_and_the_table_need_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(layout.VARIABLE, "none")
    for suffix in (".gv", ".dot", ".txt"):
        assert small().save(tmp_path / f"picture{suffix}").stat().st_size
