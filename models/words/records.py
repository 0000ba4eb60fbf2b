"""Arrays of any length: in memory as long as they are small, then in a temporary file."""

from __future__ import annotations

import tempfile
import threading
import weakref
from typing import Any

import numpy as np

__all__ = ["Records"]


class Records:
    """Entries of one dtype, to which more are appended and of which any stretch can be read.

    The file, if there is one, ends with the object. It is read and not mapped, so that the memory
    of a process may be limited. All methods may be called from several threads.

    Parameters
    ----------
    dtype : dtype
    in_memory : int
        Bytes up to which there is no file.

    Examples
    --------
    >>> records = Records(np.int32, in_memory=1_000)
    >>> records.append(np.arange(5))
    >>> len(records), records.read(1, 3)
    (5, array([1, 2], dtype=int32))
    """

    def __init__(self, dtype: Any, in_memory: int) -> None:
        self.dtype = np.dtype(dtype)
        self._file = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115 - ends with self
        weakref.finalize(self, self._file.close)
        self._lock = threading.Lock()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def append(self, entries: np.ndarray) -> None:
        """Add entries at the end."""
        with self._lock:
            self._file.seek(self._length * self.dtype.itemsize)
            self._file.write(np.ascontiguousarray(entries, self.dtype).tobytes())
            self._length += len(entries)

    def read(self, start: int, stop: int) -> np.ndarray:
        """The entries from `start` up to `stop`, not to be written to."""
        size = self.dtype.itemsize
        with self._lock:
            self._file.seek(start * size)
            return np.frombuffer(self._file.read((stop - start) * size), self.dtype)
