"""Data sets, each with a fixed split into a training, a validation and a test part."""

from __future__ import annotations

from models.data.adding import adding_problem
from models.data.augment import shifted
from models.data.catalogue import CATALOGUE
from models.data.classification import CLASSIFICATION, load_classification
from models.data.corpus import Corpus, Labelled, Pair, Tagged, tokens
from models.data.digits import load_digits
from models.data.split import DataError, Part, Split, stratified
from models.data.tagging import TAGGING, load_tagging
from models.data.translation import TRANSLATION, load_translation
from models.data.vectors import Analogy, Similarity, analogies, sentences, word_pairs

__all__ = [
    "CATALOGUE",
    "CLASSIFICATION",
    "TAGGING",
    "TRANSLATION",
    "Analogy",
    "Corpus",
    "DataError",
    "Labelled",
    "Pair",
    "Part",
    "Similarity",
    "Split",
    "Tagged",
    "adding_problem",
    "analogies",
    "load_classification",
    "load_digits",
    "load_tagging",
    "load_translation",
    "sentences",
    "shifted",
    "stratified",
    "tokens",
    "word_pairs",
]
