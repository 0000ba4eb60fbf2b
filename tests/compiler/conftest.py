"""Where tests keep what they build, and with what they build it."""

import functools
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autodiff.compiler.native import toolchain
from tests.compiler.standins import Standin


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A cache of compiled programs that is gone after the tests of a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTODIFF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def built_fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs are left as they are written, which takes a quarter of the time."""
    compiler = toolchain.find()
    if compiler is not None:
        plain = replace(compiler, flags=(*compiler.flags, "-O0"))
        monkeypatch.setattr(toolchain, "find", lambda: plain)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A cache, temporary files and a memory of the test's own."""
    monkeypatch.setenv("AUTODIFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("CC", raising=False)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    monkeypatch.setattr(toolchain, "_unkept", {})
    anew = functools.cache(toolchain._remembered.__wrapped__)
    monkeypatch.setattr(toolchain, "_remembered", anew)
    return tmp_path / "cache"


@pytest.fixture
def nothing_left(folder) -> Iterator[None]:
    """No test may leave temporary files."""
    yield
    assert os.listdir(folder.with_name("temporary")) == []
    assert not folder.is_dir() or [n for n in os.listdir(folder) if len(n) != 64] == []


@pytest.fixture
def standin(tmp_path, monkeypatch) -> Standin:
    """The compiler of ``$CC``."""
    made = Standin(tmp_path / "bin" / "standin")
    monkeypatch.setenv("CC", str(made.path))
    return made
