"""What a saved model makes of sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import singledispatch
from pathlib import Path
from typing import Any

import autodiff as ad
from models.classifier import Classifier
from models.data import tokens
from models.saved import load
from models.search import Translator
from models.tagger import WordTagger

__all__ = ["Predictor", "predictor"]

MODEL = "model.safetensors"
"""Its name in the folder of a run."""

Predictor = Callable[[Sequence[str]], list[str]]


def predictor(path: Path, beam: int = 1) -> Predictor:
    """A function from sentences to lines of text: tagged, classified or translated.

    Parameters
    ----------
    path : Path
        A file that `save` wrote, or the folder of a run.
    beam : int
        Translations that are followed at once; 1: the most probable word at each step.

    Raises
    ------
    FormatError
        If it holds no model, or one that takes no text.
    OSError
        If it cannot be read.
    """
    path = path / MODEL if path.is_dir() else path
    model = load(path)
    if not isinstance(model, (WordTagger, Classifier, Translator)):
        raise ad.errors.FormatError(
            f"{path} holds a model of kind {type(model).__name__}, which takes no text"
        )
    return lambda texts: _predicted(model, texts, beam)


@singledispatch
def _predicted(model: Any, texts: Sequence[str], beam: int) -> list[str]:
    raise NotImplementedError(type(model).__name__)


@_predicted.register
def _tagged(model: WordTagger, texts: Sequence[str], beam: int) -> list[str]:
    sentences = [tokens(text) for text in texts]
    return [
        " ".join(f"{word}/{tag}" for word, tag in zip(words, tags))
        for words, tags in zip(sentences, model.tag(sentences))
    ]


@_predicted.register
def _classified(model: Classifier, texts: Sequence[str], beam: int) -> list[str]:
    """The most probable label of each, with its probability."""
    probabilities = model.probabilities(texts)
    return [f"{model.labels.words[row.argmax()]} ({row.max():.1%})" for row in probabilities]


@_predicted.register
def _translated(model: Translator, texts: Sequence[str], beam: int) -> list[str]:
    return model.translate(list(texts), beam=beam)
