"""Files on the web, downloaded so that what has come is not lost when the line breaks."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from models.data.cache import FetchError, by_hand
from models.data.catalogue import File

__all__ = ["download"]

BLOCK = 2**16
"""Bytes."""

PATIENCE = 30
"""Seconds without a byte."""

BEYOND_END = 416
"""Status of an answer: what has come is longer than the file, and so no beginning of it."""


def download(url: str, file: File, part: Path, tell: Callable[[int], object]) -> bytes:
    """What is at an address.

    Parameters
    ----------
    url : str
    file : File
        What is expected there.
    part : Path
        Where the bytes are kept that have come so far. If it is there the download goes on from
        its end, or starts anew where the server cannot do that.
    tell : callable
        Is told the number of bytes that have come, again and again.

    Raises
    ------
    FetchError
        If the download breaks off or does not begin.
    OSError
        If the bytes cannot be written.
    """
    if not part.exists() or part.stat().st_size < file.size:
        _go_on(url, file, part, tell)
    if part.stat().st_size < file.size:
        _fail(url, file, f"broke off after {part.stat().st_size:,} of {file.size:,} bytes")
    return part.read_bytes()


def _go_on(url: str, file: File, part: Path, tell: Callable[[int], object]) -> None:
    start = part.stat().st_size if part.exists() else 0
    wanted = {"Range": f"bytes={start}-"} if start else {}
    request = urllib.request.Request(url, headers=wanted)
    try:
        answer = urllib.request.urlopen(request, timeout=PATIENCE)
    except (OSError, http.client.HTTPException) as error:
        if getattr(error, "code", None) == BEYOND_END:
            part.unlink()
        reason = getattr(error, "reason", error)
        _fail(url, file, str(getattr(reason, "strerror", None) or reason))
    with answer, part.open("ab" if answer.status == 206 else "wb") as target:
        while block := _next(url, file, answer):
            target.write(block)
            tell(len(block))


def _next(url: str, file: File, answer: http.client.HTTPResponse) -> bytes:
    try:
        return answer.read(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        _fail(url, file, f"broke off: {error}")


def _fail(url: str, file: File, why: str) -> NoReturn:
    raise FetchError(f"{url}: {why}; run the command again, {by_hand([file])}")
