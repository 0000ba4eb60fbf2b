"""Tables as Markdown: figures in fitting units, ratios, and which goals are met."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from datetime import date
from importlib.metadata import distributions
from operator import ge, le
from pathlib import Path

from benchmarks.harness import NAMES, Row, Table

__all__ = ["markdown", "page", "sections"]

UNITS = {
    "s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "us"), (1e-9, "ns")),
    "B": ((1e6, "MB"), (1e3, "kB"), (1.0, "B")),
    "%": ((1.0, "%"),),
}
METHOD = """\
# Benchmarks

One thread; CPU time (imports and word vectors: wall time). Before timing, results and gradients of
the peers are compared. Peers take turns in shuffled order within each repeat. Each cell holds the
median and, in bold, the median of the ratios to the reference in the same repeat: trust the ratios.
Checkers of gradients have the tolerances that are their default. Sections measured on different
days and machines are comparable by their ratios alone.
"""


def quantity(value: float, unit: str) -> str:
    """Three digits in a fitting unit: 1.26 us."""
    size, name = next(((s, n) for s, n in UNITS[unit] if abs(value) >= s), UNITS[unit][-1])
    return f"{value / size:.3g} {name}" if value < 999.5 * size else f"{value / size:,.0f} {name}"


def cell(row: Row, peer: str, found: Table) -> str:
    """Value, and ratio where there is one."""
    if peer not in row.values:
        return "-"
    ratio = f", **{row.ratios[peer]:.3g}**" if peer in row.ratios else ""
    return quantity(row.values[peer], row.unit or found.unit) + ratio


def goal(row: Row, found: Table) -> tuple[str, str]:
    """The goal in words, and whether it is met."""
    if row.goal is None:
        return "", ""
    # A figure of another unit stands for itself, in a table of ratios, too.
    reference = found.reference if row.unit is None else None
    figures = row.ratios if reference else row.values
    limit = f"{row.goal:g} of {NAMES[reference]}" if reference else None
    sign, holds = (">=", ge) if row.least else ("<=", le)
    met = holds(figures["autodiff"], row.goal) if "autodiff" in figures else None
    return (
        f"{sign} {limit or quantity(row.goal, row.unit or found.unit)}",
        {True: "yes", False: "**no**", None: "not measured"}[met],
    )


def markdown(case: str, found: Table, arguments: Sequence[str] = ()) -> str:
    """A section with the table of a case, and how it was measured."""
    peers = [peer for peer in NAMES if any(peer in row.values for row in found.rows)]
    lines = [["setting", *(NAMES[peer] for peer in peers), "goal", "met"]]
    for row in found.rows:
        cells = [cell(row, peer, found) for peer in peers]
        lines.append([row.setting, *cells, *goal(row, found)])
    missing = [f"\n{NAMES[peer]} left out: {why}." for peer, why in found.missing.items()]
    title = f"## {case}: {found.title}\n"
    return "\n".join([title, facts(arguments), *aligned(lines), *missing, ""])


def aligned(lines: list[list[str]]) -> Iterable[str]:
    """Rows of a Markdown table with columns of equal width."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = [[text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines]
    rows.insert(1, ["-" * width for width in widths])
    return [f"| {' | '.join(line)} |" for line in rows]


def versions() -> str:
    """Of Python and of each peer that is installed."""
    installed = {found.name: found.version for found in distributions()}
    peers = [f"{package} {installed[package]}" for package in NAMES if package in installed]
    return ", ".join([f"Python {platform.python_version()}", *peers])


def machine() -> str:
    """Processor, cores and system."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    return f"{name}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def facts(arguments: Sequence[str]) -> str:
    """What was run, when, where and with what."""
    found = {
        "command": f"`{' '.join(['python -m benchmarks', *arguments])}`",
        "date": date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
    }
    return "\n".join([*(f"- {name}: {value}" for name, value in found.items()), ""])


def sections(text: str) -> dict[str, str]:
    """The sections of a page, by case."""
    parts = text.split("\n## ")[1:]
    return {part.partition(":")[0]: f"## {part}" for part in parts}


def page(parts: dict[str, str]) -> str:
    """All sections below the method."""
    return "\n".join([METHOD, *parts.values()])
