"""Packages that only some commands need, imported when they are, with a clear word if absent."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import autodiff as ad

__all__ = ["EXTRAS", "MissingExtraError", "folder_of", "need"]

EXTRAS = {
    "io": ("safetensors",),
    "draw": ("graphviz-pure", "matplotlib", "resvg-py"),
    "draw-full": ("pygraphviz",),
    "native": ("ziglang",),
    "train": ("sacrebleu", "scikit-learn", "scipy", "shtab", "threadpoolctl", "tqdm"),
    "test": ("hypothesis",),
}
"""The packages that commands need, by the extra that brings them."""


class MissingExtraError(ad.errors.AutodiffError, ImportError):
    """A package of an extra is not installed."""


def need(module: str, purpose: str, extra: str = "train") -> ModuleType:
    """Import a module of an extra.

    Parameters
    ----------
    module : str
        Dotted name, as in ``import``.
    purpose : str
        What it is needed for, completing "... needs".
    extra : str

    Raises
    ------
    MissingExtraError
        If its package is not installed.
    """
    folder_of(module.split(".")[0], purpose, extra)
    return importlib.import_module(module)


def folder_of(package: str, purpose: str, extra: str = "train") -> Path:
    """The folder in which `package` is installed, found without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        name = {"sklearn": "scikit-learn"}.get(package, package)
        raise MissingExtraError(
            f"{purpose} needs {name}, which is not installed: pip install 'autodiff[{extra}]'"
        )
    return Path(spec.origin).parent
