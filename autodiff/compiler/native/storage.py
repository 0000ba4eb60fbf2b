"""Where arrays lie: pieces of memory, and views of them."""

from __future__ import annotations

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

__all__ = ["Place", "Storage", "contiguous"]


class Storage:
    """A piece of memory.

    Attributes
    ----------
    kind : {"arena", "input", "constant"}
        Whether it lies in the memory of a call, is an argument, or never changes.
    size : int
        Number of entries.
    dtype : numpy dtype
    index : int
        Which argument or constant.
    offset : int
        Where in the memory of a call, in bytes.
    """

    def __init__(self, kind: str, size: int, dtype: Any, index: int = -1) -> None:
        self.kind, self.size, self.dtype, self.index = kind, size, np.dtype(dtype), index
        self.offset = -1


@dataclass(frozen=True, eq=False)
class Place:
    """A view of a storage.

    Attributes
    ----------
    storage : Storage
    array : ndarray
        An array that nobody reads, with the shape and the strides of the view, so that numpy
        itself works out views of views.
    root : ndarray
        The same for the whole storage.
    steps : tuple of (str, int)
        Loop variables, and by how many entries each step of theirs moves the view on.
    """

    storage: Storage
    array: np.ndarray
    root: np.ndarray
    steps: tuple[tuple[str, int], ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return tuple(self.array.shape)

    @cached_property
    def strides(self) -> tuple[int, ...]:
        """Entries from one to the next along each axis."""
        return tuple(s // self.array.itemsize for s in self.array.strides)

    @cached_property
    def offset(self) -> int:
        """Where its first entry is, in entries."""
        return (_address(self.array) - _address(self.root)) // int(self.array.itemsize)

    def view(self, f: Callable[..., Any], *args: Any, **kwargs: Any) -> Place | None:
        """The view that a numpy function gives; None where it copies."""
        made = f(self.array, *args, **kwargs)
        if not isinstance(made, np.ndarray):  # what numpy gives of an array without axes
            made = self.array
        if made.size and not np.may_share_memory(made, self.root):
            return None
        return Place(self.storage, made, self.root, self.steps)

    def reshaped(self, shape: tuple[int, ...]) -> Place | None:
        """The same entries in another shape; None where that would copy."""
        try:
            made = np.reshape(self.array, shape, copy=False)
        except ValueError:
            return None
        return Place(self.storage, made, self.root, self.steps)

    def broadcast(self, shape: tuple[int, ...]) -> Place:
        """Repeated along axes of length 1."""
        return Place(self.storage, np.broadcast_to(self.array, shape), self.root, self.steps)

    def slice_of(self, variable: str) -> Place:
        """The part along the first axis that a loop is at."""
        stride = self.strides[0]
        part = np.lib.stride_tricks.as_strided(
            self.array[:1], self.shape[1:], self.array.strides[1:]
        )
        return Place(self.storage, part, self.root, (*self.steps, (variable, stride)))

    def is_at(self, other: Place) -> bool:
        """Whether these are the same entries in the same order."""
        same = self.storage is other.storage and self.offset == other.offset
        return same and self.strides == other.strides and self.steps == other.steps

    @property
    def is_contiguous(self) -> bool:
        """Whether the entries follow each other in order."""
        return bool(self.array.flags.c_contiguous)


def contiguous(storage: Storage, shape: tuple[int, ...]) -> Place:
    """All of a storage, in order."""
    size = max(storage.size * storage.dtype.itemsize, 1)
    root: np.ndarray = np.ndarray(shape, storage.dtype, _unread(1 << (size - 1).bit_length()))
    return Place(storage, root, root)


@cache
def _unread(size: int) -> mmap.mmap:
    """Addresses that nobody reads or writes, so that they take no memory."""
    return mmap.mmap(-1, size)


def _address(array: np.ndarray) -> int:
    return int(array.__array_interface__["data"][0])
