"""The imports of the code, read with `ast`, against the table of rooms in docs/architecture.md."""

import ast
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import autodiff as ad
from docs.rooms import read_table
from tests.cases import in_turn

ROOT = Path(__file__).parents[1]
PACKAGES = ("autodiff", "models")
COMMAND = "autodiff/__main__.py"
"""What ``python -m autodiff`` runs, and nothing imports: the one arrow that points up."""
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


class Import(NamedTuple):
    """One imported name: its module, the room that holds it (None: not ours), and where."""

    module: str
    room: str | None
    is_late: bool
    line: int


TABLE = read_table()


def room_of(file: str) -> str | None:
    """The room that a file, given relative to the root, stands in: the longest path wins."""
    fits = [
        (len(path), room)
        for room, (path, _) in TABLE.items()
        if file == path or (path.endswith("/") and file.startswith(path))
    ]
    return max(fits)[1] if fits else None


def file_of(module: str) -> str | None:
    """The file of one of our modules, relative to the root; None for any other name."""
    base = ROOT.joinpath(*module.split("."))
    for path in (base.with_suffix(".py"), base / "__init__.py"):
        if module.split(".")[0] in PACKAGES and path.exists():
            return path.relative_to(ROOT).as_posix()
    return None


@cache
def parsed(file: Path) -> tuple[list[ast.AST], set[ast.AST]]:
    """All nodes of a file, and those inside functions."""
    every = list(ast.walk(ast.parse(file.read_text())))
    functions = [node for node in every if isinstance(node, ast.FunctionDef | ast.Lambda)]
    return every, {inner for function in functions for inner in ast.walk(function)}


@cache
def imports(file: Path) -> list[Import]:
    """All imports of a file, also those inside functions."""
    nodes, late = parsed(file)
    package = file.relative_to(ROOT).parent.parts
    return [
        Import(module, room_of(inside) if inside else None, node in late, node.lineno)
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in imported_modules(node, package)
        for inside in [file_of(module) or file_of(module.rpartition(".")[0])]
    ]


def imported_modules(node: ast.Import | ast.ImportFrom, package: tuple[str, ...]) -> list[str]:
    """Full dotted names of what one statement imports, `from` names included."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    above = package[: len(package) + 1 - node.level] if node.level else ()
    base = ".".join([*above, *([node.module] if node.module else [])])
    return [f"{base}.{alias.name}" for alias in node.names]


def relative(file: Path) -> str:
    """The path as the table shows it."""
    return file.relative_to(ROOT).as_posix()


def test_every_room_of_the_table_exists() -> None:
    missing = [path for path, _ in TABLE.values() if not (ROOT / path).exists()]
    assert not missing


def test_arrows_point_down_only() -> None:
    seen: set[str] = set()
    for room, (_, may) in TABLE.items():
        assert may <= seen, f"{room} may import {sorted(may - seen)}, which stand below it"
        seen.add(room)


def test_autodiff_never_imports_models() -> None:
    for path, may in TABLE.values():
        if path.startswith("autodiff/") and path != COMMAND:
            assert not [room for room in may if TABLE[room][0].startswith("models/")]


@in_turn(FILES)
def test_imports_only_what_its_row_allows(file: Path) -> None:
    room = room_of(relative(file))
    assert room is not None, f"{relative(file)} has no row in docs/architecture.md"
    may = TABLE[room][1] | {room}
    wrong = [f"line {i.line}: {i.module}" for i in imports(file) if i.room and i.room not in may]
    assert not wrong, f"{room} may import {sorted(may)} only"


@in_turn(FILES)
def test_own_modules_are_imported_at_the_top(file: Path) -> None:
    assert not [f"line {i.line}: {i.module}" for i in imports(file) if i.room and i.is_late]


@pytest.mark.parametrize("name", ["errors.py", "nodes.py"])
def test_knows_no_numpy(name: str) -> None:
    modules = {found.module.split(".")[0] for found in imports(ROOT / "autodiff" / name)}
    assert "numpy" not in modules


def dotted(node: ast.expr) -> str:
    """`ad.optim.SGD` as text; empty for any other expression."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@in_turn([file for file in FILES if relative(file).startswith("models/")])
def test_models_use_public_names_only(file: Path) -> None:
    used = {dotted(node) for node in parsed(file)[0] if isinstance(node, ast.Attribute)}
    used |= {f"ad.{i.module[9:]}" for i in imports(file) if i.module.startswith("autodiff.")}
    private = [name for name in used if name.startswith("ad.") and not is_public(name)]
    assert not private


def is_public(name: str) -> bool:
    """Whether `ad.NAME` is in `autodiff.__all__`, and `ad.MODULE.NAME` in that module's."""
    _, first, *rest = name.split(".")
    module = getattr(ad, first, None)
    listed = getattr(module, "__all__", None)
    if first.startswith("__") and first.endswith("__"):
        return True
    return first in ad.__all__ and (listed is None or not rest or rest[0] in listed)
