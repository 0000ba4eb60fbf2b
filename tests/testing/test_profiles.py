"""Hypothesis's profiles, and the package where Hypothesis is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import HealthCheck, Verbosity, settings

from autodiff.testing import register_profiles

EXAMPLES = {"smoke": 5, "ci": 25, "intense": 1000, "debug": 10}
WITHOUT = """
import sys
sys.modules["hypothesis"] = None  # an import of it fails
import autodiff.testing
from autodiff.testing import check_gradients
import numpy as np
print(check_gradients(np.sin, np.ones(2)).ok)
for name in ("gradient_test", "grad_arrays", "op_cases", "register_profiles"):
    try:
        getattr(autodiff.testing, name)
    except ImportError as error:
        print(error)
"""


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_four_profiles(name: str) -> None:
    profile = settings.get_profile(name)
    assert profile.max_examples == EXAMPLES[name]
    assert profile.deadline is None
    assert HealthCheck.too_slow in profile.suppress_health_check
    assert (profile.verbosity is Verbosity.verbose) == (name == "debug")


ENVIRONMENTS: list[tuple[dict[str, str], str, tuple[str, int, bool]]] = [
    ({}, "ci", ("ci", 25, False)),
    ({"CI": "true"}, "ci", ("ci", 25, True)),
    ({}, "smoke", ("smoke", 5, False)),
    ({"HYPOTHESIS_PROFILE": "intense", "CI": "true"}, "smoke", ("intense", 1000, False)),
]


@pytest.mark.parametrize(("environment", "default", "expected"), ENVIRONMENTS)
def test_the_environment_chooses(
    environment: dict[str, str], default: str, expected: tuple[str, int, bool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with monkeypatch.context() as patch:
        for name in ("CI", "HYPOTHESIS_PROFILE"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        register_profiles(default)
        found = settings.get_current_profile_name(), settings().max_examples, settings().derandomize
    register_profiles()  # as tests/conftest.py does
    assert found == expected


def test_without_hypothesis_only_the_check_is_left() -> None:
    run = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True)
    assert not run.returncode, run.stderr
    ok, *errors = run.stdout.splitlines()
    assert ok == "True"
    assert len(errors) == 4
    assert all("needs Hypothesis: pip install hypothesis" in error for error in errors)
