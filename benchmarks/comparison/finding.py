"""What a probe finds: yes, no, partly, or that the question has no sense for the library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Finding", "absent", "documented", "judge", "partly", "refused"]


class Finding(NamedTuple):
    """An answer for a cell of the table, and what was seen."""

    answer: str
    note: str = ""


Probe = Callable[[], "Finding | None"]


def partly(note: str) -> Finding:
    """It works with the restriction that the note tells."""
    return Finding("partly", note)


def absent(note: str = "it has no such function") -> Finding:
    """There is nothing to try."""
    return Finding("no", note)


def documented(link: str) -> Finding:
    """Not tried; the project's own documentation says so."""
    return Finding("yes", f"by its documentation: {link}")


def refused(attempt: Callable[[], Any]) -> Finding | None:
    """An error in place of a wrong number; None if the attempt goes through."""
    try:
        attempt()
    except Exception as error:
        return Finding("yes", f"refused: {message(error)}")
    return None


def judge(probe: Probe) -> Finding:
    """Run a probe: without an error the answer is yes, else no, and the message is kept."""
    try:
        return probe() or Finding("yes")
    except Exception as error:
        return Finding("no", message(error))


def message(error: Exception) -> str:
    """The first sentence of an error, not too long; that of an assertion without its name."""
    text = str(error).strip().partition("\n")[0].partition(". ")[0]
    name = "" if isinstance(error, AssertionError) and text else f"{type(error).__name__}: "
    return f"{name}{text}".rstrip(": ")[:160]
