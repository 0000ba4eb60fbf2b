"""Lines of a text file, with errors that say where and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from models.data.split import DataError
from models.options import nearest

__all__ = ["malformed", "quoted", "read_lines", "require_there"]


LONGEST = 60
"""Characters of a line that an error message shows."""


def read_lines(path: Path) -> list[str]:
    """The lines of a file in UTF-8, without their ends.

    Raises
    ------
    DataError
        If the file is not there, is empty, or is in another encoding.
    OSError
        If it cannot be read.
    """
    require_there(path)
    text = _decoded(path)
    if not text.strip():
        raise DataError(f"{path}: expected lines of text, found an empty file")
    # Not splitlines(): it also cuts at signs that stand within a line, such as U+2028.
    return [line.rstrip("\r") for line in text.split("\n")]


def require_there(path: Path) -> None:
    """Raise a `DataError` with the most similar name if there is no such file or folder."""
    if not path.exists():
        folder = path.parent
        names = [other.name for other in folder.iterdir()] if folder.is_dir() else []
        raise DataError(f"{path}: no such file{nearest(path.name, names)}")


def malformed(path: Path, line: int, expected: str, found: str) -> NoReturn:
    """Raise the `DataError` for a line, counted from 1."""
    raise DataError(f"{path}:{line}: expected {expected}, found {found}")


def quoted(line: str) -> str:
    """A line for an error message, cut if it is long."""
    return repr(line if len(line) <= LONGEST else f"{line[: LONGEST - 3]}...")


def _decoded(path: Path) -> str:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        found = f"the byte 0x{error.object[error.start]:02x}; save the file as UTF-8"
        malformed(path, line, "text in UTF-8", found)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        malformed(path, line, "text in UTF-8", "a zero byte; save the file as UTF-8")
    return text
