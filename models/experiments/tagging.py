"""Taggers on sentences: parts of speech, names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

import numpy as np

import autodiff as ad
from models.config import COUNT, Option, Settings
from models.data import TAGGING, Tagged, load_tagging
from models.experiments.experiment import Experiment, Figures, limited
from models.experiments.vectors import counted_vectors
from models.features import FEATURES, Features, normal
from models.options import flag, number, words
from models.report import table
from models.stack import CELLS
from models.tagger import Tagger
from models.tasks.tagging import Tagging, baselines, figures
from models.window_tagger import WindowTagger
from models.word_tagger import WordTagger

__all__ = ["TaggerSettings", "Tags", "WindowSettings"]

SHOWN = 8
"""Sentences of the test part in the report."""


@dataclass(frozen=True)
class TagSettings(Settings):
    """What all taggers need; the defaults are for parts of speech."""

    data: str = "brown"
    epochs: int = 5
    clip: float | None = 5.0
    keep: str = "last"
    features: tuple[str, ...] = ("word", "suffix3", "prefix3", "shape")
    word_size: int = 100
    feature_size: int = 30
    hidden: int = 128
    dropout: float = 0.3
    unknown: float = 0.25
    vectors: tuple[str, ...] = ()
    limit: int | None = None

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **Settings.OPTIONS,
        "data": Option(f"{', '.join(TAGGING)}, or a file or folder of your own", metavar="DATA"),
        "features": Option(f"of a word, of {', '.join(FEATURES)}", words, metavar="NAME,NAME"),
        "word_size": Option("length of a word's vector", COUNT, metavar="N"),
        "feature_size": Option("length of another feature's vector", COUNT, metavar="N"),
        "hidden": Option("units of the network", COUNT, metavar="N"),
        "dropout": Option("share of inputs and outputs dropped", number(float, 0, 1), metavar="P"),
        "unknown": Option("a word seen n times is made unknown with probability X/(X+n)",
                          number(float, 0), metavar="X"),
        "vectors": Option("text that word vectors are counted in first, of brown, bbc and own (the "
                          "training part)", words,
                          metavar="NAME,NAME"),
        "limit": Option("sentences to learn from, at most", COUNT, metavar="N"),
    }  # fmt: skip
    NETWORK: ClassVar[type[WordTagger]]
    OWN: ClassVar[tuple[str, ...]] = ()
    """Settings that this network takes besides what all of them do."""


@dataclass(frozen=True)
class TaggerSettings(TagSettings):
    """A recurrent network."""

    cell: str = "gru"
    layers: int = 1
    crf: bool = False

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **TagSettings.OPTIONS,
        "cell": Option(f"network: {', '.join(CELLS)}", choices=CELLS),
        "layers": Option("networks on top of each other", COUNT, metavar="N"),
        "crf": Option("yes: tags are scored together, by a conditional random field", flag,
                      metavar="yes|no"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "tagger"
    HELP: ClassVar[str] = "parts of speech or names in sentences, by a recurrent network"
    NETWORK: ClassVar[type[WordTagger]] = Tagger
    OWN: ClassVar[tuple[str, ...]] = ("cell", "layers", "crf")


@dataclass(frozen=True)
class WindowSettings(TagSettings):
    """A perceptron over the words around."""

    window: int = 2

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **TagSettings.OPTIONS,
        "window": Option("words to each side", number(int, 0, 100), metavar="N"),
    }
    MODEL: ClassVar[str] = "window-tagger"
    HELP: ClassVar[str] = "parts of speech or names, by a perceptron over the words around"
    NETWORK: ClassVar[type[WordTagger]] = WindowTagger
    OWN: ClassVar[tuple[str, ...]] = ("window",)


class Tags(Experiment):
    """See `Experiment`."""

    def __init__(self, settings: TagSettings, rng: np.random.Generator) -> None:
        corpus = load_tagging(settings.data, fetch=True)
        self.corpus = limited(corpus, settings.limit, rng)
        text = [sentence.words for sentence in self.corpus.train]
        pretrained = counted_vectors(
            settings.vectors, corpus.name, text, normal, settings.word_size, rng
        )
        features = Features.of(text, settings.features, words=pretrained[0])
        self.arguments = {
            "tables": features.tables,
            "tags": sorted({tag for s in corpus.train for tag in s.tags}),
            **{name: getattr(settings, name) for name in (*TAKEN, *settings.OWN)},
        }
        self.model = settings.NETWORK(**self.arguments, rng=rng)
        if pretrained[0]:
            self.model.start_from(*pretrained)
        self.task = Tagging(self.corpus, self.model, settings.batch, settings.unknown)
        self.title = f"A tagger on {self.corpus.name}"
        self.opening = self._opening()

    def _opening(self) -> str:
        c = self.corpus
        vocabularies = ", ".join(f"{len(v):,} of {n}" for n, v in self.arguments["tables"].items())
        skipped = f"; {c.skipped} lines with a tag and no word were skipped" if c.skipped else ""
        return (
            f"{c.name}: {len(c.train):,} sentences to learn from, {len(c.validation):,} to "
            f"validate, {len(c.test):,} held out{skipped}\n"
            f"{type(self.model).__name__}: {self.count():,} parameters, "
            f"{len(self.arguments['tags'])} tags; values known: {vocabularies}"
        )

    def figures(self) -> Figures:
        """Accuracy, or F1 of names, of the network and of simpler ways."""
        test = self.corpus.test
        known = {word for sentence in self.corpus.train for word in sentence.words}
        found = {"this network": self._tagged, **baselines(self.corpus)}
        return {name: figures(self.corpus.train, test, tags, known) for name, tags in found.items()}

    @cached_property
    def _tagged(self) -> list[list[str]]:
        """The test part, by the model as it is when this is first asked for: after training."""
        return self.model.tag([sentence.words for sentence in self.corpus.test])

    def test_part(self) -> str:
        """What the figures are of."""
        count = sum(len(sentence.words) for sentence in self.corpus.test)
        return (
            f"{len(self.corpus.test):,} sentences, {count:,} words that were neither trained on "
            f"nor used to choose anything. {self.corpus.note}"
        )

    def examples(self) -> Mapping[str, str]:
        """Tagged sentences, and which tags are taken for which others."""
        test = self.corpus.test
        predicted = self._tagged
        step = max(len(test) // SHOWN, 1)
        shown = [tagged_text(test[i], predicted[i]) for i in range(0, len(test), step)][:SHOWN]
        wrong = Counter(
            pair for s, tags in zip(test, predicted) for pair in zip(s.tags, tags)
            if pair[0] != pair[1]
        )  # fmt: skip
        rows = [(*pair, count) for pair, count in wrong.most_common(10)]
        return {
            "Tagged sentences": "Where the tag is wrong, the right one follows in brackets.\n\n"
            + "\n".join(f"- {text}" for text in shown),
            "Most frequent mistakes": table(["is", "tagged as", "words"], rows),
        }

    def loss(self) -> ad.Tensor:
        """Of the shortest sentence of the test part with 3 words or more."""
        usable = [s for s in self.corpus.test if len(s.words) > 2] or list(self.corpus.test)
        sentence = min(usable, key=lambda s: len(s.words))
        ids = self.model.features.ids(sentence.words)[:, None]
        y = self.model.tags.ids(sentence.tags)[:, None]
        return self.model.loss(ids, y, np.ones(y.shape, bool))


TAKEN = ("word_size", "feature_size", "hidden", "dropout", "dtype")
"""Settings that each network takes as they are."""


def tagged_text(sentence: Tagged, tags: Sequence[str]) -> str:
    """``word/TAG`` for each word, with the right tag where that is another one."""
    return " ".join(
        f"{word}/{tag}" + (f" [{true}]" if tag != true else "")
        for word, true, tag in zip(sentence.words, sentence.tags, tags)
    )
