"""Corpora brought from where they are at home, each file verified before it gets its name."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import autodiff as ad
from models.data.cache import (
    FetchError,
    by_hand,
    cache_folder,
    dataset,
    missing,
    path_of,
    sha256,
)
from models.data.catalogue import Address, File, Package
from models.data.clients import contents
from models.data.download import download
from models.data.split import DataError
from models.extras import need

__all__ = ["files_of"]

Tell = Callable[[int], object]
"""What is told how many more bytes have come."""


def files_of(name: str, fetch: bool = False) -> list[Path]:
    """The files of a corpus in the order of the catalogue.

    Parameters
    ----------
    name : str
        A name in the catalogue.
    fetch : bool
        Bring those that are not here.

    Raises
    ------
    DataError
        If one is not here, or damaged.
    FetchError
        If one cannot be fetched.
    """
    absent = missing(name)
    if absent and fetch:
        _fetch(name, absent)
    elif absent:
        path = path_of(absent[0])
        state = "is damaged" if path.exists() else "is not there"
        raise DataError(f"{path} {state}: run autodiff data fetch {name}")
    return [path_of(file) for file in dataset(name).files]


def _fetch(name: str, files: Sequence[File]) -> None:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _progress(name, sum(file.size for file in files)) as tell:
            for origin, group in groupby(files, lambda file: file.origin):
                _bring(origin, list(group), folder, tell)
    except OSError as error:
        why = f"{name} cannot be kept there ({error.strerror or error})"
        reason = f"{why}; the environment variable AUTODIFF_DATA names another folder"
        raise OSError(error.errno, reason, str(folder)) from error


@contextmanager
def _progress(name: str, total: int) -> Iterator[Tell]:
    """What is to be told how many bytes have come; it draws a bar where somebody looks."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda size: None
        return
    tqdm = need("tqdm", "the progress bar").tqdm
    with tqdm(desc=name, total=total, unit="B", unit_scale=True, leave=False) as bar:
        yield bar.update


def _bring(origin: Package | Address, files: Sequence[File], folder: Path, tell: Tell) -> None:
    if isinstance(origin, Address):
        _bring_page(origin.url, files[0], tell)
    else:
        _bring_package(origin, files, folder, tell)


def _bring_package(origin: Package, files: Sequence[File], folder: Path, tell: Tell) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".fetch-") as empty:
        for file, content in zip(files, contents(origin, files, Path(empty))):
            _keep(file, content)
            tell(file.size)


def _bring_page(url: str, file: File, tell: Tell) -> None:
    path = path_of(file)
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    content = download(url, file, part, tell)
    part.unlink()  # it is whole: kept under its own name, or of no use
    _keep(file, content)


def _keep(file: File, content: bytes) -> None:
    found = sha256(content)
    if found != file.sha256:
        raise FetchError(
            f"{file.path}: expected SHA-256 {file.sha256}, found {found}; nothing of it is kept: "
            f"try again, {by_hand([file])}"
        )
    path_of(file).parent.mkdir(exist_ok=True)
    ad.io.replace(path_of(file), content)
