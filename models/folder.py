"""The folder of a run: whether it can be written, whose run it holds, and how that goes on."""

from __future__ import annotations

import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from errno import EISDIR
from pathlib import Path
from typing import Any, TypeVar

import autodiff as ad
from models.checkpoint import CHECKPOINT, read_settings
from models.config import RunSettings
from models.interruption import StoppedError

__all__ = [
    "kept_settings", "require_ended", "require_writable", "saying_how_to_go_on",
    "warning_in_a_line",
]  # fmt: skip

S = TypeVar("S", bound=RunSettings)


def kept_settings(kind: type[S], out: Path, given: Mapping[str, Any]) -> S:
    """The settings of the run that a folder holds; those given must be the same.

    Raises
    ------
    DomainError
        If they are not, since the numbers would not be those of one uninterrupted run.
    FormatError or OSError
        If the folder has no readable checkpoint.
    """
    if not (out / CHECKPOINT).exists():
        raise ad.errors.FormatError(
            f"no run to resume: there is no {out / CHECKPOINT}; leave --resume out to start one"
        )
    kept, _ = read_settings(out / CHECKPOINT)
    try:
        settings = kind.read(kept)
    except ad.errors.FormatError as error:
        other = kept.get("model", kind.MODEL)
        whose = "other settings" if other == kind.MODEL else f"autodiff train {other}"
        raise ad.errors.FormatError(
            f"{out / CHECKPOINT} is the checkpoint of another kind of run: of {whose}"
        ) from error
    for name, value in given.items():
        if getattr(settings, name) != value:
            raise ad.errors.DomainError(
                f"the run in {out} has --{name.replace('_', '-')} {settings.shown(name)}: leave "
                "the option out to resume it, or start a new run with another --out"
            )
    return settings


def require_ended(out: Path) -> None:
    """Refuse to put a new run in the place of one that could go on.

    Raises
    ------
    DomainError
        If the folder holds one.
    """
    try:
        _, finished = read_settings(out / CHECKPOINT)
    except (ad.errors.FormatError, OSError):
        return  # there is none, or none that could go on
    if not finished:
        raise ad.errors.DomainError(
            f"{out} holds a run that has not come to its end: go on with it by --resume, keep it "
            "by another --out, or drop it by --overwrite"
        )


@contextmanager
def saying_how_to_go_on(settings: RunSettings, out: Path, what: str = "") -> Iterator[None]:
    """Add the command that goes on to what an interruption says."""
    try:
        yield
    except KeyboardInterrupt as stop:
        command = f"autodiff train {settings.MODEL} --out {shlex.quote(str(out))} --resume"
        raise StoppedError(f"{what or stop}; to go on: {command}") from stop


@contextmanager
def warning_in_a_line() -> Iterator[None]:
    """Warnings as a command says things, without a line of code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *where: print("autodiff:", message, file=sys.stderr)
        yield


def require_writable(out: Path, names: Iterable[str]) -> None:
    """Find out now, not after the training."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        for name in (CHECKPOINT, *names):
            if (out / name).is_dir():
                raise IsADirectoryError(EISDIR, f"{name} is a folder")
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        reason = f"no results can be written there ({why}); choose another --out"
        raise OSError(error.errno, reason, str(out)) from error
