"""The table of rooms in docs/architecture.md, read."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["name_of_room", "read_table"]

PAGE = Path(__file__).with_name("architecture.md")
ROW = re.compile(r"^\| `((?:autodiff|models)/[^`]*)` \|.*\| ([^|]*) \|$", re.MULTILINE)


def name_of_room(path: str) -> str:
    """`autodiff/op.py` -> op, `autodiff/ops/` -> ops, `autodiff/__init__.py` -> autodiff."""
    parts = Path(path).with_suffix("").parts
    return parts[-2] if parts[-1] == "__init__" else parts[-1]


def read_table() -> dict[str, tuple[str, set[str]]]:
    """Each room of the table, in its order: the path and the rooms it may import."""
    table: dict[str, tuple[str, set[str]]] = {}
    for path, column in ROW.findall(PAGE.read_text()):
        package = path.split("/")[0]
        above = {room for room, (other, _) in table.items() if other.startswith(package)}
        may = {word.strip(" `") for word in column.split(",")} - {"-"}
        assert name_of_room(path) not in table, f"two rooms are called {name_of_room(path)}"
        table[name_of_room(path)] = (path, above if may == {"all above"} else may)
    return table
