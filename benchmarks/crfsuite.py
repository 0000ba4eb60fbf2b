"""Names found by CRFsuite with features made by hand: the classical way, beside our networks.

``python -m benchmarks.crfsuite`` trains on each corpus for about half a minute and prints F1 on its
test part.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pycrfsuite

from models.data import Tagged, load_tagging
from models.features import shape
from models.tasks.tagging import figures

CORPORA = ("btc", "wnut17")
OPTIONS = {"c1": 0.1, "c2": 0.1, "max_iterations": 100}
NEAR = ("lower", "shape", "title", "upper")
"""What is seen of the words to both sides; of those two away, only the first of it."""


def of(word: str) -> dict[str, object]:
    """The features of a word by itself."""
    ends = {f"prefix{n}": word[:n] for n in (1, 2, 3)} | {
        f"suffix{n}": word[-n:] for n in (1, 2, 3)
    }
    kinds = {"title": word.istitle(), "upper": word.isupper(), "digit": word.isdigit()}
    return {"word": word, "lower": word.lower(), "shape": shape(word), **kinds, **ends}


def features(words: Sequence[str]) -> Iterator[list[str]]:
    """The features of each word, with those of its neighbours."""
    rows = list(map(of, words))
    for i, row in enumerate(rows):
        found = [f"{name}={value}" for name, value in row.items()]
        for d in (-2, -1, 1, 2):
            near = rows[i + d] if 0 <= i + d < len(rows) else {}
            seen = NEAR[: 1 if abs(d) == 2 else None]
            found += [f"{d}:{name}={near.get(name)}" for name in seen]
        yield found


def tagged(train: Sequence[Tagged], test: Sequence[Tagged], model: str) -> list[list[str]]:
    """The tags of the test part."""
    trainer = pycrfsuite.Trainer(verbose=False)
    trainer.set_params(OPTIONS)
    for sentence in train:
        trainer.append(list(features(sentence.words)), list(sentence.tags))
    trainer.train(model)
    tagger = pycrfsuite.Tagger()
    tagger.open(model)
    return [tagger.tag(list(features(sentence.words))) for sentence in test]


def main() -> None:
    """Print F1 on each corpus."""
    for name in CORPORA:
        corpus = load_tagging(name, fetch=True)
        with tempfile.TemporaryDirectory() as folder:
            found = tagged(corpus.train, corpus.test, str(Path(folder, "model")))
        measured = figures(corpus.train, corpus.test, found)
        print(name, *(f"{what} {value:.3f}" for what, value in measured.items()), sep="  ")


if __name__ == "__main__":
    main()
