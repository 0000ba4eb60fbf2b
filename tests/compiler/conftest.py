"""Where tests keep what they build."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from autodiff.compiler.native import toolchain


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
