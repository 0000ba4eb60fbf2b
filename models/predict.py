"""What a saved model makes of sentences."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from errno import ENOENT
from pathlib import Path

import autodiff as ad
from models.checkpoint import CHECKPOINT, read_settings
from models.classifier import Classifier
from models.saved import MODEL, load
from models.search import Translator
from models.word_tagger import WordTagger

__all__ = ["Predictor", "predictor"]

STOPS = set(".,;:?!")

Predictor = Callable[[Sequence[str]], list[str]]


def predictor(path: Path, beam: int | None = None) -> Predictor:
    """A function from sentences to lines of text: tagged, classified or translated.

    Parameters
    ----------
    path : Path
        A file that `save` wrote, or the folder of a run.
    beam : int, optional
        Translations that are followed at once. Default: as the model was made.

    Raises
    ------
    FormatError
        If it holds no model, or one that takes no text.
    OSError
        If it cannot be read.
    """
    if path.is_dir():
        _require_finished(path)
        path = path / MODEL
    if not path.exists():
        hint = "name the folder of a finished run, or a file that models.save wrote"
        raise FileNotFoundError(ENOENT, f"there is no such model: {hint}", str(path))
    model = load(path)
    for kind, predict in PREDICT.items():
        if isinstance(model, kind):
            return lambda texts: predict(model, texts, beam)
    kind = type(model).__name__
    raise ad.errors.FormatError(
        f"{path} holds a model of kind {kind}, which takes no sentences; "
        "taggers, classifiers and translators do"
    )


def _require_finished(folder: Path) -> None:
    """Raise for a folder whose model may be that of an older run."""
    if not (folder / CHECKPOINT).exists():
        return
    settings, finished = read_settings(folder / CHECKPOINT)
    if not finished:
        command = f"autodiff train {settings.get('model')} --out {shlex.quote(str(folder))}"
        raise ad.errors.DomainError(
            f"{folder} holds a run that has not come to its end: name {folder / MODEL} if that is "
            f"of an older run, and meant; to go on: {command} --resume"
        )


def _tagged(model: WordTagger, texts: Sequence[str], beam: int | None) -> list[str]:
    sentences = [words(text, model.features.knows) for text in texts]
    return [
        " ".join(f"{word}/{tag}" for word, tag in zip(words, tags))
        for words, tags in zip(sentences, model.tag(sentences))
    ]


def _classified(model: Classifier, texts: Sequence[str], beam: int | None) -> list[str]:
    """The most probable label of each, with its probability."""
    probabilities = model.probabilities(texts)
    return [f"{model.labels.words[row.argmax()]} ({row.max():.1%})" for row in probabilities]


def _translated(model: Translator, texts: Sequence[str], beam: int | None) -> list[str]:
    return model.translate(list(texts), beam=beam)


PREDICT: dict[type[ad.Module], Callable[..., list[str]]] = {
    WordTagger: _tagged, Classifier: _classified, Translator: _translated,
}  # fmt: skip


def words(text: str, is_known: Callable[[str], bool]) -> list[str]:
    """The words of a text as the sentences have them that a tagger has learnt from.

    They stand between spaces. From one that is not known, signs at its ends come off one by one,
    as from ``(boat).``; but ``Mr.``, ``U.S.`` or ``:-)`` stay whole if they were learnt so. Where
    a full stop or the like stands by itself, the words have been told apart already.
    """
    chunks = text.split()
    if any(chunk in STOPS for chunk in chunks):
        return chunks
    return [word for chunk in chunks for word in _peeled(chunk, is_known)]


def _peeled(chunk: str, is_known: Callable[[str], bool]) -> list[str]:
    before, after = [], []
    while len(chunk) > 1 and not is_known(chunk):
        if not chunk[-1].isalnum():
            after.append(chunk[-1])
            chunk = chunk[:-1]
        elif not chunk[0].isalnum() and chunk[0] != "#":  # hashtags are words
            before.append(chunk[0])
            chunk = chunk[1:]
        else:
            break
    return [*before, chunk, *reversed(after)]
