"""Where in the memory of a call each array lies: those that are never needed together share."""

from __future__ import annotations

from bisect import insort

from autodiff.compiler.native.storage import Storage

__all__ = ["LINE", "laid_out"]

LINE = 64
"""Bytes that come into the cache together."""


def laid_out(lives: dict[Storage, tuple[int, int]]) -> int:
    """Give each storage its offset; returns the number of bytes in all.

    Parameters
    ----------
    lives : dict
        For each storage the first and the last piece of work that touches it.
    """
    placed: list[tuple[int, int, int, int]] = []
    total = 0
    for storage in sorted(lives, key=lambda s: -s.size * s.dtype.itemsize):
        first, last = lives[storage]
        size = -(-max(storage.size * storage.dtype.itemsize, 1) // LINE) * LINE
        storage.offset = _gap(placed, first, last, size)
        insort(placed, (storage.offset, storage.offset + size, first, last))
        total = max(total, storage.offset + size)
    return total


def _gap(placed: list[tuple[int, int, int, int]], first: int, last: int, size: int) -> int:
    """The lowest offset at which nothing lies in that time."""
    at = 0
    for start, stop, begins, ends in placed:
        if begins <= last and first <= ends:
            if start - at >= size:
                return at
            at = max(at, stop)
    return at
