"""The tables of docs/comparison.md, made of what the probes found."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from benchmarks.comparison import LIBRARIES
from benchmarks.comparison.features import FEATURES
from benchmarks.comparison.figures import FIGURES
from benchmarks.harness import ROOT
from benchmarks.report import aligned, sections

__all__ = ["PAGE", "RESULTS", "TIMES", "cells", "filled"]

RESULTS = ROOT / "benchmarks" / "comparison.json"
PAGE = ROOT / "docs" / "comparison.md"
TIMES = ROOT / "docs" / "benchmarks.md"
ROWS = {
    "ops": ["chain () float64", "chain (8,) float64", "chain (64, 64) float64"],
    "steps": [
        "MLP 64-100-10 tanh, batch 32", "MLP 784-512-512-10 relu, batch 256",
        "Elman, hidden 64, batch 1", "GRU, hidden 64, batch 1", "GRU, hidden 256, batch 32",
        "diamond of 999 ops on (64, 64)",
    ],
}  # fmt: skip
"""Of the tables of times, those on the page."""
LEFT_OUT = ("products alone", "numpy by hand", "goal", "met")
BLOCK = re.compile(r"(<!-- probes: (.*?) -->\n).*?(<!-- end -->)", re.DOTALL)
UNSAID = ("", "it has no such function", "it has no arrays", "it has no forward mode")


def cells(table: str, results: dict[str, Any]) -> str:
    """One table: a row for each feature or figure, a column for each library."""
    there = [library for library in LIBRARIES if library in results]
    lines = [
        ["size" if table == FIGURES else "feature", *(LIBRARIES[library] for library in there)]
    ]
    lines += _figures(there, results) if table == FIGURES else _answers(table, there, results)
    return "\n".join(aligned(lines))


def _answers(table: str, there: list[str], results: dict[str, Any]) -> Iterable[list[str]]:
    for name, text in FEATURES[table].items():
        yield [text, *(_answer(results[library]["findings"].get(name)) for library in there)]


def _answer(finding: list[str] | None) -> str:
    if finding is None:
        return "?"
    return f"{finding[0]} (docs)" if "by its documentation" in finding[1] else finding[0]


def _figures(there: list[str], results: dict[str, Any]) -> Iterable[list[str]]:
    for name in next(iter(results.values()))["figures"]:
        yield [name, *(results[library]["figures"].get(name, "?") for library in there)]


def notes(table: str, results: dict[str, Any]) -> str:
    """What was seen, where the answer alone does not say it."""
    lines = []
    for name, text in FEATURES.get(table, {}).items():
        said: dict[str, list[str]] = {}
        for library in filter(results.__contains__, LIBRARIES):
            if _worth_saying(finding := results[library]["findings"].get(name)):
                said.setdefault(_plain(finding[1]), []).append(LIBRARIES[library])
        every = "; ".join(f"{', '.join(who)}: {what}" for what, who in said.items())
        lines += [f"- *{text.lstrip('. ')}*: {every}."] if said else []
    return "\n".join(lines)


def _worth_saying(finding: Any) -> bool:
    return bool(finding) and finding[1] not in UNSAID and not finding[1].startswith("refused")


def _plain(note: str) -> str:
    if re.match(r"\w+Error: ", note):
        return "`" + note.replace("`", "'") + "`"
    return re.sub(r"by its documentation: (\S+)", r"[documentation](\1)", note).rstrip(".")


def versions(results: dict[str, Any]) -> str:
    """Which version of each was tried, and when."""
    said = [f"{LIBRARIES[k]} {results[k]['version']}" for k in LIBRARIES if k in results]
    days = sorted({results[library]["date"] for library in results})
    return f"Tried on {' and '.join(days)}: {', '.join(said)}."


def times(case: str) -> str:
    """Ratios of some settings of a case, from the results of the benchmarks."""
    table = sections(TIMES.read_text())[case]
    head, *rows = ([c.strip() for c in line.strip("|").split("|")] for line in _lines(table))
    kept = [i for i, name in enumerate(head) if name not in LEFT_OUT]
    wanted = [head, *(row for row in rows if row[0] in ROWS[case])]
    return "\n".join(aligned([[_ratio(row[i]) for i in kept] for row in wanted]))


def _lines(table: str) -> list[str]:
    return [line for line in table.splitlines() if line.startswith("|")]


def _ratio(cell: str) -> str:
    return cell.partition("**")[2].strip("*") or cell


def filled(page: str, results: dict[str, Any]) -> str:
    """The page with its tables as the results give them."""

    def block(found: re.Match[str]) -> str:
        table = found[2]
        if table in ROWS:
            text = times(table)
        elif table == "versions":
            text = versions(results)
        else:
            text = "\n\n".join(filter(None, [cells(table, results), notes(table, results)]))
        return f"{found[1]}\n{text}\n\n{found[3]}"

    return BLOCK.sub(block, page)


if __name__ == "__main__":
    PAGE.write_text(filled(PAGE.read_text(), json.loads(RESULTS.read_text())))
