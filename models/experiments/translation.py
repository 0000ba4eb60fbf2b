"""Translation of sentences: a network with attention and a lexicon, against word for word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from models.config import COUNT, Option, Settings
from models.data import TRANSLATION, load_translation
from models.experiments.experiment import Experiment, Figures, limited
from models.extras import folder_of
from models.options import number
from models.report import table
from models.search import words as words_of
from models.seq2seq import Seq2Seq
from models.tasks.translation import Translation, baselines, bleu, chrf, learnt_words

__all__ = ["Seq2SeqSettings", "Translating"]

SHOWN = 10
"""Sentences of the test part in the report."""


@dataclass(frozen=True)
class Seq2SeqSettings(Settings):
    """The defaults were chosen by the validation part of the German and English sentences."""

    data: str = "de-en"
    epochs: int = 7
    lr: float = 3e-3
    clip: float | None = 1.0
    keep: str = "best"
    size: int = 128
    hidden: int = 128
    dropout: float = 0.3
    unknown: float = 0.1
    least: int = 2
    folds: int = 10
    beam: int = 4
    limit: int | None = None

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **Settings.OPTIONS,
        "data": Option(f"{', '.join(TRANSLATION)}, or a file or folder of your own",
                       metavar="DATA"),
        "size": Option("length of a word's vector", COUNT, metavar="N"),
        "hidden": Option("units of the decoder, and of the encoder in each direction", COUNT,
                         metavar="N"),
        "dropout": Option("share of vectors and states dropped", number(float, 0, 1),
                          metavar="P"),
        "unknown": Option("share of words made unknown in a training step", number(float, 0, 1),
                          metavar="P"),
        "least": Option("a word that occurs less often is unknown", COUNT, metavar="N"),
        "folds": Option("blocks of the training part, each with a lexicon made of the others",
                        number(int, 2), metavar="N"),
        "beam": Option("translations followed at once when the model is used",
                       number(int, 1, 101), metavar="N"),
        "limit": Option("sentences to learn from, at most", COUNT, metavar="N"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "seq2seq"
    HELP: ClassVar[str] = "translation, by a recurrent network with attention and a lexicon"


TAKEN = ("size", "hidden", "dropout", "beam", "dtype")
"""Settings that the model takes as they are."""


class Translating(Experiment):
    """See `Experiment`."""

    def __init__(self, settings: Seq2SeqSettings, rng: np.random.Generator) -> None:
        folder_of("sacrebleu", "the measure of translations")
        corpus = load_translation(settings.data, fetch=True)
        self.corpus = limited(corpus, settings.limit, rng)
        self.arguments = {
            **learnt_words(self.corpus, settings.least),
            **{name: getattr(settings, name) for name in TAKEN},
        }
        self.model = Seq2Seq(**self.arguments, rng=rng)
        self.task = Translation(
            self.corpus, self.model, settings.batch, settings.folds, settings.unknown
        )
        self.title = f"A translator on {self.corpus.name}"
        self.opening = self._opening()

    def _opening(self) -> str:
        c = self.corpus
        return (
            f"{c.name}: {len(c.train):,} pairs of sentences to learn from, {len(c.validation):,} "
            f"to validate, {len(c.test):,} held out\n"
            f"Seq2Seq: {self.count():,} parameters, {len(self.model.source):,} and "
            f"{len(self.model.target):,} words"
        )

    def figures(self) -> Figures:
        """BLEU and chrF of the network and of simpler ways."""
        targets = [pair.target for pair in self.corpus.test]
        found = {"this network": self._translated(), **baselines(self.corpus)}
        return {
            name: {"BLEU": bleu(texts, targets), "chrF": chrf(texts, targets)}
            for name, texts in found.items()
        }

    def _translated(self) -> Sequence[str]:
        return self.model.translate([pair.source for pair in self.corpus.test])

    def test_part(self) -> str:
        """What the figures are of."""
        return (
            f"{len(self.corpus.test):,} sentences that were neither trained on nor used to choose "
            f"anything. {self.corpus.note}"
        )

    def examples(self) -> Mapping[str, str]:
        """Translated sentences beside those of people."""
        test, step = self.corpus.test, max(len(self.corpus.test) // SHOWN, 1)
        chosen = test[::step][:SHOWN]
        found = self.model.translate([pair.source for pair in chosen])
        rows = [(pair.source, text, pair.target) for pair, text in zip(chosen, found)]
        return {"Translations": table(["sentence", "this network", "a person"], rows)}

    def loss(self) -> ad.Tensor:
        """Of the shortest pair of the test part."""
        pair = min(self.corpus.test, key=lambda pair: len(pair.source) + len(pair.target))
        source, target = words_of(pair.source), words_of(pair.target)
        before, y, mask = self.model.outputs([target])
        scores: Any = self.model(*self.model.inputs([source]), before)
        return ad.cross_entropy(scores, y, mask=mask)
