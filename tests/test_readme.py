"""The README is short, and its figures are those of the benchmarks. `test_docs` runs it."""

from __future__ import annotations

import re

import pytest

from docs.pages import BLOCK, ROOT

README = (ROOT / "README.md").read_text()


def rows(page: str) -> dict[str, list[dict[str, str]]]:
    """The rows of all tables by their first cell, each as cells by their heading."""
    found: dict[str, list[dict[str, str]]] = {}
    heading: list[str] = []
    for line in page.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line[:1] == "|" else []
        if cells and cells[0] == "setting":
            heading = cells
        elif cells and set(line) - set("|- "):
            found.setdefault(cells[0], []).append(dict(zip(heading, cells)))
    return found


MEASURED = rows((ROOT / "docs" / "benchmarks.md").read_text())
QUOTED = [(name, cells) for name, all_cells in rows(README).items() for cells in all_cells]


@pytest.mark.parametrize(("setting", "cells"), QUOTED, ids=[name for name, _ in QUOTED])
def test_figures_are_measured(setting: str, cells: dict[str, str]) -> None:
    (measured,) = MEASURED[setting]
    for library, figure in cells.items():
        ratio = re.search(r"\*\*(.*?)\*\*", measured[library])
        assert figure == (ratio[1] if ratio else measured[library]), library


def test_it_quotes_figures() -> None:
    assert len(QUOTED) > 5


def test_first_example_takes_fifteen_lines() -> None:
    first = next(block[3] for block in BLOCK.finditer(README) if block[1] == "python")
    assert sum(bool(line.strip()) for line in first.splitlines()) <= 16
