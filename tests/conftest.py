"""Hypothesis's profiles, and a fixture that fails every test which leaves a setting changed."""

import contextvars
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autodiff.testing import register_profiles
from tests.states import FORMATS

register_profiles()


def pytest_configure(config: pytest.Config) -> None:
    """Machine code that tests build goes to a folder of this run, for all of its processes."""
    if "AUTODIFF_CACHE" not in os.environ:
        os.environ["AUTODIFF_CACHE"] = folder = tempfile.mkdtemp(prefix="autodiff-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def _settings_now() -> dict[str, Any]:
    """Every context variable that is set: recording, numpy's error handling and print options."""
    # The standard library sets decimal's by itself, at the first use.
    return {
        variable.name: value
        for variable, value in contextvars.copy_context().items()
        if variable.name != "decimal_context"
    }


@pytest.fixture(autouse=True)
def no_leaked_settings() -> Iterator[None]:
    """Fail a test that leaves a context variable other than it found it."""
    before = _settings_now()
    yield
    after = _settings_now()
    leaked = sorted(name for name in before | after if before.get(name) is not after.get(name))
    assert not leaked, f"the test changed these settings and did not put them back: {leaked}"


@pytest.fixture(params=FORMATS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a model may be saved, in each format."""
    return tmp_path / f"model.{request.param}"
