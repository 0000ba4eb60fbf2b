"""word2vec's steps in C, one example after the other."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.word_learning.draws import Draws, Examples, Piece
from models.word_learning.tables import LANES, built, pointer

__all__ = ["Native"]


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
        self.draws = draws
        self.questions = tree.nodes.shape[1] if tree else 1 + draws.window.negatives
        window = draws.window
        self._library = built(
            ("rows.h", "word2vec.c"), STRIDE=-(-size // LANES) * LANES, WINDOW=window.size,
            SHRINK=window.shrink, QUESTIONS=self.questions, BAG=draws.is_bag,
            TREE=tree is not None, WHOLE=whole_error,
        )  # fmt: skip
        columns = draws.table["other"].astype(np.uint64) << np.uint64(32) | draws.table["limit"]
        self._held = [draws.keep, columns, *(self._paths(tree) if tree else ())]
        pointers = [array.ctypes.data for array in self._held]
        self._setting = _Setting(*pointers, *[None] * (5 - len(pointers)), len(draws.counts))
        self._learn = _function(self._library.learn_chunk, 2, ctypes.c_float, ctypes.c_void_p)
        self._draw = _function(self._library.draw_chunk, 2)

    def _paths(self, tree: Any) -> list[np.ndarray]:
        wide = -(-self.questions // LANES) * LANES
        signs = np.zeros((len(tree.signs), wide), np.float32)
        signs[:, : self.questions] = tree.signs
        return [tree.nodes, signs, tree.lengths.astype(np.int32)]

    def learn(self, piece: Piece, tables: Sequence[np.ndarray]) -> tuple[float, int]:
        """Learn from a chunk; gives the sum of the losses, and the number of examples."""
        ids, keys, rate = piece
        loss, space = ctypes.c_double(), np.empty(2 * len(ids), np.int32)
        where = (pointer(keys), pointer(ids), len(ids), pointer(space))
        count = self._learn(
            ctypes.byref(self._setting), *where, *map(pointer, tables), rate, ctypes.byref(loss)
        )
        return loss.value, count

    def examples(self, ids: np.ndarray, keys: np.ndarray) -> Examples:
        """What it draws from a chunk, which are the examples of `Draws`."""
        slots = 2 * self.draws.window.size
        most = len(ids) * (1 if self.draws.is_bag else slots)
        inputs = np.empty((most, slots if self.draws.is_bag else 1), np.int32)
        outputs = np.empty((most, self.questions if self.draws.has_noise else 1), np.int32)
        space = np.empty(2 * len(ids), np.int32)
        where = (pointer(keys), pointer(ids), len(ids), pointer(space))
        count = self._draw(ctypes.byref(self._setting), *where, pointer(inputs), pointer(outputs))
        squeezed = (x[:, 0] if x.shape[1] == 1 else x for x in (inputs[:count], outputs[:count]))
        return Examples(*squeezed)


def _function(function: Any, arrays: int, *more: Any) -> Any:
    """With the types of setting, keys, ids, their number, space, and what follows."""
    P = ctypes.c_void_p
    function.argtypes = [P, P, P, ctypes.c_int64, P, *[P] * arrays, *more]
    function.restype = ctypes.c_int64
    return function
