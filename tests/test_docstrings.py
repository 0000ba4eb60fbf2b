"""The docstrings: their examples run, and they name what the signatures have."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import autodiff as ad
import models
from tests.cases import in_turn

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
EXTRAS = {"autodiff.testing.property.gradient_test": "hypothesis"}
"""What some examples need that may be absent."""

API = (
    "autodiff", "autodiff.compiler", "autodiff.errors", "autodiff.init", "autodiff.io",
    "autodiff.optim", "autodiff.schedule", "autodiff.testing", "autodiff.tree", "models",
    "models.data", "models.words",
)  # fmt: skip
"""The modules whose functions explain each of their parameters."""


@cache
def modules() -> list[Any]:
    """All modules; `__main__` runs when imported."""
    found = [
        name
        for package in (ad, models)
        for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if not name.endswith("__main__")
    ]
    return [ad, models, *map(importlib.import_module, sorted(found))]


def composites() -> dict[str, Any]:
    """Public functions that are no rows of the table, nor other names of them."""
    return {
        f"autodiff.{name}": f
        for name, f in ad.FUNCTIONS.items()
        if inspect.unwrap(f).__module__.startswith("autodiff.composites")
    }


def examples() -> dict[str, doctest.DocTest]:
    """All docstrings with examples, by the name of what they are of."""
    finder = doctest.DocTestFinder()
    found = [test for module in modules() for test in finder.find(module)]
    found += [test for name, f in composites().items() for test in finder.find(f, name)]
    return {test.name: test for test in found if test.examples}


@pytest.mark.parametrize("name", sorted(examples()))
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples()[name], out=lines.append)
    assert not lines, "".join(lines)
