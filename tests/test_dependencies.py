"""Dependencies: few, each with its reason in docs/dependencies.md, and imported where allowed."""

import ast
import configparser
import re
import sys
from pathlib import Path

import pytest

from models.extras import EXTRAS

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| ([a-z-]+) \| ([a-z-]+) \| \S.* \|$", re.MULTILINE)
OWN = {"autodiff", "models"}


def declared() -> set[tuple[str, str]]:
    """(package, extra) as in setup.cfg, the extras that only join others left out."""
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    groups = {"-": settings["options"]["install_requires"]}
    groups |= dict(settings["options.extras_require"])
    pairs = {
        (re.split(r"[\[<>=~]", line)[0], extra)
        for extra in groups
        for line in groups[extra].split()
    }
    return {(package, extra) for package, extra in pairs if package not in OWN}


def third_party(file: Path) -> set[str]:
    """Top-level names of the packages, neither ours nor Python's, that a file imports."""
    nodes = list(ast.walk(ast.parse(file.read_text())))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - OWN - sys.stdlib_module_names


def test_each_dependency_has_a_reason() -> None:
    rows = ROW.findall((ROOT / "docs" / "dependencies.md").read_text())
    assert set(rows) - {("package", "extra")} == declared()


def test_the_command_line_knows_what_extras_hold() -> None:
    named = {(package, extra) for extra, packages in EXTRAS.items() for package in packages}
    assert named <= declared()
    of_commands = EXTRAS.keys() - {"test"}
    assert {pair for pair in declared() if pair[1] in of_commands} <= named


@pytest.mark.parametrize(
    ("package", "allowed"),
    [
        ("autodiff", {"numpy", "safetensors", "hypothesis"}),
        ("models", {"numpy", "matplotlib", "sklearn", "tqdm"}),
    ],
)
def test_code_imports_no_other_package(package: str, allowed: set[str]) -> None:
    used = {name for file in (ROOT / package).rglob("*.py") for name in third_party(file)}
    assert used <= allowed


def test_only_the_checker_imports_hypothesis() -> None:
    files = (ROOT / "autodiff").rglob("*.py")
    users = {file.parent.name for file in files if "hypothesis" in third_party(file)}
    assert users == {"testing"}
