"""Classifiers of texts: sentiment, topics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from models.bag import words as words_in
from models.classifier import POOLINGS, Classifier
from models.config import COUNT, Option, Settings
from models.data import CLASSIFICATION, load_classification
from models.experiments.experiment import Experiment, Figures, error_of, limited
from models.experiments.vectors import counted_vectors
from models.options import number, words
from models.report import table
from models.stack import CELLS
from models.tasks.texts import (
    TextClassification,
    accuracy,
    baselines,
    grams_of,
    labels_of,
    words_of,
)

__all__ = ["Classes", "ClassifierSettings"]

SHOWN = 12
"""Texts of the test part in the report."""


@dataclass(frozen=True)
class ClassifierSettings(Settings):
    """The defaults were chosen by the validation part of the movie snippets."""

    data: str = "movies"
    epochs: int = 5
    batch: int = 32
    lr: float = 2e-3
    clip: float | None = 5.0
    keep: str = "last"
    cell: str = "gru"
    size: int = 100
    hidden: int = 64
    layers: int = 1
    pooling: str = "mean"
    dropout: float = 0.5
    unknown: float = 0.05
    least: int = 2
    bag: float = 0.3
    vectors: tuple[str, ...] = ("brown", "bbc", "own")
    limit: int | None = None

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **Settings.OPTIONS,
        "data": Option(f"{', '.join(CLASSIFICATION)}, or a file or folder of your own",
                       metavar="DATA"),
        "cell": Option(f"network: {', '.join(CELLS)}", choices=CELLS),
        "size": Option("length of a word's vector", COUNT, metavar="N"),
        "hidden": Option("units of the network in each direction", COUNT, metavar="N"),
        "layers": Option("networks on top of each other", COUNT, metavar="N"),
        "pooling": Option(f"what is made of all states: {', '.join(POOLINGS)}", choices=POOLINGS),
        "dropout": Option("share of vectors and states dropped", number(float, 0, 1),
                          metavar="P"),
        "unknown": Option("share of words made unknown in a training step", number(float, 0, 1),
                          metavar="P"),
        "least": Option("a word that occurs less often is unknown to the network", COUNT,
                        metavar="N"),
        "bag": Option("weight of the naive Bayes from which a bag of words and pairs of words "
                      "beside the network starts; 0: there is no bag", number(float, 0, 10),
                      metavar="X"),
        "vectors": Option("text that word vectors are counted in first, of brown, bbc and own (the "
                          "training part)", words,
                          metavar="NAME,NAME"),
        "limit": Option("texts to learn from, at most", COUNT, metavar="N"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "classifier"
    HELP: ClassVar[str] = "the class of a text, such as its sentiment, by a recurrent network"


TAKEN = (
    "size", "hidden", "layers", "cell", "pooling", "dropout", "dtype",
)  # fmt: skip
"""Settings that the model takes as they are."""


class Classes(Experiment):
    """See `Experiment`."""

    def __init__(self, settings: ClassifierSettings, rng: np.random.Generator) -> None:
        corpus = load_classification(settings.data, fetch=True)
        self.corpus = limited(corpus, settings.limit, rng)
        train = self.corpus.train
        own = [words_in(example.text) for example in train]
        pretrained = counted_vectors(
            settings.vectors, corpus.name, own, str.lower, settings.size, rng
        )
        known = words_of(train, settings.least)
        self.arguments = {
            "words": list(dict.fromkeys([*known, *pretrained[0]])),
            "labels": labels_of(corpus.train),
            "grams": grams_of(train) if settings.bag else [],
            **{name: getattr(settings, name) for name in TAKEN},
        }
        self.model = Classifier(**self.arguments, rng=rng)
        if pretrained[0]:
            self.model.start_from(*pretrained)
        if self.model.bag is not None:
            y = self.model.labels.ids(e.label for e in train)
            self.model.bag.start_from([e.text for e in train], y, settings.bag)
        self.task = TextClassification(self.corpus, self.model, settings.batch, settings.unknown)
        self.title = f"A classifier on {self.corpus.name}"
        self.opening = self._opening()

    def _opening(self) -> str:
        c, arguments = self.corpus, self.arguments
        return (
            f"{c.name}: {len(c.train):,} texts to learn from, {len(c.validation):,} to validate, "
            f"{len(c.test):,} held out\n"
            f"Classifier: {self.count():,} parameters, {len(arguments['words']):,} words, "
            f"{len(arguments['grams']):,} words and pairs in the bag; "
            f"{', '.join(arguments['labels'])}"
        )

    def figures(self) -> Figures:
        """Accuracy of the network and of simpler ways."""
        test = self.corpus.test
        found = {"this network": self.model.predict([e.text for e in test])}
        shares = {
            name: accuracy(test, labels)
            for name, labels in {**found, **baselines(self.corpus)}.items()
        }
        return {
            name: {"accuracy": share, "standard error": error_of(share, len(test))}
            for name, share in shares.items()
        }

    def test_part(self) -> str:
        """What the figures are of."""
        return (
            f"{len(self.corpus.test):,} texts that were neither trained on nor used to choose "
            f"anything. {self.corpus.note}"
        )

    def examples(self) -> Mapping[str, str]:
        """Texts of the test part with their classes."""
        test, step = self.corpus.test, max(len(self.corpus.test) // SHOWN, 1)
        chosen = test[::step][:SHOWN]
        probabilities = self.model.probabilities([example.text for example in chosen])
        rows = [
            (e.text, e.label, f"{self.model.labels.words[p.argmax()]} ({p.max():.0%})")
            for e, p in zip(chosen, probabilities)
        ]
        return {"Examples": table(["text", "is", "read as"], rows)}

    def loss(self) -> ad.Tensor:
        """Of the shortest text of the test part."""
        example = min(self.corpus.test, key=lambda example: len(example.text))
        scores: Any = self.model.scores([example.text])
        return ad.cross_entropy(scores, self.model.labels.ids([example.label]))
