"""``autodiff info``: versions of all that is in use."""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import platform
from pathlib import Path

import numpy as np

import autodiff as ad
from models.commands.common import Commands

__all__ = ["add"]


def add(commands: Commands) -> None:
    info = commands.add_parser("info", help="versions of all that is in use")
    info.set_defaults(parser=info, command=_info)


def _info(arguments: argparse.Namespace) -> None:
    rows = {"autodiff": ad.__version__, "python": platform.python_version(),
            "numpy": np.__version__}  # fmt: skip
    rows |= {
        name: _version(name)
        for name in (
            "safetensors",
            "matplotlib",
            "graphviz-pure",
            "resvg-py",
            "scikit-learn",
            "tqdm",
            "threadpoolctl",
        )
    }
    rows |= {"platform": platform.platform(), "installed in": str(Path(ad.__file__).parent)}
    for name, value in (rows | _compiling()).items():
        print(f"{name:14}{value}")


def _compiling() -> dict[str, str]:
    """What compiled functions are built with, and where they are kept."""
    # To look for a compiler takes time, which no other command is to spend.
    toolchain, blas, cache = (
        importlib.import_module(f"autodiff.compiler.{name}")
        for name in ("toolchain", "blas", "build_cache")
    )
    compiler, found, folder = toolchain.find(), blas.find(), cache.cache_folder()
    none = "none: compiled functions run on numpy"
    return {
        "C compiler": f"{compiler.command[0]}: {compiler.name}" if compiler else none,
        "BLAS": f"of numpy or scipy, with integers of {found.int_bits} bits" if found else "none",
        "compiled": f"{_megabytes(folder):.1f} MB in {folder}",
    }


def _megabytes(folder: Path) -> float:
    """Of all files in it; 0 where there is none."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: pip install 'autodiff[train]'"
