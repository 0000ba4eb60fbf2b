"""Words as vectors: text as a stream, counts, and questions to the vectors."""

from __future__ import annotations

from models.words.counted import WordCounts
from models.words.encoded import Encoded
from models.words.evaluation import evaluate
from models.words.formats import load, save
from models.words.map import WordMap
from models.words.text import Text
from models.words.vectors import Vectors

__all__ = ["Encoded", "Text", "Vectors", "WordCounts", "WordMap", "evaluate", "load", "save"]
