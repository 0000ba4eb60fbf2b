"""`Graph`: one graph as DOT, SVG, PNG, PDF, a page, a table; made when asked for."""

from __future__ import annotations

import html
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from autodiff import io
from autodiff.draw import data, layout, raster
from autodiff.draw.dot import dot
from autodiff.draw.explorer import page
from autodiff.draw.view import Card, View
from autodiff.errors import AutodiffError, DomainError
from autodiff.inspect.paths import Paths
from autodiff.inspect.signals import Signals

__all__ = ["Graph"]

LARGEST = 2_000
"""Cards of a picture that an engine is given without `force`: beyond, nobody can read it."""
PATIENCE = 10.0
"""Seconds for one layout; then a picture with closed scopes is tried."""
STATES = 24
"""Layouts in one page: as drawn, and with one scope opened or closed."""


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
        self.notes = list(self._view.grouping.notes)

    @property
    def cards(self) -> list[Card]:
        """What is drawn, in the order of the backward sweep."""
        return self._view.cards

    @cached_property
    def dot(self) -> str:
        """DOT text, the same each time."""
        return self._dot(self._view)

    def _dot(self, view: View) -> str:
        return dot(view, self._show, self._rankdir, self._title)

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
        return self._laid_out(self._view)

    def _laid_out(self, view: View) -> tuple[View, str]:
        """The view, or what could be drawn of it in time; and the picture."""
        self._require_readable(view)
        try:
            return view, self._render(view)
        except layout.LayoutTimeoutError as slow:
            if not any(c.is_open for c in view.grouping.clusters):
                raise
            note = f"{slow}; drawn with all scopes closed"
            self.notes = list(dict.fromkeys([*self.notes, note]))
            closed = View(self.signals, 0, self._paths)
            return closed, self._render(closed)

    def _render(self, view: View) -> str:
        return layout.render(self._dot(view), "svg", layout.find(), PATIENCE).decode()

    def _require_readable(self, view: View) -> None:
        if len(view.cards) > LARGEST and not self._force:
            raise layout.DrawingError(
                f"the picture would have {len(view.cards):,} cards, more than the {LARGEST:,} that "
                "can be read: leave expand= out, or give force=True; .dot has the text all the same"
            )

    def png(self, scale: float = 2.0) -> bytes:
        """The picture as PNG, of `scale` times its size in points, times 4/3."""
        return raster.png(self.svg(), scale)

    def pdf(self) -> bytes:
        """The picture as PDF; needs `dot` or pygraphviz."""
        self._require_readable(self._view)
        return layout.render(self.dot, "pdf", timeout=PATIENCE)

    def html(self) -> str:
        """One page, without any other file, to explore the graph in a browser."""
        drawn = [("as drawn", *self._drawn)]
        drawn += [(label, *self._laid_out(view)) for label, view in self._other_views()]
        turned = {c: i for i, (_, view, _) in enumerate(drawn) for c in self._turned(view)}
        back = dict.fromkeys(turned, 0)
        states = [
            data.state(view, label, svg, back if i else turned)
            for i, (label, view, svg) in enumerate(drawn)
        ]
        return page({
            "title": self.signals.label(self.signals.root),
            "states": states, "paths": data.paths(self._view),
            "parameters": data.parameters(self._view), "table": str(self),
        })  # fmt: skip

    def _other_views(self) -> list[tuple[str, View]]:
        """The same with one scope opened that is closed, or closed that is open."""
        shown, _ = self._drawn
        drawn = {card.group.cluster for card in shown.cards} | set(shown.clusters)
        chosen = [c for c in shown.grouping.clusters if c in drawn][:STATES]
        is_open = frozenset(c.id for c in shown.grouping.clusters if c.is_open)
        return [
            (f"{c.name} {'closed' if c.is_open else 'open'}",
             View(self.signals, is_open ^ {c.id}, self._paths, self._expand))
            for c in chosen
        ]  # fmt: skip

    def _turned(self, view: View) -> list[str]:
        """The scopes that are open in this view and closed as drawn, or the other way round."""
        drawn = {c.id: c.is_open for c in self._drawn[0].grouping.clusters}
        return [c.id for c in view.grouping.clusters if c.is_open != drawn[c.id]]

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
        except (AutodiffError, OSError) as error:
            return None, str(error)

    def _repr_svg_(self) -> str | None:
        return self._shown[0]

    def _repr_html_(self) -> str:
        svg, problem = self._shown
        return svg or (
            f"<p>{html.escape(problem)}</p><pre>{html.escape(str(self))}</pre>"
            f"<details><summary>DOT</summary><pre>{html.escape(self.dot)}</pre></details>"
        )

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        bundle = {"text/plain": str(self), "text/html": self._repr_html_()}
        svg = self._repr_svg_()
        return bundle if svg is None else {**bundle, "image/svg+xml": svg}
