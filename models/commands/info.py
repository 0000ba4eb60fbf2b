"""``autodiff info``: versions of all that is in use."""

from __future__ import annotations

import argparse
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
    compiler, bits, cache, size = ad.compiler.environment()
    return {
        "C compiler": compiler or "none: compiled functions run on numpy",
        "BLAS": f"of numpy or scipy, with integers of {bits} bits" if bits else "none",
        "compiled": f"{size / 1e6:.1f} MB in {cache}",
    }


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: pip install 'autodiff[train]'"
