"""Tables of vectors as C takes them, and threads that learn in copies of them."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["LANES", "Tables", "aligned", "built", "pointer"]

LANES = 16
"""Floats of a row come in multiples of this: 64 bytes."""

OFTEN = 5_000
"""Rows that threads tell each other of every few pieces. To be told of these rarely costs quality;
to be told of all rows often takes as long as the learning."""

Result = tuple[float, int]


class Tables:
    """Arrays of float32 that threads learn in, each in its own copies.

    What all threads have added to a row is added up: for the rows that change most, the first ones,
    every few pieces, for all rows at the end of a round. So the result depends on the number of
    threads, but not on which one is faster.

    Parameters
    ----------
    arrays : sequence of ndarray, shape (rows, size)
        The rows of common words first.
    threads : int
    """

    def __init__(self, arrays: Sequence[np.ndarray], threads: int = 1) -> None:
        self.threads = threads
        self.arrays = [aligned(array) for array in arrays]
        copies = threads if threads > 1 else 0
        self._copies = [list(map(aligned, self.arrays)) for _ in range(copies)]
        self._pool = ThreadPoolExecutor(threads)
        self._merge = built(["rows.h", "merge.c"], STRIDE=LANES).merge
        self._common, self._all = self._parts(OFTEN), self._parts(None)

    def learn(
        self, pieces: Sequence[Any], step: Callable[[Any, list[np.ndarray]], Result], each: int = 1
    ) -> list[Result]:
        """What `step` gives for each piece, after it has changed the tables.

        Each thread learns from `each` pieces before the threads tell each other of common rows.
        """
        if self.threads == 1:
            return [step(piece, self.arrays) for piece in pieces]

        def work(share: np.ndarray, tables: list[np.ndarray]) -> list[Result]:
            return [step(pieces[i], tables) for i in share]

        found: list[Result] = []
        for i in range(0, len(pieces), each * self.threads):
            at_once = range(len(pieces))[i : i + each * self.threads]
            shares = np.array_split(at_once, self.threads)
            found += chain.from_iterable(self._pool.map(work, shares, self._copies))
            self._agree(self._common)
        self._agree(self._all)
        return found

    def _agree(self, parts: list[tuple[Any, ...]]) -> None:
        list(self._pool.map(lambda part: self._merge(*part), parts))

    def _parts(self, rows: int | None) -> list[tuple[Any, ...]]:
        """What `merge` takes: of each table a part for each thread."""
        found = []
        for tables in zip(self.arrays, *self._copies):
            split = [np.array_split(table[:rows].reshape(-1), self.threads) for table in tables]
            for old, *copies in zip(*split):
                pointers = (ctypes.c_void_p * len(copies))(*(copy.ctypes.data for copy in copies))
                sizes = ctypes.c_int64(len(copies)), ctypes.c_int64(len(old))
                found.append((pointer(old), pointers, *sizes))
        return found

    def fill(self, arrays: Sequence[np.ndarray]) -> None:
        """Put other values into the tables."""
        for tables in (self.arrays, *self._copies):
            for table, array in zip(tables, arrays):
                table[:, : array.shape[1]] = array


def aligned(array: np.ndarray) -> np.ndarray:
    """A copy whose rows begin at multiples of 64 bytes, with zeros after their ends."""
    rows, size = array.shape
    stride = -(-size // LANES) * LANES
    memory = np.zeros(rows * stride + LANES, np.float32)
    shift = -memory.ctypes.data % 64 // 4
    out = memory[shift : shift + rows * stride].reshape(rows, stride)
    out[:, :size] = array
    return out


def built(files: Sequence[str], **sizes: int) -> ctypes.CDLL:
    """The library of some files of ``c/``, with sizes defined in front of them.

    Raises
    ------
    CompilerError
        If there is no C compiler.
    """
    folder = Path(__file__).with_name("c")
    numbers = "\n".join(f"#define {name} {int(size)}" for name, size in sizes.items())
    texts = [(folder / name).read_text("utf-8") for name in files]
    return ad.compiler.library("\n".join([numbers, *texts]))


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """Where an array begins."""
    return ctypes.c_void_p(array.ctypes.data)
