"""Running text to learn word vectors from, and human judgements to compare them with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from models.data.classification import bbc_articles
from models.data.corpus import tokens
from models.data.fetch import files_of
from models.data.lines import read_lines
from models.data.split import DataError
from models.data.tagging import brown_documents
from models.options import nearest

__all__ = [
    "SENTENCES",
    "WORD_PAIRS",
    "Analogy",
    "Similarity",
    "analogies",
    "sentences",
    "word_pairs",
]

WORD_PAIRS = {"wordsim353": 0, "simlex999": 1}
"""Sets of word pairs, and which file of the catalogue holds them."""

ANALOGIES = 2


class Similarity(NamedTuple):
    """Two words, and how similar people found them.

    Attributes
    ----------
    first, second : str
    score : float
        From 0 to 10.
    """

    first: str
    second: str
    score: float


class Analogy(NamedTuple):
    """The question whether `a` is to `b` as `c` is to `d`.

    Attributes
    ----------
    section : str
        What kind of relation it is.
    a, b, c, d : str
    """

    section: str
    a: str
    b: str
    c: str
    d: str


def sentences(name: str, *, fetch: bool = False) -> Iterator[list[str]]:
    """Running text as lists of words and signs in lower case.

    It is the whole corpus, without its labels but with its test part.

    Parameters
    ----------
    name : str
        ``"brown"`` (a list for each sentence) or ``"bbc"`` (a list for each paragraph).
    fetch : bool
        Download a corpus that is not here yet.

    Raises
    ------
    DataError
        If there is no such corpus, or it is not here.
    """
    read = SENTENCES[_known(name, SENTENCES)]
    files_of(name, fetch)  # what is not here is said at once, and not at the first sentence
    return read()


def _brown() -> Iterator[list[str]]:
    for document in brown_documents():
        yield from ([word.lower() for word in sentence.words] for sentence in document)


def _bbc() -> Iterator[list[str]]:
    for article in bbc_articles():
        yield from (tokens(line.lower()) for line in article.text.splitlines() if line.strip())


SENTENCES = {"brown": _brown, "bbc": _bbc}
"""Corpora of running text."""


def word_pairs(name: str, *, fetch: bool = False) -> list[Similarity]:
    """Pairs of words in their own case, with the mean judgement of people.

    Parameters
    ----------
    name : str
        ``"wordsim353"``: how related the words are. ``"simlex999"``: how similar.
    fetch : bool
        Download it if it is not here yet.

    Raises
    ------
    DataError
        If there is no such set, or it is not here.
    """
    index = WORD_PAIRS[_known(name, WORD_PAIRS)]
    lines = read_lines(files_of("evaluation", fetch)[index])
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [Similarity(first, second, float(score)) for first, second, score in rows]


def analogies(*, fetch: bool = False) -> list[Analogy]:
    """Questions such as Athens, Greece, Oslo: Norway, in their own case.

    Parameters
    ----------
    fetch : bool
        Download them if they are not here yet.

    Raises
    ------
    DataError
        If they are not here.
    """
    found: list[Analogy] = []
    for line in read_lines(files_of("evaluation", fetch)[ANALOGIES]):
        if line.startswith(":"):
            section = line[1:].strip()
        elif line:
            found.append(Analogy(section, *line.split()))
    return found


def _known(name: str, known: Iterable[str]) -> str:
    if name not in known:
        raise DataError(f"unknown {name!r}{nearest(name, known)}; there is {', '.join(known)}")
    return name
