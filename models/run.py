"""A run in a folder: settings in; the model, its figures and a report out."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from errno import EISDIR
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.checkpoint import read_settings
from models.classification import Classification, accuracy, baselines, predict
from models.config import DATA, OPTIMIZERS, SCHEDULES, Settings
from models.data import Part, Split, shifted
from models.extras import folder_of, need
from models.mlp import MLP
from models.report import report, save_loss_curve, table
from models.saved import save
from models.train import StoppedError, Trainer

__all__ = ["Result", "kept_settings", "require_ended", "run"]

CHECKPOINT = "checkpoint.safetensors"
RESULTS = ("model.safetensors", "loss.png", "report.md", "graph.svg", "graph.html")
SIDE = 8
"""Height and width of an image of a digit, in pixels."""


@dataclass(frozen=True)
class Result:
    """What came out of a run."""

    settings: Settings
    split: Split
    model: MLP
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    scores: dict[str, float]
    """Accuracy on the test part by name: the network first, then the baselines."""

    @property
    def figures(self) -> str:
        """The scores as lines of text, for the terminal."""
        width = max(map(len, self.scores))
        return "\n".join(f"  {name:{width}}  {score:.1%}" for name, score in self.scores.items())


def kept_settings(out: Path, given: Mapping[str, Any]) -> Settings:
    """The settings of the run that a folder holds; those given must be the same.

    Raises
    ------
    DomainError
        If they are not, since the numbers would not be those of one uninterrupted run.
    FormatError or OSError
        If the folder has no readable checkpoint.
    """
    if not (out / CHECKPOINT).exists():
        raise ad.errors.FormatError(f"no run to resume: there is no {out / CHECKPOINT}")
    kept, _ = read_settings(out / CHECKPOINT)
    try:
        settings = Settings.read(kept)
    except ad.errors.FormatError as error:
        raise ad.errors.FormatError(
            f"{out / CHECKPOINT} is the checkpoint of another kind of run"
        ) from error
    for name, value in given.items():
        if getattr(settings, name) != value:
            raise ad.errors.DomainError(
                f"the run in {out} has --{name.replace('_', '-')} {settings.shown(name)}: leave "
                "the option out to resume it, or start a new run with another --out"
            )
    return settings


def require_ended(out: Path) -> None:
    """Refuse to put a new run in the place of one that could go on.

    Raises
    ------
    DomainError
        If the folder holds one.
    """
    try:
        _, finished = read_settings(out / CHECKPOINT)
    except (ad.errors.FormatError, OSError):
        return  # there is none, or none that could go on
    if not finished:
        raise ad.errors.DomainError(
            f"{out} holds a run that has not come to its end: go on with it by --resume, keep it "
            "by another --out, or drop it by --overwrite"
        )


def run(
    settings: Settings, out: Path, resume: bool = False, say: Callable[[str], None] = print
) -> Result:
    """Train a multilayer perceptron and leave all that came of it in a folder.

    Parameters
    ----------
    settings : Settings
    out : Path
        Made where missing. Gets ``model.safetensors``, ``checkpoint.safetensors``, ``loss.png``,
        ``report.md``, and the graph of the model as ``graph.svg`` and ``graph.html``.
    resume : bool
        Go on from the checkpoint in the folder.
    say : callable
        Takes lines for the user.
    """
    split = _as_dtype(DATA[settings.data](), settings.dtype)
    trainer = make_trainer(settings, split, out / CHECKPOINT)
    _require_writable(out)
    folder_of("matplotlib", "drawing the loss curve")
    say(_opening(settings, split, trainer.model))
    if resume:
        trainer.resume()
        say(f"resuming after {len(trainer.history)} of {settings.epochs} epochs")
    # Small products gain nothing from threads, and each number of them rounds in another way.
    limits = need("threadpoolctl", "training").threadpool_limits
    with limits(settings.threads):
        began = time.perf_counter()
        with _saying_how_to_go_on(out):
            trainer.fit()
        seconds = time.perf_counter() - began
        with _saying_how_to_go_on(out, "interrupted after the training, which is saved"):
            result = _result(settings, split, trainer, seconds)
            _leave(result, out, say)
    return result


@contextmanager
def _saying_how_to_go_on(out: Path, what: str = "") -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt as stop:
        command = f"autodiff train mlp --out {shlex.quote(str(out))} --resume"
        raise StoppedError(f"{what or stop}; to go on: {command}") from stop


def make_trainer(settings: Settings, split: Split, checkpoint: Path | None = None) -> Trainer:
    """The trainer for these settings, before its first step."""
    rng = np.random.default_rng(settings.seed)
    model = MLP(**_arguments(settings, split), rng=rng)
    augment = partial(shifted, most=settings.shift, side=SIDE) if settings.shift else None
    task = Classification(split, settings.batch, augment, unit="images")
    steps = settings.epochs * -(-len(split.train.y) // settings.batch)
    return Trainer(
        model,
        task,
        _optimizer(settings, model),
        epochs=settings.epochs,
        rng=rng,
        schedule=SCHEDULES[settings.schedule](steps),
        clip=settings.clip,
        patience=settings.patience,
        checkpoint=checkpoint,
        settings=asdict(settings),
    )


def _arguments(settings: Settings, split: Split) -> dict[str, Any]:
    return {
        "sizes": [split.train.x.shape[1], *settings.hidden, split.classes],
        "activation": settings.activation,
        "dropout": settings.dropout,
        "dtype": settings.dtype,
    }


def _optimizer(settings: Settings, model: MLP) -> Any:
    decay = {} if settings.weight_decay is None else {"weight_decay": settings.weight_decay}
    if decay and settings.optimizer not in ("sgd", "adamw"):
        raise ad.errors.DomainError(
            f"{settings.optimizer} has no weight decay: use adamw or sgd, or leave it out"
        )
    return OPTIMIZERS[settings.optimizer](model.parameters(), lr=settings.lr, **decay)


def _as_dtype(split: Split, dtype: str) -> Split:
    parts = (split.train, split.validation, split.test)
    return Split(
        split.name, *(Part(part.x.astype(dtype), part.y) for part in parts), note=split.note
    )


def _require_writable(out: Path) -> None:
    """Find out now, not after the training."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
        for name in (CHECKPOINT, *RESULTS):
            if (out / name).is_dir():
                raise IsADirectoryError(EISDIR, f"{name} is a folder")
    except OSError as error:
        why = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        reason = f"no results can be written there ({why}); choose another --out"
        raise OSError(error.errno, reason, str(out)) from error


def _opening(settings: Settings, split: Split, model: MLP) -> str:
    parts = (split.train, split.validation, split.test)
    train, validation, test = (f"{len(part.y):,}" for part in parts)
    sizes = "-".join(map(str, _arguments(settings, split)["sizes"]))
    count = sum(p.size for p in model.parameters())
    return (
        f"{split.name}: {train} images to learn from, {validation} to validate, {test} held out\n"
        f"MLP {sizes}: {count:,} parameters, {settings.activation}, {settings.dtype}"
    )


def _result(settings: Settings, split: Split, trainer: Trainer, seconds: float) -> Result:
    model, test = trainer.model, split.test
    named = {"this network": predict(model, test.x), **baselines(split)}
    scores = {name: accuracy(predicted, test.y) for name, predicted in named.items()}
    return Result(settings, split, model, trainer.history, trainer.best_epoch, seconds, scores)


def _leave(result: Result, out: Path, say: Callable[[str], None]) -> None:
    model, curve, page, *pictures = (out / name for name in RESULTS)
    save(model, result.model, _arguments(result.settings, result.split))
    save_loss_curve(result.history, result.best_epoch, curve)
    try:
        for picture in pictures:
            _graph(result).save(picture)
    except ad.errors.AutodiffError as error:
        say(f"no picture of the graph: {error}")
    ad.io.replace(page, _page(result).encode())


def _graph(result: Result) -> Any:
    """The graph of the loss on one image that was held out."""
    test = result.split.test
    x = ad.Tensor(test.x[:1], requires_grad=True)
    with ad.watch():
        loss = ad.cross_entropy(result.model.eval()(x), test.y[:1])
    return ad.graph(loss)


def _page(result: Result) -> str:
    return report(
        f"A multilayer perceptron on the {result.split.name}",
        {
            "Accuracy on the test part": _accuracies(result),
            "Loss": _losses(result),
            "Its graph": _seen(),
            "Mistakes on the test part": _mistakes(result),
            "Settings": table(["setting", "value"], result.settings.used.items()),
            "Again": f"```sh\n{result.settings.command}\n```",
            "The model": '```python\nmodel = models.load("model.safetensors")\n```',
        },
    )


def _accuracies(result: Result) -> str:
    count = len(result.split.test.y)
    rows = [
        (name, f"{score:.4f}", f"{np.sqrt(score * (1 - score) / count):.4f}")
        for name, score in result.scores.items()
    ]
    what = f"{count} images that were neither trained on nor used to choose anything."
    return f"{what} {result.split.note}\n\n{table(['', 'accuracy', 'standard error'], rows)}"


def _losses(result: Result) -> str:
    best = result.history[result.best_epoch - 1]
    return (
        "![training and validation loss by epoch](loss.png)\n\n"
        f"Kept is epoch {result.best_epoch} of {len(result.history)}, the one with the least "
        f"validation loss: {best['validation loss']:.4f}, validation accuracy "
        f"{best['validation accuracy']:.4f}."
    )


def _seen() -> str:
    return (
        "![the network as a graph](graph.svg)\n\n"
        "One image of the test part: values go forward (▸), error signals come back (◂). "
        "[graph.html](graph.html) is the same to explore in a browser."
    )


def _mistakes(result: Result) -> str:
    y = result.split.test.y
    predicted = predict(result.model, result.split.test.x)
    wrong = np.flatnonzero(predicted != y)
    if not len(wrong):
        return "None."
    rows = table(["image", "is", "read as"], [(i, y[i], predicted[i]) for i in wrong])
    return f"Images are numbered from 0 within the test part.\n\n{rows}"
