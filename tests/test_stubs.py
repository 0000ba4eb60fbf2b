"""The type hints of what the op table makes: up to date, true, and enough for a user's program."""

from __future__ import annotations

import os
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest

import autodiff as ad
from autodiff.composites import linalg
from autodiff.functions import FUNCTIONS
from tests.cases import in_turn
from tests.ops.case import CASES, ELEMENTWISE, Case
from tests.stubs import FOLDER, result, stubs

ROOT = Path(__file__).parents[1]


def test_files_are_up_to_date() -> None:
    written = {path.name: path.read_text() for path in FOLDER.glob("*.pyi")}
    assert written == stubs(), "python -m tests.stubs writes them anew"


def test_packages_hold_them() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    data = setup["options.package_data"]
    assert (data["*"], data["autodiff"]) == ("py.typed", "*.pyi")


@in_turn(CASES)
def test_functions_give_what_they_say(case: Case) -> None:
    f, found = FUNCTIONS[case.name], []
    case.values(*map(ad.Tensor, case.inputs), of=lambda *a, **k: found.append(f(*a, **k)))
    assert fits(found[0], result(f))


def fits(value: Any, hint: str) -> bool:
    """Whether a value is of a kind that a hint names."""
    if hint.endswith(" | Any"):
        return True
    if hint.startswith(("list[", "tuple[")):
        return isinstance(value, (list, tuple)) and hint.startswith(type(value).__name__)
    return isinstance(value, getattr(ad, hint, None) or getattr(linalg, hint))


@in_turn([case for case in ELEMENTWISE if case.inputs])
def test_elementwise_functions_of_scalars_give_scalars(case: Case) -> None:
    scalars = [ad.Scalar(float(x.flat[0])) for x in case.inputs if x.size]
    assert all(type(out) is ad.Scalar for out in case.values(*scalars))


def test_hints_of_a_program(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    pytest.importorskip("mypy")
    program = tmp_path / "program.py"
    program.write_text((ROOT / "tests" / "typed_user.py").read_text())
    # From where an installed package would be, so that it needs its py.typed.
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    kept = pytestconfig.cache.mkdir("mypy")  # most of its time goes into numpy's hints
    options = ["--strict", "--config-file=", f"--cache-dir={kept}"]
    command = [sys.executable, "-m", "mypy", *options, program.name]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
