"""word2vec's steps in C, one example after the other."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.word_learning.draws import Draws, Examples

__all__ = ["Native", "aligned"]

SOURCE = Path(__file__).with_name("word2vec.c")
LANES = 16
"""Floats of a row come in multiples of this: 64 bytes."""


class _Setting(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_void_p) for name in ("keep", "noise", "nodes", "signs", "lengths")
    ] + [("words", ctypes.c_uint64)]  # fmt: skip


class Native:
    """The loop over a text for a model.

    Parameters
    ----------
    draws : Draws
    size : int
        Length of a vector.
    tree : Huffman or None
    whole_error : bool
        Of a `CBOW`.

    Raises
    ------
    CompilerError
        If there is no C compiler.
    """

    def __init__(
        self, draws: Draws, size: int, tree: Any = None, whole_error: bool = False
    ) -> None:
        self.draws, self.stride = draws, -(-size // LANES) * LANES
        self.questions = tree.nodes.shape[1] if tree else 1 + draws.window.negatives
        sizes = self._sizes(tree is not None, whole_error)
        self.source = f"{sizes}\n{SOURCE.read_text('utf-8')}"
        self._library = ad.compiler.library(self.source)
        self._held = [draws.keep, draws.table, *(self._paths(tree) if tree else ())]
        pointers = [array.ctypes.data for array in self._held]
        self._setting = _Setting(*pointers, *[None] * (5 - len(pointers)), len(draws.counts))
        for function in (self._library.learn_chunk, self._library.draw_chunk):
            function.restype = ctypes.c_int64

    def _sizes(self, has_tree: bool, whole_error: bool) -> str:
        window = self.draws.window
        numbers = {
            "STRIDE": self.stride, "WINDOW": window.size, "SHRINK": int(window.shrink),
            "QUESTIONS": self.questions, "BAG": int(self.draws.is_bag), "TREE": int(has_tree),
            "WHOLE": int(whole_error),
        }  # fmt: skip
        return "\n".join(f"#define {name} {number}" for name, number in numbers.items())

    def _paths(self, tree: Any) -> list[np.ndarray]:
        wide = -(-self.questions // LANES) * LANES
        signs = np.zeros((len(tree.signs), wide), np.float32)
        signs[:, : self.questions] = tree.signs
        return [tree.nodes, signs, tree.lengths.astype(np.int32)]

    def learn(
        self, ids: np.ndarray, keys: np.ndarray, tables: list[np.ndarray], rate: float
    ) -> tuple[float, int]:
        """Learn from a chunk; gives the sum of the losses, and the number of examples."""
        loss, space = ctypes.c_double(), np.empty(2 * len(ids), np.int32)
        count = self._library.learn_chunk(
            ctypes.byref(self._setting), _at(keys), _at(ids), ctypes.c_int64(len(ids)), _at(space),
            *map(_at, tables), ctypes.c_float(rate), ctypes.byref(loss),
        )  # fmt: skip
        return loss.value, count

    def merge(self, old: np.ndarray, *copies: np.ndarray) -> None:
        """Add to `old` what each copy has added to it, and make the copies the same."""
        pointers = (ctypes.c_void_p * len(copies))(*(copy.ctypes.data for copy in copies))
        self._library.merge(
            _at(old), pointers, ctypes.c_int64(len(copies)), ctypes.c_int64(len(old))
        )

    def examples(self, ids: np.ndarray, keys: np.ndarray) -> Examples:
        """What it draws from a chunk, which are the examples of `Draws`."""
        slots = 2 * self.draws.window.size
        most = len(ids) * (1 if self.draws.is_bag else slots)
        inputs = np.empty((most, slots if self.draws.is_bag else 1), np.int32)
        outputs = np.empty((most, self.questions if self.draws.has_noise else 1), np.int32)
        space = np.empty(2 * len(ids), np.int32)
        count = self._library.draw_chunk(
            ctypes.byref(self._setting), _at(keys), _at(ids), ctypes.c_int64(len(ids)), _at(space),
            _at(inputs), _at(outputs),
        )  # fmt: skip
        squeezed = (x[:, 0] if x.shape[1] == 1 else x for x in (inputs[:count], outputs[:count]))
        return Examples(*squeezed)


def _at(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def aligned(table: np.ndarray) -> np.ndarray:
    """A copy whose rows begin at multiples of 64 bytes, with zeros after their ends."""
    rows, size = table.shape
    stride = -(-size // LANES) * LANES
    memory = np.zeros(rows * stride + LANES, np.float32)
    shift = -memory.ctypes.data % 64 // 4
    out = memory[shift : shift + rows * stride].reshape(rows, stride)
    out[:, :size] = table
    return out
