"""A text as numbers: read once, then in a temporary file, chunk by chunk."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

import autodiff as ad
from models.words.counted import WordCounts
from models.words.records import Records
from models.words.text import Sentences, Text

__all__ = ["CHUNK", "END", "IN_MEMORY", "Encoded"]

CHUNK = 10_000
"""Words after which a chunk ends with the sentence, and after which a sentence is cut."""

END = -1
"""What stands after each sentence."""

IN_MEMORY = 64 << 20
"""Bytes up to which there is no file."""


class Encoded:
    """A text as ids of its words, without the words that are not in the vocabulary.

    A small text stays in memory, a large one is in a temporary file, which ends with the object.
    `chunk` may be called from several threads.

    Parameters
    ----------
    text : Text, or anything it can be made of
    vocabulary : WordCounts
    tell : callable, optional
        Called after each chunk with the number of words in it.

    Attributes
    ----------
    words : int
        Words in all chunks.
    sizes : ndarray of int64
        Words of each chunk.
    checksum : int
        CRC-32 of the vocabulary and all ids.

    Raises
    ------
    DomainError
        If no word of the text is in the vocabulary.

    Examples
    --------
    >>> text = [["a", "rose"], ["is", "a", "rose"]]
    >>> encoded = Encoded(text, WordCounts.of(text, least=2))
    >>> len(encoded), encoded.words
    (1, 4)
    >>> encoded.chunk(0)
    array([ 0,  1, -1,  0,  1, -1], dtype=int32)
    """

    def __init__(
        self,
        text: Text | Sentences | str | Path,
        vocabulary: WordCounts,
        *,
        tell: Callable[[int], object] | None = None,
    ) -> None:
        self._ids = Records(np.int32, IN_MEMORY)
        self.checksum = zlib.crc32("\n".join(vocabulary.words).encode(errors="surrogatepass"))
        self._starts, sizes = [0], list[int]()
        for chunk in _chunks(Text(text), vocabulary):
            sizes.append(np.count_nonzero(chunk != END))
            self._append(chunk)
            if tell:
                tell(sizes[-1])
        self.sizes = np.array(sizes, np.int64)
        self.words = int(self.sizes.sum())
        if not self.words:
            raise ad.errors.DomainError("text: none of its words is in the vocabulary")

    @classmethod
    def of(cls, text: Encoded | Text | Sentences | str | Path, vocabulary: WordCounts) -> Encoded:
        """A text as ids; one that is so already, as it is."""
        return text if isinstance(text, Encoded) else cls(text, vocabulary)

    def __len__(self) -> int:
        return len(self.sizes)

    def __iter__(self) -> Iterator[np.ndarray]:
        return map(self.chunk, range(len(self)))

    def chunk(self, i: int) -> np.ndarray:
        """Some sentences: an array of int32, not to be written to, with -1 after each sentence."""
        i = range(len(self))[i]
        return self._ids.read(*self._starts[i : i + 2])

    def _append(self, chunk: np.ndarray) -> None:
        self._ids.append(chunk)
        self._starts.append(len(self._ids))
        self.checksum = zlib.crc32(chunk, self.checksum)


def _chunks(text: Text, vocabulary: WordCounts) -> Iterator[np.ndarray]:
    held: list[int] = []
    for sentence in text:
        ids = vocabulary.known(sentence)
        for start in range(0, len(ids), CHUNK):
            held += ids[start : start + CHUNK]
            held.append(END)
            if len(held) >= CHUNK:
                yield np.array(held, np.int32)
                held = []
    if held:
        yield np.array(held, np.int32)
