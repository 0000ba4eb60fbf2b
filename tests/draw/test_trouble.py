"""`Graph` in a notebook, and what is left of it where drawing fails or is too much."""

from __future__ import annotations

import html
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import autodiff as ad
from autodiff.draw import layout, picture
from autodiff.draw.layout import DrawingError, LayoutFailedError, LayoutTimeoutError
from tests.draw.test_picture import leaf, small

# Notebooks


def test_a_notebook_shows_the_svg() -> None:
    graph = small()
    bundle = graph._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/svg+xml"}
    assert bundle["text/html"] == bundle["image/svg+xml"] == graph._repr_svg_() == graph.svg()
    assert bundle["text/plain"] == str(graph)


def _without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(layout.VARIABLE, "none")


def _nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(layout, "_chain", lambda explicit=None: iter(()))


def _not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(layout.VARIABLE, str(tmp_path / "gone"))


def _engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    path = tmp_path / "fake"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv(layout.VARIABLE, str(path))


def _failing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _engine(monkeypatch, tmp_path, "echo 'Error: out of <ink>' >&2")


def _endless(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _engine(monkeypatch, tmp_path, "sleep 600")
    monkeypatch.setattr(picture, "PATIENCE", 0.1)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [
        (_without, "AUTODIFF_DOT is 'none'"),
        (_nothing_installed, "pip install 'autodiff[draw]'"),
        (_not_there, "is not a program that can be run"),
        (_failing, "fake failed: Error: out of <ink>"),
        (_endless, "fake was stopped after 0.1 s"),
    ],
)
def test_a_notebook_without_a_picture_shows_the_table_and_says_why(
    trouble: Callable[..., None], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trouble(monkeypatch, tmp_path)
    graph = small()
    bundle = graph._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert graph._repr_svg_() is None
    for part in (html.escape(message), html.escape(str(graph)), html.escape(graph.dot)):
        assert part in bundle["text/html"]
    assert bundle["text/plain"] == str(graph)


def test_an_engine_that_has_failed_is_not_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def render(*args: Any, **kwargs: Any) -> bytes:
        asked.append(args)
        raise LayoutTimeoutError("too slow")

    monkeypatch.setattr(layout, "render", render)
    graph = small(expand=0)
    graph._repr_mimebundle_()
    assert len(asked) == 1


def _not_utf8(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _engine(monkeypatch, tmp_path, r"printf '<svg>\377</svg>'")


def _unexpected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def render(*args: Any, **kwargs: Any) -> bytes:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(layout, "render", render)


@pytest.mark.parametrize(
    ("trouble", "message"),
    [(_not_utf8, "fake failed: what it wrote is no SVG in UTF-8"), (_unexpected, "by accident")],
)
def test_a_notebook_sees_no_exception_whatever_happens(
    trouble: Callable[..., None], message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trouble(monkeypatch, tmp_path)
    bundle = small()._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert message in bundle["text/html"]


def test_text_that_cannot_be_made_is_replaced_by_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*args: Any) -> str:
        raise ZeroDivisionError("by accident")

    monkeypatch.setattr(picture, "dot", broken)
    monkeypatch.setattr(ad.draw.Graph, "__str__", broken)
    bundle = small()._repr_mimebundle_()
    assert bundle["text/plain"] == "by accident"
    assert bundle["text/html"].count("by accident") == 3


# What an engine fails at


def failing_at(monkeypatch: pytest.MonkeyPatch, *parts: str) -> list[str]:
    """Let the engine fail at DOT text with one of these parts; what it is asked is listed."""
    render, asked = layout.render, list[str]()

    def render_or_fail(dot: str, *args: Any, **kwargs: Any) -> bytes:
        asked.append(dot)
        if any(part in dot for part in parts):
            raise LayoutFailedError("the engine failed")
        return render(dot, *args, **kwargs)

    monkeypatch.setattr(layout, "render", render_or_fail)
    return asked


STRAIGHT = "the layout failed with curved wires; drawn with straight ones, unlabelled"
CLOSED = "the engine failed; drawn with all scopes closed"


@pytest.mark.parametrize(
    ("parts", "tries", "notes"),
    [
        ((), 1, []),
        (("newrank=false",), 2, []),
        (("ranksep=0.42",), 3, []),
        (("splines=true",), 4, [STRAIGHT]),
        (("subgraph",), 5, [CLOSED]),
        (("subgraph", "splines=true"), 8, [STRAIGHT, CLOSED]),
    ],
)
def test_what_an_engine_fails_at_is_asked_for_in_simpler_form(
    parts: tuple[str, ...], tries: int, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = failing_at(monkeypatch, *parts)
    graph = small()
    assert graph.svg().startswith("<svg")
    assert len(asked) == tries
    assert graph.notes == notes
    assert asked[0] == graph.dot


def test_a_pdf_is_asked_for_in_simpler_form_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "render", lambda dot, format, timeout: f"%PDF of {dot}".encode())
    failing_at(monkeypatch, "newrank=false")
    assert small().pdf().startswith(b"%PDF of digraph autodiff {\nrankdir=LR; newrank=true")


def test_only_small_pictures_are_tried_with_the_slow_ranks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = failing_at(monkeypatch, "splines=true")
    monkeypatch.setattr(picture, "RANKABLE", 3)
    small().svg()
    assert len(asked) == 3
    assert not any("newrank=true" in dot for dot in asked)


def test_a_failure_of_all_forms_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    failing_at(monkeypatch, "digraph")
    graph = small()
    with pytest.raises(LayoutFailedError, match="the engine failed"):
        graph.svg()
    assert graph.notes == []


# What is too much


def slow_for_open_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    render = layout.render

    def patient(dot: str, *args: Any, **kwargs: Any) -> bytes:
        if "subgraph" in dot:
            raise LayoutTimeoutError("the engine was stopped after 10 s")
        return render(dot, *args, **kwargs)

    monkeypatch.setattr(layout, "render", patient)


def test_what_takes_too_long_is_drawn_with_closed_scopes(monkeypatch: pytest.MonkeyPatch) -> None:
    slow_for_open_scopes(monkeypatch)
    graph = small()
    assert "⊞ 2 ops" in graph.svg()
    assert graph.svg() is graph.svg()
    assert graph.notes == ["the engine was stopped after 10 s; drawn with all scopes closed"]


def test_what_takes_too_long_without_scopes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def render(*args: Any, **kwargs: Any) -> bytes:
        raise LayoutTimeoutError("too slow")

    monkeypatch.setattr(layout, "render", render)
    with pytest.raises(LayoutTimeoutError, match="too slow"):
        ad.graph(ad.tanh(leaf())).svg()
    with pytest.raises(LayoutTimeoutError, match="too slow"):
        small().svg()


def test_more_cards_than_can_be_read_are_refused_without_force(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture, "LARGEST", 3)
    graph = small()
    for make in (graph.svg, graph.png, graph.pdf, graph.html):
        with pytest.raises(DrawingError, match="would have 4 cards, more than the 3"):
            make()
    assert graph.dot.startswith("digraph")
    assert "4 cards" in graph._repr_html_()
    assert small(force=True).svg().startswith("<svg")
