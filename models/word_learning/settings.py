"""The settings of a run that learns word vectors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from models.config import COUNT, POSITIVE, Option, RunSettings
from models.glove import GloVe
from models.options import flag, number
from models.steps import COMPILE
from models.word2vec import CBOW, OUTPUTS, SkipGram
from models.word_learning import GloVeTrainer, Word2VecTrainer
from models.words import Encoded, WordCounts

__all__ = ["CBOWSettings", "GloVeSettings", "SkipGramSettings", "WordSettings"]


@dataclass(frozen=True)
class WordSettings(RunSettings):
    """What skip-gram, CBOW and GloVe share."""

    corpus: str = "brown+bbc"
    lower: bool = True
    min_count: int = 5
    most: int | None = None
    phrases: int = 0
    size: int = 100
    epochs: int = 5
    lr: float | None = None
    window: int = 5
    seed: int = 0
    threads: int = 1
    compile: str = "auto"

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "corpus": Option("brown, bbc, a text file (.gz or not), a folder of them, or several, "
                         "joined by +", metavar="TEXT"),
        "lower": Option("whether words are put in lower case: yes, no", flag, metavar="WHETHER"),
        "min_count": Option("how often a word has to occur", COUNT, metavar="N"),
        "most": Option("keep at most so many words, the commonest", number(int, 2), metavar="N"),
        "phrases": Option("how many times two words that often stand together are made one, as in "
                          "new_york", number(int, 0, 10), metavar="N"),
        "size": Option("length of a vector", COUNT, metavar="N"),
        "epochs": Option("passes over the text", COUNT, metavar="N"),
        "lr": Option("learning rate at the start (default 0.025; for cbow 0.07, but 0.025 with the "
                     "whole error)", POSITIVE, metavar="RATE"),
        "window": Option("words on each side that count as near", COUNT, metavar="N"),
        "seed": Option("seed of all that is random", number(int, 0), metavar="N"),
        "threads": Option("threads; each learns from other sentences, and the result depends on "
                          "their number", number(int, 1, 257), metavar="N"),
        "compile": Option("steps in C (c), or as a graph on numpy, as a program (numpy) or one by "
                          "one (off); auto: in C where there is a compiler", choices=COMPILE),
    }  # fmt: skip

    def model(self, words: WordCounts) -> Any:
        """A new model for some words."""
        raise NotImplementedError(f"{type(self).__name__} states no model()")

    def trainer(self, model: Any, text: Encoded, **options: Any) -> Any:
        """What trains it."""
        raise NotImplementedError(f"{type(self).__name__} states no trainer()")

    def _shared(self) -> dict[str, Any]:
        names = ("epochs", "lr", "window", "threads", "compile")
        return {name: getattr(self, name) for name in names} | {"rng": self.seed}


@dataclass(frozen=True)
class SkipGramSettings(WordSettings):
    """Those of the original program and of gensim."""

    output: str = "negative"
    negatives: int = 5
    subsample: float = 1e-3
    shrink: bool = True

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **WordSettings.OPTIONS,
        "output": Option(f"how a word is predicted: {', '.join(OUTPUTS)}", choices=OUTPUTS),
        "negatives": Option("words of the noise for each right one", COUNT, metavar="N"),
        "subsample": Option("share of the text from which on a word is sometimes left out; 0: none "
                            "is", number(float, 0), metavar="X"),
        "shrink": Option("whether windows are of any size up to the greatest: yes, no", flag,
                         metavar="WHETHER"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "skipgram"
    HELP: ClassVar[str] = "word vectors: each word predicts its neighbours"

    def model(self, words: WordCounts) -> SkipGram:
        return SkipGram(words, size=self.size, output=self.output, rng=self.seed)

    def trainer(self, model: Any, text: Encoded, **options: Any) -> Word2VecTrainer:
        own = {name: getattr(self, name) for name in ("negatives", "subsample", "shrink")}
        return Word2VecTrainer(model, text, **self._shared(), **own, **options)


@dataclass(frozen=True)
class CBOWSettings(SkipGramSettings):
    """The same, and whose error moves a word."""

    whole_error: bool = False

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **SkipGramSettings.OPTIONS,
        "whole_error": Option("whether each word of a window is moved by the whole error, as in "
                              "the original program: yes, no", flag,
                              metavar="WHETHER"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "cbow"
    HELP: ClassVar[str] = "word vectors: the neighbours of a word predict it"

    def model(self, words: WordCounts) -> CBOW:
        return CBOW(
            words, size=self.size, output=self.output, whole_error=self.whole_error, rng=self.seed
        )


@dataclass(frozen=True)
class GloVeSettings(WordSettings):
    """Those of the paper's program, for a small text."""

    epochs: int = 15
    lr: float | None = 0.05
    window: int = 10
    x_max: float = 10.0
    memory: int = 512

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **WordSettings.OPTIONS,
        "epochs": Option("passes over the pairs", COUNT, metavar="N"),
        "lr": Option("learning rate", POSITIVE, metavar="RATE"),
        "x_max": Option("count from which on pairs weigh the same", POSITIVE, metavar="X"),
        "memory": Option("megabytes that counting may use; the rest goes to temporary files",
                         COUNT, metavar="MB"),
    }  # fmt: skip
    MODEL: ClassVar[str] = "glove"
    HELP: ClassVar[str] = "word vectors: inner products near the logarithms of counts"

    def model(self, words: WordCounts) -> GloVe:
        return GloVe(words, size=self.size, x_max=self.x_max, rng=np.random.default_rng(self.seed))

    def trainer(self, model: Any, text: Encoded, **options: Any) -> GloVeTrainer:
        return GloVeTrainer(model, text, **self._shared(), memory=self.memory * 2**20, **options)
