"""The reference of the Python API: each public name has one entry, and each entry a name."""

from __future__ import annotations

import importlib
import re
from collections import Counter
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.cases import in_turn

PAGES = sorted((Path(__file__).parents[1] / "docs" / "reference").glob("*.md"))
MODULES = (
    "autodiff", "autodiff.compiler", "autodiff.draw", "autodiff.errors", "autodiff.init",
    "autodiff.inspect", "autodiff.io", "autodiff.linalg", "autodiff.optim", "autodiff.schedule",
    "autodiff.testing", "autodiff.tree", "models", "models.data", "models.word_learning",
    "models.words",
)  # fmt: skip
DIRECTIVE = re.compile(r"^\.\. (?:currentmodule|auto\w+|function|data):: .*(?:\n {3,}\S.*)*", re.M)


@cache
def entries() -> list[str]:
    """What the pages document, by its full name."""
    return [name for page in PAGES for name in documented(page.read_text())]


def documented(page: str) -> list[str]:
    found, module = [], ""
    for directive in DIRECTIVE.findall(page):
        kind, _, text = directive.removeprefix(".. ").partition(":: ")
        names = re.findall(r"^ *([\w.]+)(?:\(.*\))?$", text, re.M)
        if kind == "currentmodule":
            (module,) = names
        else:
            found += [name if "." in name else f"{module}.{name}" for name in names]
    return found


def meant(name: str) -> Any:
    """The object of a full name; a module may be hidden by a function of its name."""
    module, _, last = name.rpartition(".")
    return getattr(importlib.import_module(module), last)


def test_the_pages_are_read() -> None:
    page = ".. currentmodule:: m\n\n.. autoclass:: A()\n   :members: x\n.. function:: f(x)\n" + (
        "              g(x, y)\n\n   Both.\n\n.. autoclass:: n.B\n"
    )
    assert documented(page) == ["m.A", "m.f", "m.g", "n.B"]


@in_turn(MODULES)
def test_public_names_are_documented(name: str) -> None:
    module = importlib.import_module(name)
    known = {id(meant(entry)) for entry in entries()}
    values = {public: getattr(module, public) for public in module.__all__}
    missing = [n for n, v in values.items() if id(v) not in known and type(v) is not ModuleType]
    assert not missing


def test_each_is_documented_once() -> None:
    counted = Counter(id(meant(entry)) for entry in entries())
    assert not [entry for entry in entries() if counted[id(meant(entry))] > 1]
