"""`Graph`: one graph as DOT, SVG, PNG, PDF, a page, a table; made when asked for."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from autodiff import io
from autodiff.draw import data, layout, raster
from autodiff.draw.dot import VARIANTS, dot
from autodiff.draw.explorer import page
from autodiff.draw.states import State, explored, turned
from autodiff.draw.view import Card, View
from autodiff.errors import DomainError
from autodiff.inspect.paths import Paths
from autodiff.inspect.signals import Signals

__all__ = ["Graph"]

LARGEST = 2_000
"""Cards of a picture that an engine is given without `force`: beyond, nobody can read it."""
RANKABLE = 200
"""Cards beyond which Graphviz's newrank takes too long to be tried."""
PATIENCE = 10.0
"""Seconds for one layout; then a picture with closed scopes is tried."""


class Graph:
    """A computation graph to look at; made by `autodiff.graph`.

    In a notebook it shows itself. Where no engine for layouts is installed, `dot` and the table
    are still there, and `notes` says what to install.

    Attributes
    ----------
    notes : list of str
        What was left out of the picture, and why.
    signals : Signals
        All values and error signals.
    """

    def __init__(
        self, signals: Signals, expand: Any, paths: Paths | None, show: str, rankdir: str,
        title: str, force: bool,
    ) -> None:  # fmt: skip
        self.signals = signals
        self._paths = paths
        self._expand = expand
        self._show, self._rankdir, self._title, self._force = show, rankdir, title, force
        self._view = View(signals, expand, paths)
        self.notes: list[str] = list(self._view.grouping.notes)

    @property
    def cards(self) -> list[Card]:
        """What is drawn, in the order of the backward sweep."""
        return self._view.cards

    @cached_property
    def dot(self) -> str:
        """DOT text, the same each time."""
        return self._dot(self._view, "whole")

    def _dot(self, view: View, variant: str) -> str:
        return dot(view, self._show, self._rankdir, self._title, variant)

    @property
    def check(self) -> str:
        """How the highlighted gradient compares with differences; empty if it cannot be told."""
        return self._view.check

    def svg(self) -> str:
        """The picture as SVG.

        Raises
        ------
        MissingEngineError
            If nothing is installed that can lay it out.
        DrawingError
            If there is too much to draw, or the layout fails.
        """
        return self._drawn[1]

    @cached_property
    def _drawn(self) -> tuple[View, str]:
        view, svg = self._laid_out(self._view, "svg")
        return view, svg.decode()

    def _laid_out(self, view: View, format: str) -> tuple[View, bytes]:
        """The view, or what can be drawn of it; and the picture."""
        try:
            return view, self._render(view, format)
        except (layout.LayoutFailedError, layout.LayoutTimeoutError) as problem:
            if not any(c.is_open for c in view.grouping.clusters):
                raise
            drawn = self._laid_out(View(self.signals, 0, self._paths), format)
            self._note(f"{problem}; drawn with all scopes closed")
            return drawn

    def _render(self, view: View, format: str) -> bytes:
        """The picture; where the engine fails, of a variant that asks less of it."""
        self._require_readable(view)
        skipped = "newrank" if len(view.cards) > RANKABLE else None
        *variants, last = (variant for variant in VARIANTS if variant != skipped)
        for variant in variants:
            with suppress(layout.LayoutFailedError):
                return self._layout(view, format, variant)
        picture = self._layout(view, format, last)
        self._note("the layout failed with curved wires; drawn with straight ones, unlabelled")
        return picture

    def _layout(self, view: View, format: str, variant: str) -> bytes:
        return layout.render(self._dot(view, variant), format, timeout=PATIENCE)

    def _note(self, *notes: str) -> None:
        self.notes = list(dict.fromkeys([*self.notes, *notes]))

    def _require_readable(self, view: View) -> None:
        if len(view.cards) > LARGEST and not self._force:
            raise layout.DrawingError(
                f"the picture would have {len(view.cards):,} cards, more than the {LARGEST:,} that "
                "can be read: leave expand= out, or give force=True; .dot has the text all the same"
            )

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG.

        Parameters
        ----------
        scale : float
            Of a size in pixels of 4/3 of that in points.

        Raises
        ------
        DomainError
            If the scale is not above 0.
        MissingEngineError, DrawingError
            As for `svg`; also if nothing is installed that makes pixels of it.
        """
        return raster.png(self.svg(), scale)

    def pdf(self) -> bytes:
        """The picture as PDF; needs `dot` or pygraphviz.

        Raises
        ------
        MissingEngineError, DrawingError
            As for `svg`.
        """
        return self._laid_out(self._view, "pdf")[1]

    def html(self) -> str:
        """One page, without any other file, to explore the graph in a browser."""
        drawn, notes = explored(State("as drawn", *self._drawn), self._with_open, self._svg_of)
        self._note(*notes)
        states = [
            data.state(each.view, each.label, each.svg, others)
            for each, others in zip(drawn, turned(drawn), strict=True)
        ]
        return page({
            "title": self.signals.label(self.signals.root),
            "states": states, "paths": data.paths(self._view),
            "parameters": data.parameters(self._view), "table": str(self),
        })  # fmt: skip

    def _with_open(self, scopes: frozenset[str]) -> View:
        return View(self.signals, scopes, self._paths, self._expand)

    def _svg_of(self, view: View) -> str:
        return self._render(view, "svg").decode()

    def save(self, path: str | os.PathLike[str], scale: float = 2.0) -> Path:
        """Write the picture in the form that the suffix says.

        Parameters
        ----------
        path : path-like
            Ends in ``.svg``, ``.png``, ``.pdf``, ``.html``, ``.dot``, ``.gv`` or ``.txt``. The
            file is replaced whole, or stays as it was.
        scale : float
            Of a PNG.

        Raises
        ------
        DomainError
            For any other suffix.
        OSError
            If the file cannot be written.
        """
        path = Path(path)
        makers: dict[str, Callable[[], str | bytes]] = {
            ".svg": self.svg, ".png": lambda: self.png(scale), ".pdf": self.pdf,
            ".html": self.html, ".dot": lambda: self.dot, ".gv": lambda: self.dot,
            ".txt": lambda: f"{self}\n",
        }  # fmt: skip
        maker = makers.get(path.suffix.lower())
        if maker is None:
            raise DomainError(f"{path}: the name has to end in one of {', '.join(makers)}")
        made = maker()
        io.replace(path, made.encode() if isinstance(made, str) else made)
        return path

    def __str__(self) -> str:
        return str(self.signals)

    def __repr__(self) -> str:
        cards = len(self._view.cards)
        root = self.signals.label(self.signals.root)
        return f"<Graph of {root}: {len(self.signals.order):,} nodes, {cards:,} cards>"

    @cached_property
    def _shown(self) -> tuple[str | None, str]:
        """The picture, or why there is none; asked for once, since it may take long to fail."""
        try:
            return self.svg(), ""
        except Exception as error:
            return None, str(error)

    def _repr_svg_(self) -> str | None:
        return self._shown[0]

    def _repr_html_(self) -> str:
        svg, problem = self._shown
        if svg is not None:
            return svg
        table, text = _or_reason(self.__str__), _or_reason(lambda: self.dot)
        return (
            f"<p>{html.escape(problem)}</p><pre>{html.escape(table)}</pre>"
            f"<details><summary>DOT</summary><pre>{html.escape(text)}</pre></details>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": _or_reason(self.__str__), "text/html": self._repr_html_()}
        svg = self._repr_svg_()
        return bundle if svg is None else {**bundle, "image/svg+xml": svg}


def _or_reason(make: Callable[[], str]) -> str:
    """What is made, or why it cannot be; a notebook shows nothing at all of what raises."""
    try:
        return make()
    except Exception as error:
        return str(error)
