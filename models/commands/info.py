"""``autodiff info``: what is in use, what is installed, and where things are kept."""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

import autodiff as ad
from models.commands.common import Commands, examples
from models.data import DataError
from models.data.cache import cache_folder
from models.extras import EXTRAS
from models.folder import warning_in_a_line

__all__ = ["add"]

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def add(commands: Commands) -> None:
    """Add it to the commands."""
    info = commands.add_parser(
        "info",
        help="say what is in use, what is installed, and where things are kept",
        description="Say what is in use: versions, compiler, layout engines, extras, caches.",
        epilog=examples("info"),
    )
    info.set_defaults(parser=info, command=_info)


def _info(arguments: argparse.Namespace) -> None:
    parts = (_versions, _compiling, _drawing, _extras, _kept)
    with warning_in_a_line():
        for part in parts:
            for name, value in part():
                print(f"{name:14}{value}")


Rows = Iterator[tuple[str, str]]


def _versions() -> Rows:
    yield "autodiff", f"{ad.__version__} in {Path(ad.__file__).parent}"
    yield "python", f"{platform.python_version()} ({sys.executable})"
    yield "numpy", np.__version__
    yield "platform", platform.platform()
    threads = [f"{name}={os.environ[name]}" for name in THREADS if name in os.environ]
    yield "cores", ", ".join([str(os.cpu_count()), *threads])


def _compiling() -> Rows:
    compiler, bits, cache, size = ad.compiler.environment()
    yield (
        "C compiler",
        compiler or ("none: compiled functions run on numpy; pip install 'autodiff[native]'"),
    )
    yield "BLAS", f"of numpy or scipy, with integers of {bits} bits" if bits else "none"
    yield "compiled", f"{_megabytes(size)} in {cache}"


def _drawing() -> Rows:
    chosen = os.environ.get("AUTODIFF_DOT")
    engines = [path] if (path := shutil.which("dot")) else []
    engines += [f"{name} {v}" for name in ("graphviz-pure", "pygraphviz") if (v := _version(name))]
    found = ", ".join(engines) or "none: pip install 'autodiff[draw]'"
    yield "layout", f"{chosen} (AUTODIFF_DOT)" if chosen else found
    raster = _version("resvg-py")
    yield "PNG", f"resvg-py {raster}" if raster else "none: pip install 'autodiff[draw]'"


def _extras() -> Rows:
    for extra, packages in EXTRAS.items():
        versions = {name: _version(name) for name in packages}
        missing = [name for name, version in versions.items() if not version]
        hint = f"missing {', '.join(missing)}: pip install 'autodiff[{extra}]'"
        found = ", ".join(f"{name} {version}" for name, version in versions.items())
        yield f"[{extra}]", hint if missing else found
    is_terminal = sys.stderr is not None and sys.stderr.isatty()
    yield "progress bars", "yes" if is_terminal else "no: standard error is no terminal"


def _kept() -> Rows:
    try:
        folder = cache_folder()
        yield "data sets", f"{_megabytes(_size(folder))} in {folder}"
    except DataError as error:
        yield "data sets", str(error)


def _size(folder: Path) -> int:
    """Bytes of the files that can be seen, without those of compiled functions."""
    total = 0
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "native"]
        for name in names:
            with suppress(OSError):
                total += os.path.getsize(os.path.join(place, name))
    return total


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
