"""Compilers that stand in for the real one, and a kernel to build."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

import pytest

from autodiff.compiler.native import toolchain

__all__ = []

CC = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), "")
PATH = os.environ.get("PATH", "")

needs_a_shell = [
    pytest.mark.skipif(os.name == "nt", reason="the stand-ins are scripts of a Unix shell"),
    pytest.mark.skipif(not CC, reason="there is no C compiler"),
]

SOURCE = "double twice(double x) { return 2 * x; }\n"


class Standin:
    """A script in place of a compiler, which notes down each start and then calls the real one."""

    def __init__(self, path: Path, first: str = "") -> None:
        self.path = path
        self.log = path.with_name(f"{path.name}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(first)

    def write(self, first: str) -> None:
        """Make a script that does `first` before all else."""
        lines = ["#!/bin/sh", f'echo "$*" >> "{self.log}"', f"PATH='{PATH}'", first]
        self.path.write_text("\n".join([*lines, f'exec {CC} "$@"\n']))
        self.path.chmod(0o755)

    @property
    def builds(self) -> int:
        """How often it was started to build `SOURCE` or a probe."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sum("-shared" in line for line in lines)


def alone(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Leave only the programs of this folder to be found."""
    folder.mkdir(parents=True, exist_ok=True)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(toolchain, "find_spec", lambda name: None)


def works(library: ctypes.CDLL) -> bool:
    library.twice.restype = ctypes.c_double
    return library.twice(ctypes.c_double(2.5)) == 5.0


def kernels(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/kernel.*[!c]"))
