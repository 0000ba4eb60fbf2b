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

import numpy as np
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
    return {test.name: test for test in found if test.examples and not is_of_numpy(test)}


def is_of_numpy(test: doctest.DocTest) -> bool:
    """Whether numpy's own text was taken over; its examples are numpy's to test."""
    theirs = getattr(np, test.name.rpartition(".")[2], None)
    return (getattr(theirs, "__doc__", None) or "\0").strip() in (test.docstring or "")


@pytest.mark.parametrize("name", sorted(examples()))
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in EXTRAS:
        pytest.importorskip(EXTRAS[name])
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples()[name], out=lines.append)
    assert not lines, "".join(lines)


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The functions and classes that a module lists and defines, and their public methods."""
    for name in getattr(module, "__all__", ()):
        value = getattr(module, name)
        if is_ours(value) and value.__module__ == module.__name__:
            yield f"{module.__name__}.{name}", value
            yield from methods(f"{module.__name__}.{name}", value)


def methods(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The public methods that a class states itself."""
    for name, method in vars(value).items() if inspect.isclass(value) else ():
        method = getattr(method, "__func__", method)
        if not name.startswith("_") and inspect.isfunction(method):
            yield f"{prefix}.{name}", method


def is_ours(value: Any) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)


@cache
def documented() -> dict[str, Any]:
    """All public functions, classes and methods by name, but for the rows of the table."""
    found = {name: value for module in modules() for name, value in public(module)}
    rows = {f"autodiff.{name}" for name in (*ad.FUNCTIONS, *ad.PLAIN)}
    return {name: value for name, value in found.items() if name not in rows} | composites()


def section(value: Any, title: str) -> list[str]:
    """The lines of a section of a docstring."""
    text = inspect.getdoc(value) or ""
    found = re.search(rf"^{title}\n-+\n(.*?)(?=\n\n\w[\w ]*\n---|\Z)", text, re.M | re.S)
    return found[1].splitlines() if found else []


def explained(value: Any) -> list[str]:
    """The names in the section Parameters, as they come."""
    heads = [line.split(" : ")[0] for line in section(value, "Parameters") if line[:1].strip()]
    return [name.strip(" \\") for head in heads for name in head.split(",")]


def named(value: Any) -> list[str]:
    """The parameters of a signature, as in numpydoc."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(value).parameters.values()
    return [f"{stars.get(p.kind, '')}{p.name}" for p in parameters if p.name not in ("self", "cls")]


@in_turn(documented())
def test_docstrings_begin_with_a_sentence(name: str) -> None:
    first = (inspect.getdoc(documented()[name]) or "").partition("\n")[0]
    assert first.endswith((".", ":")), first
