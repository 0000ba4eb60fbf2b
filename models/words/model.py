"""What models that give vectors to words share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import autodiff as ad
from models.words.counted import WordCounts
from models.words.vectors import Vectors

__all__ = ["WordModel"]


class WordModel(ad.Module):
    """A model with vectors for words.

    Parameters
    ----------
    words : WordCounts
        Or the words as a sequence of str, with their `counts`.
    counts : sequence of int
    size : int
        Length of a vector.

    Raises
    ------
    DomainError
        If there are no words, or `size` is not positive.
    """

    def __init__(self, words: WordCounts | Sequence[str], counts: Sequence[int], size: int) -> None:
        self.words = words if isinstance(words, WordCounts) else WordCounts(words, counts)
        self.size = size
        if size < 1:
            raise ad.errors.DomainError(f"vectors: size is at least 1, not {size}")

    @property
    def arguments(self) -> dict[str, Any]:
        """What makes a model like this, as `models.save` takes it."""
        dtype = self.parameters()[0].dtype.name
        words, counts = list(self.words.words), self.words.counts.tolist()
        return {"words": words, "counts": counts, "size": self.size, "dtype": dtype}

    @property
    def vectors(self) -> Vectors:
        """A vector for each word."""
        return Vectors(self.words.words, self._vectors(), self.words.counts)

    def _vectors(self) -> Any:
        raise NotImplementedError(f"{type(self).__name__} states no _vectors()")
