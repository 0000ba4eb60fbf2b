"""Engines that lay out DOT text: found among what is installed, each run as its own process."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from autodiff.draw.fit import fit
from autodiff.errors import AutodiffError, DomainError

__all__ = [
    "DrawingError",
    "Engine",
    "LayoutFailedError",
    "LayoutTimeoutError",
    "MissingEngineError",
    "engines",
    "find",
    "render",
]

VARIABLE = "AUTODIFF_DOT"
"""The environment variable with the path of an engine, or ``none``."""


class DrawingError(AutodiffError, RuntimeError):
    """A picture that could not be drawn."""


class MissingEngineError(DrawingError):
    """A picture that needs a program or a font that is not installed."""


class LayoutFailedError(DrawingError):
    """A layout that an engine failed at; it may succeed at a simpler one."""


class LayoutTimeoutError(DrawingError):
    """A layout that took too long, and was stopped."""


@dataclass(frozen=True)
class Engine:
    """A program that lays out DOT text.

    Attributes
    ----------
    name : str
        ``dot``, ``graphviz-pure`` or ``pygraphviz``; of an engine given by path, its file name.
    command : tuple of str
        What to run, up to the options that all engines share with `dot`.
    formats : tuple of str
        Those of ``svg`` and ``pdf`` that it can write.
    """

    name: str
    command: tuple[str, ...]
    formats: tuple[str, ...] = ("svg", "pdf")


def find(explicit: str | None = None) -> Engine | None:
    """The first engine that there is, or None.

    Looked for are, in this order: `explicit`; the environment variable ``AUTODIFF_DOT``; ``dot``
    on the path; ``graphviz-pure`` next to the running interpreter, then on the path; pygraphviz.

    Parameters
    ----------
    explicit : str, optional
        A path or command; ``"none"``, here as in the variable, means no engine at all.

    Raises
    ------
    MissingEngineError
        If `explicit` or the variable names something that cannot be run.
    """
    return next(_chain(explicit), None)


def engines() -> list[Engine]:
    """All engines that there are, the one that `find` would choose first."""
    return list(dict.fromkeys(_chain()))


def _chain(explicit: str | None = None) -> Iterator[Engine]:
    chosen = explicit or os.environ.get(VARIABLE)
    if chosen == "none":
        return
    if chosen:
        yield _chosen(chosen, "the engine" if explicit else VARIABLE)
    scripts = sysconfig.get_path("scripts")
    for name, folders in ("dot", None), ("graphviz-pure", scripts), ("graphviz-pure", None):
        if path := shutil.which(name, path=folders):
            yield _executable(path)
    if importlib.util.find_spec("pygraphviz"):
        script = Path(__file__).with_name("pygraphviz_dot.py")
        yield Engine("pygraphviz", (sys.executable, str(script)))


def _chosen(command: str, source: str) -> Engine:
    path = shutil.which(command)
    if path is None:
        raise MissingEngineError(
            f"{source} is {command!r}, which is not a program that can be run: "
            "give the path of dot or graphviz-pure, or 'none'"
        )
    return _executable(path)


def _executable(path: str) -> Engine:
    name = Path(path).resolve().stem  # of what a link called dot points to
    return Engine(name, (path,), ("svg",)) if name == "graphviz-pure" else Engine(name, (path,))


def render(
    dot: str, format: str = "svg", engine: Engine | None = None, timeout: float = 10.0
) -> bytes:
    """Lay out and draw `dot`.

    Parameters
    ----------
    dot : str
    format : {"svg", "pdf"}
        An SVG is UTF-8 text that can be put inside HTML as it is, its text fitted by `fit`.
    engine : Engine, optional
        By default the first one, in the order of `find`, that can write `format`.
    timeout : float
        Seconds after which the engine is stopped.

    Raises
    ------
    MissingEngineError
        If no engine can write `format`.
    LayoutTimeoutError
        If the engine needs more than `timeout`.
    LayoutFailedError
        If the engine fails, or reports that something in `dot` is wrong.
    """
    if format not in ("svg", "pdf"):
        raise DomainError(f"format must be 'svg' or 'pdf', not {format!r}")
    candidates = iter([engine]) if engine else _chain()
    able = next((each for each in candidates if format in each.formats), None)
    if able is None:
        raise MissingEngineError(_missing(format))
    picture = _run(able, format, dot, timeout)
    return picture if format == "pdf" else _inline(able, picture).encode()


def _missing(format: str) -> str:
    if os.environ.get(VARIABLE) == "none":
        return f"drawing needs a layout engine, and {VARIABLE} is 'none'"
    if format == "pdf":
        return "PDF needs the program dot, or pygraphviz: pip install 'autodiff[draw-full]'"
    return "drawing needs a layout engine: pip install 'autodiff[draw]'"


def _inline(engine: Engine, picture: bytes) -> str:
    """Without what must not stand inside of HTML: the declarations before the picture."""
    _, tag, svg = picture.partition(b"<svg")
    try:
        text = (tag + svg).decode()
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise LayoutFailedError(f"{engine.name} failed: what it wrote is no SVG in UTF-8")
    return fit(text)


def _run(engine: Engine, format: str, dot: str, timeout: float) -> bytes:
    try:
        status, picture, report = _communicate(
            (*engine.command, "-Kdot", f"-T{format}"), dot.encode(), timeout
        )
    except subprocess.TimeoutExpired:
        raise LayoutTimeoutError(
            f"{engine.name} was stopped after {timeout:g} s: draw less, or give it more time"
        ) from None
    except OSError as problem:
        raise DrawingError(f"{engine.name} cannot be started: {problem}") from problem
    failure = _failure(status, report.decode(errors="replace"))
    if failure or not picture:
        raise LayoutFailedError(f"{engine.name} failed: {failure or 'it wrote nothing'}")
    return picture


def _communicate(command: tuple[str, ...], text: bytes, timeout: float) -> tuple[int, bytes, bytes]:
    """Exit status, output and standard error; nothing is left running, whatever happens."""
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
    ) as process:
        try:
            picture, report = process.communicate(text, timeout)
        except BaseException:
            _kill(process)
            raise
    return process.returncode, picture, report


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End `process`, and where the system knows groups, all that it has started."""
    if hasattr(os, "killpg"):
        os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()


def _failure(status: int, report: str) -> str | None:
    """What went wrong, in one line. Engines warn a lot, and can fail with status 0."""
    lines = [line.strip() for line in report.splitlines() if line.strip()]
    wrong = [line for line in lines if re.search(r"Error:|unrecognized", line)]
    if wrong or not status:
        return wrong[0] if wrong else None
    return next((line for line in lines if "Warning" not in line), f"exit status {status}")
