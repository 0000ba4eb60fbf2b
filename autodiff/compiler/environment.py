"""What compiled functions are built with, and where they are kept."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from autodiff.compiler.native import blas, build_cache, toolchain

__all__ = ["Environment", "environment"]


class Environment(NamedTuple):
    """What has been found on this machine.

    Attributes
    ----------
    compiler : str or None
        The C compiler's command and version; after that why the one that ``$CC`` names is not it.
    blas_bits : int or None
        The size of integers of the matrix products that numpy or scipy carry.
    cache : Path
        The folder of machine code.
    size : int
        Bytes in it.
    """

    compiler: str | None
    blas_bits: int | None
    cache: Path
    size: int


def environment() -> Environment:
    """Look for a compiler, matrix products and the cache.

    Returns
    -------
    Environment
    """
    compiler, found, folder = toolchain.working(), blas.find(), build_cache.cache_folder()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    name = f"{compiler.command[0]}: {compiler.name}" if compiler else None
    if name and (reason := toolchain.passed_over()):
        name += f" (CC does not work: {reason})"
    return Environment(name, found.int_bits if found else None, folder, size)
