"""The pages of docs/ and README.md are true: what they show is what happens."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autodiff.testing.causes import KINDS
from autodiff.testing.contract import CHECKS
from docs import notebooks
from docs.pages import BLOCK, PAGES, ROOT, differences, run, saved_as
from models.cli import parser
from tests.compiler.near import needs_compiler

DOCS = ROOT / "docs"
NOT_RUN = ("make", "pip install", "python -m", "python docs/")
"""Beginnings of commands that only CI runs, in a clone and an environment of its own."""


def named(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").as_posix()


each_page = pytest.mark.parametrize("path", PAGES, ids=named)


@each_page
def test_page_says_what_happens(path: Path) -> None:
    assert not differences(path), f"python -m docs.pages --write {path}"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("```sh\ntrue\n```\n", ""),
        ("```sh\nfalse\ntrue\n```\n", "+exit status 1"),
        ("```sh\necho a\n```\n\n```text\nb\n```\n", "+a"),
        ("```python\n1 / 0\n```\n", "+ZeroDivisionError: division by zero"),
        ("```python\nprint(0.1 + 0.2)\n```\n\n```text\n0.3\n```\n", ""),
        ("```python\nprint('+- 1\\nb')\n```\n\n```text\n+- 2\na\n```\n", "+b"),
    ],
)
def test_a_wrong_page_is_found(page: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text(page)
    found = differences(tmp_path / "page.md")
    assert bool(found) == bool(said) and all(said in text for text in found)


@each_page
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", BLOCK.sub("", path.read_text()))
    assert not [link for link in links if not (path.parent / link).exists()]


def test_what_is_not_run_are_commands() -> None:
    """Such as take an hour, or fetch data: each is a command line that `autodiff` takes."""
    for path in PAGES:
        for block in BLOCK.finditer(path.read_text()):
            if block[1] == "sh" and block[2]:
                for line in commands(block[3]):
                    assert line.startswith(NOT_RUN) or parsed(line), f"{path.name}: {line}"


def commands(code: str) -> list[str]:
    lines = re.findall(r"(?:^|do |; )((?:autodiff|make|pip|python)\b[^;\n]*)", code, re.MULTILINE)
    return [line.strip() for line in lines]


def parsed(line: str) -> bool:
    line = line.replace("$seed", "0").replace("$data", "btc")
    return bool(parser().parse_args(shlex.split(line, comments=True)[1:]))


def test_ten_minutes_in_a_file(tmp_path: Path) -> None:
    blocks = BLOCK.finditer((DOCS / "tutorials" / "ten-minutes.md").read_text())
    code = [b[3] for b in blocks if b[1] == "python" and not b[2] and not saved_as(b[3])]
    (tmp_path / "ten.py").write_text("\n\n".join(code))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "AUTODIFF_COMPILE": "numpy"}
    subprocess.run([sys.executable, "ten.py"], cwd=tmp_path, env=environment, check=True)
    assert {path.name for path in tmp_path.glob("*.*")} >= {"digits.npz", "ten-minutes-digit.svg"}


@pytest.mark.parametrize("path", [p for p in PAGES if p.parent.name == "tutorials"], ids=named)
def test_notebook_is_a_page_cell_by_cell(path: Path) -> None:
    page = path.read_text()
    cells = notebooks.notebook(page).cells
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    blocks = [block for block in BLOCK.finditer(page) if not block[2]]
    assert len(code) == len(blocks) > 0
    assert all(b[3].rstrip().endswith(c.splitlines()[-1]) for b, c in zip(blocks, code))
    # An error is told by its first line.
    assert not any((block[4] or "").startswith("...\n") for block in blocks)


def test_notebook_goes_on_after_an_error_that_the_page_shows() -> None:
    page = "```python\n1 / 0\n```\n\n```text\nZeroDivisionError: division by zero\n```\n"
    (cell,) = notebooks.notebook(page).cells
    assert cell.metadata.tags == ["raises-exception"]


def test_links_of_a_notebook_lead_to_the_site() -> None:
    page = "[a](by-hand.md#b) [c](../guide/seeing.md#d) ![e](../pictures/words.png)\n"
    (cell,) = notebooks.notebook(page).cells
    links = re.findall(r"\((.*?)\)", cell.source)
    assert links == ["by-hand.ipynb#b", "../guide/seeing.html#d", "../_images/words.png"]


def test_blocks_that_need_torch_run(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    page = (DOCS / "howto" / "torch.md").read_text().replace("```python no-run", "```python")
    (tmp_path / "torch.md").write_text(page)
    assert not differences(tmp_path / "torch.md")


def engine_from_nothing() -> str:
    blocks = BLOCK.finditer((DOCS / "tutorials" / "from-nothing.md").read_text())
    return "".join(block[3] for block in blocks if "print(" not in block[3])


def test_the_engine_from_nothing_is_short() -> None:
    assert 100 < sum(bool(line.strip()) for line in engine_from_nothing().splitlines()) <= 150


def test_the_engine_from_nothing_gives_no_wrong_gradient() -> None:
    names: dict[str, Any] = {}
    exec(engine_from_nothing(), names)
    grad = names["grad"]
    x = np.array([0.5, -1.0])
    assert grad(lambda x: np.sum(x * x - x))(x).data.tolist() == [0.0, -3.0]
    assert grad(grad(grad(lambda x: x * x)))(0.5).data == grad(grad(lambda x: 2 * x))(0.5).data == 0
    for f in (np.mean, lambda x: np.sum(x + x**2), lambda x: np.sum(np.abs(x))):
        with pytest.raises(TypeError, match="not in the table"):
            grad(f)(x)


def test_skip_gram_is_shown_as_the_model_has_it() -> None:
    blocks = BLOCK.finditer((DOCS / "tutorials" / "words.md").read_text())
    (shown,) = (block[3] for block in blocks if block[1] == "python" and block[2])
    source = (ROOT / "models" / "word2vec.py").read_text()
    assert not [line for line in shown.splitlines() if line not in source]


@needs_compiler
def test_c_is_what_the_compiler_is_given() -> None:
    """But for where it comes from."""
    path = DOCS / "tutorials" / "make-it-fast.md"
    _, names, _ = run(path, "c")
    source = without_origins(names["fast"].source + names["scanned"].source)
    blocks = re.findall(r"^```c\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    assert [without_origins(block) in source for block in blocks] == [True, True, True]


def without_origins(text: str) -> str:
    return re.sub(r"(// [^:\n]*):.*", r"\1", text)


@pytest.mark.parametrize(
    ("heading", "names"), [("## What it can name", KINDS), ("### The contract", CHECKS)]
)
def test_tables_are_complete(heading: str, names: Iterable[str]) -> None:
    _, _, section = (DOCS / "guide" / "testing.md").read_text().partition(f"{heading}\n")
    table = section.partition("\n#")[0]
    assert sorted(re.findall(r"^\| `(.*?)` \|", table, re.MULTILINE)) == sorted(names)
