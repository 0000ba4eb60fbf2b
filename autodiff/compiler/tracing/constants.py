"""What programs hold of the arrays that stay what they are."""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from autodiff.compiler.tracing.program import named

__all__ = ["Constants"]


class Constants:
    """Copies of constant arrays: each one again, as long as the array is what it was."""

    def __init__(self) -> None:
        self._copies: dict[int, tuple[ref[np.ndarray], np.ndarray]] = {}

    def own(self, leaf: Any) -> Any:
        """What a program holds of an argument.

        A value; of a constant array a copy as it is now, since its owner may write into it.
        """
        if not isinstance(leaf, np.ndarray) or not leaf.size:
            return named(leaf)
        held, copy = self._copies.get(id(leaf), (None, leaf))
        if held is None or held() is not leaf or not _is_same(copy, leaf):
            copy = leaf.copy("K")  # numpy adds up in the order of memory
            self._copies[id(leaf)] = ref(leaf), copy
        return copy


def _is_same(x: np.ndarray, y: np.ndarray) -> bool:
    """Of the same bits."""
    return (x.shape, x.dtype) == (y.shape, y.dtype) and x.tobytes() == y.tobytes()
