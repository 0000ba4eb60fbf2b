"""A cache folder of the test's own, and tiny archives in the place of the real ones."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from models.data import CATALOGUE

Place = Callable[..., list[Path]]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("AUTODIFF_DATA", str(folder))
    return folder


@pytest.fixture
def place(cache: Path, expect: Callable[..., None]) -> Place:
    """Put files into the cache as those of a corpus; the catalogue is told their checksums."""

    def put(name: str, *contents: bytes) -> list[Path]:
        expect(name, *contents)
        paths = [cache / file.path for file in CATALOGUE[name].files]
        for path, content in zip(paths, contents):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return paths

    return put


@pytest.fixture
def expect(cache: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make the catalogue expect these contents of a corpus."""

    def change(name: str, *contents: bytes) -> None:
        old = CATALOGUE[name]
        files = tuple(
            file._replace(sha256=hashlib.sha256(content).hexdigest(), size=len(content))
            for file, content in zip(old.files, contents, strict=True)
        )
        monkeypatch.setitem(CATALOGUE, name, replace(old, files=files))

    return change


def tarred(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def zipped(members: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
