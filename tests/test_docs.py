"""The pages of docs/ are true: their Python runs, and does what they say.

A ``python`` block may be followed by a ``text`` block: what it prints, and the error it ends with.
``python -m tests.test_docs`` writes these anew. What is not to be run is ``python no-run``.
"""

from __future__ import annotations

import io
import linecache
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import Phase, settings

from autodiff.testing import register_profiles
from autodiff.testing.causes import KINDS
from autodiff.testing.contract import CHECKS
from tests.compiler.near import needs_compiler

DOCS = Path(__file__).parents[1] / "docs"
PAGES = [DOCS / f"{name}.md" for name in ("testing", "backprop", "lecture", "compile", "words")]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n.*?^```\n)?", re.MULTILINE | re.DOTALL)


def up_to_date(path: Path, backend: str = "numpy") -> tuple[str, dict[str, Any]]:
    """The page with the text blocks that its Python gives now, and what that has defined."""
    page = path.read_text()
    names: dict[str, Any] = {"__name__": __name__}

    def run(block: re.Match[str]) -> str:
        line = page.count("\n", 0, block.start(1)) + 1
        said = output(block[1], f"{path.name}, line {line}", names)
        return f"```python\n{block[1]}```\n" + (f"\n```text\n{said}```\n" if said else "")

    # The last bits of C differ from one machine to the next, and there may be no compiler.
    with repeatable_examples(), patch.dict(os.environ, {"AUTODIFF_COMPILE": backend}):
        return BLOCK.sub(run, page), names


def output(code: str, filename: str, names: dict[str, Any]) -> str:
    """What a block prints, and the error it ends with."""
    # A report shows lines of the code, which it looks up here.
    linecache.cache[filename] = len(code), None, code.splitlines(keepends=True), filename
    with redirect_stdout(io.StringIO()) as printed:
        try:
            exec(compile(code, filename, "exec", dont_inherit=True), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return numbered(printed.getvalue())


def numbered(text: str) -> str:
    """The values of a program counted from 0: in truth each program goes on from the last one."""
    numbers: dict[str, str] = {}
    return re.sub(r"\bv\d+\b", lambda v: numbers.setdefault(v[0], f"v{len(numbers)}"), text)


@contextmanager
def repeatable_examples() -> Iterator[None]:
    """Hypothesis draws the same examples each time."""
    register_profiles()
    settings.register_profile(
        "docs", settings.get_profile("ci"), derandomize=True, database=None,
        # To explain a failure takes it minutes, and the page does not show it.
        report_multiple_bugs=False, phases=set(Phase) - {Phase.explain},
    )  # fmt: skip
    settings.load_profile("docs")
    try:
        yield
    finally:
        register_profiles()


def rounded(text: str) -> str:
    """Without error bars and the later digits, which differ from one libm to the next."""
    text = re.sub(r"\+- [^)]*", "+-", text)
    text = re.sub(r"\d+\.\d+(e[+-]\d+)?", lambda number: f"{float(number[0]):.5g}", text)
    return re.sub(" +", " ", text)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_page_says_what_happens(path: Path) -> None:
    assert rounded(up_to_date(path)[0]).splitlines() == rounded(path.read_text()).splitlines()


@needs_compiler
def test_c_is_what_the_compiler_is_given() -> None:
    """But for where it comes from, and for products, whose tiles fit one processor."""
    path = DOCS / "compile.md"
    _, names = up_to_date(path, "c")
    source = without_origins(names["gradients"].source + names["compiled"].source)
    blocks = re.findall(r"^```c\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    assert [without_origins(b) in source for b in blocks if "panel" not in b] == [True, True]


def without_origins(text: str) -> str:
    return re.sub(r"(// [^:\n]*):.*", r"\1", text)


@pytest.mark.parametrize(
    ("heading", "names"), [("## What it can name", KINDS), ("### The contract", CHECKS)]
)
def test_tables_are_complete(heading: str, names: Iterable[str]) -> None:
    _, _, section = PAGES[0].read_text().partition(f"{heading}\n")
    table = section.partition("\n#")[0]
    assert sorted(re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)) == sorted(names)


if __name__ == "__main__":
    for path in PAGES:
        path.write_text(up_to_date(path)[0])
