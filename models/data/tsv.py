"""Tables of two columns, with a tab between them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from models.data.lines import malformed, quoted, read_lines
from models.data.own import Rows

__all__ = ["read_tsv"]


def read_tsv(path: Path, names: tuple[str, str], make: Callable[[str, str], Any]) -> Rows:
    """An example out of each line that is not blank.

    Parameters
    ----------
    path : Path
    names : tuple of str
        What the columns hold, for error messages.
    make : callable
        Makes the example.

    Raises
    ------
    DataError
        If a line does not hold two texts.
    """
    lines = [(i, line) for i, line in enumerate(read_lines(path), 1) if line.strip()]
    examples = [make(*_columns(path, number, line, names)) for number, line in lines]
    return Rows(path, examples, [number for number, _ in lines])


def _columns(path: Path, number: int, line: str, names: tuple[str, str]) -> list[str]:
    columns = [column.strip() for column in line.split("\t")]
    if len(columns) != 2 or not all(columns):
        malformed(path, number, f"{names[0]}<TAB>{names[1]}", quoted(line))
    return columns
