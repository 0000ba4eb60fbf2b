"""Words as vectors: text as a stream, counts, training, questions to the vectors."""

from __future__ import annotations

from models.words.counted import WordCounts
from models.words.encoded import Encoded
from models.words.text import Text

__all__ = [
    "Encoded",
    "Text",
    "WordCounts",
]
