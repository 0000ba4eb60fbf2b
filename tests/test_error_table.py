"""Each row of docs/reference/errors.md: the code there fails, and says what the row says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "reference" / "errors.md").read_text()
SETUP = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
LIBRARY = PAGE.split("\n## The command line")[0]
BEFORE, BARE = LIBRARY.split("\n## Missing packages")
PACKAGES = [
    "graphviz_pure", "hypothesis", "matplotlib", "pygraphviz", "resvg_py", "safetensors",
    "sklearn", "torch", "ziglang",
]  # fmt: skip


def rows(text: str) -> list[tuple[str, str]]:
    """The code and what it says in each row, but for the table of classes."""
    return re.findall(r"^\| `(.+?)` \| `(\w+: .+?)` \|", text, re.MULTILINE)


def pattern(says: str) -> str:
    return ".*".join(map(re.escape, says.split("...")))


def said(code: str) -> str:
    """What the code ends with, in one line."""
    names: dict[str, Any] = {}
    exec(SETUP, names)
    with pytest.raises(Exception) as caught:
        exec(compile(code, "table.py", "exec"), names)
    return " ".join(f"{caught.type.__name__}: {caught.value}".split())


@pytest.mark.parametrize(("code", "says"), rows(BEFORE))
def test_row(code: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert re.fullmatch(pattern(says), said(code)), said(code)


BARE_SCRIPT = """
import shutil, sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(",")))
shutil.which = lambda *args, **settings: None
names = {}
exec(sys.argv[2], names)
for code in sys.argv[3:]:
    try:
        exec(code, names)
        print("no error")
    except Exception as error:
        print(type(error).__name__, error, sep=": ")
"""


def test_rows_where_packages_are_missing(tmp_path: Path) -> None:
    table = rows(BARE)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    environment.pop("AUTODIFF_DOT", None)
    command = [sys.executable, "-c", BARE_SCRIPT, ",".join(PACKAGES), SETUP]
    done = subprocess.run(
        [*command, *(code for code, _ in table)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    for (code, says), line in zip(table, done.stdout.splitlines(), strict=True):
        assert re.fullmatch(pattern(says), line), (code, line)


def test_every_row_was_read() -> None:
    # Each table has a heading and a rule besides its rows; that of the classes is no such table.
    tables = re.findall(r"^\| you write .*\n\|[-|]+\n((?:\|.*\n)+)", LIBRARY, re.MULTILINE)
    assert len(rows(LIBRARY)) == sum(table.count("\n") for table in tables) >= 60
