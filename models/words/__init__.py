"""Words as vectors: text as a stream, counts, and questions to the vectors."""

from __future__ import annotations

from models.words.cooccurrence import Cooccurrences, cooccurrences
from models.words.counted import WordCounts
from models.words.encoded import Encoded
from models.words.evaluation import evaluate
from models.words.formats import load, save
from models.words.map import WordMap
from models.words.phrases import Phrases
from models.words.text import Text
from models.words.vectors import Vectors

__all__ = [
    "Cooccurrences",
    "Encoded",
    "Phrases",
    "Text",
    "Vectors",
    "WordCounts",
    "WordMap",
    "cooccurrences",
    "evaluate",
    "load",
    "save",
]
