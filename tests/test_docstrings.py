"""The docstrings: their examples run, and they name what the signatures have."""

from __future__ import annotations

import doctest
import importlib.util
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
from tests.compiler.near import needs_compiler

FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def needs(package: str) -> pytest.MarkDecorator:
    is_absent = importlib.util.find_spec(package) is None
    return pytest.mark.skipif(is_absent, reason=f"needs the package {package}")


NEEDS = {
    "autodiff.compiler.library.library": needs_compiler,
    "autodiff.testing.property.gradient_test": needs("hypothesis"),
    "models.word_learning.glove.GloVeTrainer": needs("tqdm"),
    "models.word_learning.word2vec.Word2VecTrainer": needs("tqdm"),
}
"""Examples that need more than Python and numpy."""

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


@cache
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


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=NEEDS.get(name, ())) for name in sorted(examples())]
)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS).run(examples()[name], out=lines.append)
    assert not lines, "".join(lines)


def public(module: Any) -> Iterator[tuple[str, Any]]:
    """The functions and classes that a module lists and defines, and their public methods."""
    is_command = module.__name__.startswith("models.commands.")  # documented by --help
    for name in () if is_command else getattr(module, "__all__", ()):
        value = getattr(module, name)
        if is_ours(value) and value.__module__ == module.__name__:
            yield f"{module.__name__}.{name}", value
            yield from methods(f"{module.__name__}.{name}", value)


def methods(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The public methods that a class states itself; those made of rows are tested as these."""
    for name, method in vars(value).items() if inspect.isclass(value) else ():
        method = getattr(method, "__func__", method)
        is_stated = getattr(method, "__qualname__", "").startswith(f"{value.__qualname__}.")
        if not name.startswith("_") and inspect.isfunction(method) and is_stated:
            yield f"{prefix}.{name}", getattr(value, name)


def is_ours(value: Any) -> bool:
    return inspect.isfunction(value) or inspect.isclass(value)


@cache
def documented() -> dict[str, Any]:
    """All public functions, classes and methods by name, but for the rows of the table."""
    found = {name: value for module in modules() for name, value in public(module)}
    rows = {f"autodiff.{name}" for name in (*ad.FUNCTIONS, *ad.PLAIN)}
    return {name: value for name, value in found.items() if name not in rows} | composites()


def sections(value: Any) -> dict[str, str]:
    """The sections of a docstring by their titles."""
    parts = re.split(r"^(\w[\w ]*)\n-{3,}\n", inspect.getdoc(value) or "", flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def explained(value: Any) -> list[str]:
    """The names in the section Parameters, as they come."""
    lines = sections(value).get("Parameters", "").splitlines()
    heads = [line.partition(" : ")[0] for line in lines if line[:1].strip()]
    return [name.strip() for head in heads for name in head.split(",")]


def named(value: Any) -> list[str]:
    """The parameters of a signature, with the stars that they have in numpydoc."""
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    parameters = inspect.signature(value).parameters.values()
    return [f"{stars.get(p.kind, '')}{p.name}" for p in parameters if p.name != "self"]


@in_turn(documented())
def test_docstrings_begin_with_a_sentence(name: str) -> None:
    value = documented()[name]
    text = inspect.getdoc(value) or ""
    is_of_protocol = not text and "." in value.__qualname__  # which says what the method does
    assert is_of_protocol or text.partition("\n")[0].endswith("."), text


@in_turn(name for name, value in documented().items() if explained(value))
def test_parameters_are_those_of_the_signature(name: str) -> None:
    found, expected = explained(documented()[name]), named(documented()[name])
    own = [parameter for parameter in expected if not parameter.startswith("*")]
    is_spelt_out = own != expected and {*own} <= {*found}  # in place of *args and **options
    assert found == expected or is_spelt_out, f"{found} in the docstring, {expected} in the code"


@cache
def offered() -> dict[str, Any]:
    """What users import, but errors, the rows, and what takes numpy's own arguments."""
    rows = {f for name, f in ad.FUNCTIONS.items() if f"autodiff.{name}" not in composites()}
    left_out = {*rows, *ad.PLAIN.values(), *ad.DISPATCH.values()}
    found = {
        f"{module}.{name}": getattr(importlib.import_module(module), name)
        for module in API
        for name in importlib.import_module(module).__all__
    }
    return {n: v for n, v in found.items() if is_ours(v) and v not in left_out and not is_error(v)}


def is_error(value: Any) -> bool:
    return inspect.isclass(value) and issubclass(value, BaseException)


@in_turn(offered())
def test_parameters_are_explained(name: str) -> None:
    value = offered()[name]
    is_made_here = "Attributes" in sections(value)  # and not by a caller
    assert explained(value) or is_made_here or not named(value)
