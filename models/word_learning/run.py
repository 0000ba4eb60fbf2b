"""A run that learns word vectors, in a folder: settings in; model, vectors, map and report out."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import autodiff as ad
from models.checkpoint import CHECKPOINT
from models.data import DataError
from models.extras import need
from models.folder import require_writable, saying_how_to_go_on, warning_in_a_line
from models.report import report, table
from models.saved import MODEL, save
from models.word_learning.settings import (
    CBOWSettings,
    GloVeSettings,
    SkipGramSettings,
    WordSettings,
)
from models.words import Encoded, Text, Vectors, WordCounts, WordMap, evaluate
from models.words import save as save_vectors
from models.words.evaluation import Score
from models.words.phrases import Phrases
from models.words.text import Sentences

__all__ = ["VECTORS", "WORD_RUNS", "WordResult", "run_words"]

WORD_RUNS: dict[str, type[WordSettings]] = {
    kind.MODEL: kind for kind in (SkipGramSettings, CBOWSettings, GloVeSettings)
}

VECTORS, REPORT, MAPS = "vectors.safetensors", "report.md", ("map.png", "map.html")

SHOWN = (50, 100, 200, 300, 400, 500, 700, 1000)
"""Places among the commonest words of those whose neighbours the report lists."""


@dataclass(frozen=True)
class WordResult:
    """What came out of a run."""

    settings: WordSettings
    history: list[dict[str, float]]
    seconds: float
    words_per_second: float
    scores: dict[str, Score]
    files: list[str]


def run_words(
    settings: WordSettings, out: Path, resume: bool = False, say: Callable[[str], None] = print
) -> WordResult:
    """Learn word vectors and leave all that came of it in a folder.

    Parameters
    ----------
    settings : WordSettings
    out : Path
        Made where missing. Gets ``vectors.safetensors``, ``model.safetensors``, ``map.png``,
        ``map.html``, ``report.md`` and ``checkpoint.safetensors``.
    resume : bool
        Go on from the checkpoint in the folder.
    say : callable
        Takes lines for the user.
    """
    require_writable(out, (VECTORS, MODEL, REPORT, *MAPS))
    with need("threadpoolctl", "training").threadpool_limits(1), warning_in_a_line():
        words, encoded = _read(settings)
        say(_opening(settings, words, encoded))
        model = settings.model(words)
        trainer = settings.trainer(
            model, encoded, checkpoint=out / CHECKPOINT, settings=settings.kept
        )
        if resume:
            trainer.resume()
            say(f"resuming after {len(trainer.history)} of {settings.epochs} epochs")
        began = time.perf_counter()
        with saying_how_to_go_on(settings, out):
            trainer.fit()
        seconds = time.perf_counter() - began
        with saying_how_to_go_on(settings, out, "interrupted after the training, which is saved"):
            files = _leave(model, out)
            result = WordResult(
                settings, trainer.history, seconds, encoded.words * settings.epochs / seconds,
                _scores(model.vectors, say), files,
            )  # fmt: skip
            ad.io.replace(out / REPORT, _page(result, words, model.vectors).encode())
    return result


# ---- the text


def _read(settings: WordSettings) -> tuple[WordCounts, Encoded]:
    text: Any = Text(settings.corpus, lower=settings.lower, fetch=True)
    for _ in range(settings.phrases):
        with _told("finding phrases", text) as told:
            text = Phrases.of(told, least=settings.min_count).apply(text)
    with _told("counting words", text) as told:
        words = WordCounts.of(told, least=settings.min_count, most=settings.most)
    with _told("reading the text", text, words.total) as told:
        return words, Encoded(told, words)


class _Told:
    """Sentences of which a progress bar is told."""

    def __init__(self, text: Sentences, bar: Any) -> None:
        self._text, self._bar = text, bar

    def __iter__(self) -> Iterator[list[str]]:
        for sentence in self._text:
            self._bar.update(len(sentence))
            yield sentence


@contextmanager
def _told(what: str, text: Any, total: int | None = None) -> Iterator[Any]:
    """A text that draws a bar where somebody looks."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield text
        return
    tqdm = need("tqdm", "the progress bar").tqdm
    with tqdm(desc=what, total=total, unit=" words", unit_scale=True, leave=False) as bar:
        yield _Told(text, bar)


def _opening(settings: WordSettings, words: WordCounts, encoded: Encoded) -> str:
    return (
        f"{settings.corpus}: {words.total:,} words; {len(words):,} different ones occur "
        f"{settings.min_count} times or more, {encoded.words:,} times in all\n"
        f"{settings.MODEL}: vectors of {settings.size} numbers"
    )


# ---- what is left


def _leave(model: Any, out: Path) -> list[str]:
    """Write the model, its vectors and the maps; gives the names of all files."""
    save(out / MODEL, model, model.arguments)
    save_vectors(out / VECTORS, model.vectors)
    drawn = WordMap(model.vectors)
    for name in MAPS:
        drawn.save(out / name)
    return [REPORT, *MAPS, VECTORS, MODEL]


def _scores(vectors: Vectors, say: Callable[[str], None]) -> dict[str, Score]:
    try:
        found = evaluate(vectors)
    except DataError as error:
        say(f"not compared with people's judgements: {error}")
        return {}
    return {name: found[name] for name in ("wordsim353", "simlex999", "analogies")}


def _page(result: WordResult, words: WordCounts, vectors: Vectors) -> str:
    settings = result.settings
    losses = enumerate((row["loss"] for row in result.history), 1)
    scores = [(name, str(score)) for name, score in result.scores.items()]
    return report(
        f"Word vectors: {settings.MODEL}",
        {
            "Beside people's judgements": table(["", "score, covered"], scores),
            "Neighbours": table(["word", "most similar"], _neighbours(words, vectors)),
            "Map": "![the commonest words on a plane](map.png)\n\n"
                   "[map.html](map.html) is the same to explore in a browser.",
            "Loss": table(["epoch", "mean loss"], [(i, f"{loss:.4f}") for i, loss in losses]),
            "Settings": table(["setting", "value"], settings.used.items()),
            "Again": f"```sh\n{settings.command}\n```",
            "The vectors": f'```python\nvectors = models.words.load("{VECTORS}")\n```',
        },
    )  # fmt: skip


def _neighbours(words: WordCounts, vectors: Vectors) -> Iterator[tuple[str, str]]:
    for i in SHOWN:
        if i < len(words):
            near = vectors.most_similar(words.words[i], n=8)
            yield words.words[i], ", ".join(word for word, _ in near)
