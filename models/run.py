"""A run in a folder: settings in; the model, its figures and a report out."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import autodiff as ad
from models.checkpoint import CHECKPOINT, read_settings
from models.config import SCHEDULES, Settings
from models.experiments import EXPERIMENTS, Experiment, Figures
from models.extras import folder_of, need
from models.folder import require_writable, saying_how_to_go_on, warning_in_a_line
from models.report import report, save_loss_curve, table
from models.saved import MODEL, save
from models.train import Trainer

__all__ = ["Result", "run", "shown"]

CURVE, REPORT = "loss.png", "report.md"
PICTURES = ("graph.svg", "graph.html")


@dataclass(frozen=True)
class Result:
    """What came out of a run."""

    settings: Settings
    experiment: Experiment
    history: list[dict[str, float]]
    kept: int
    """The epoch whose model is kept, from 1."""
    seconds: float
    steps: str
    """What ran how: eager or compiled."""
    building: float
    """Seconds that it took to compile."""
    figures: Figures
    files: list[str]

    @property
    def text(self) -> str:
        """The figures as lines of text, for the terminal."""
        width = max(map(len, self.figures))
        rows = (
            (name, "  ".join(f"{k} {shown(v)}" for k, v in row.items()))
            for name, row in self.figures.items()
        )
        return "\n".join(f"  {name:{width}}  {row}" for name, row in rows)


def shown(figure: float) -> str:
    """A figure with four digits after the point, or four in all if it is large."""
    return f"{figure:.4f}" if abs(figure) < 10 else f"{figure:.2f}"


def run(
    settings: Settings, out: Path, resume: bool = False, say: Callable[[str], None] = print
) -> Result:
    """Train a model and leave all that came of it in a folder.

    Parameters
    ----------
    settings : Settings
    out : Path
        Made where missing. Gets ``model.safetensors``, ``checkpoint.safetensors``, ``loss.png``,
        ``report.md``, and where there is a picture of its graph ``graph.svg`` and ``graph.html``.
    resume : bool
        Go on from the checkpoint in the folder.
    say : callable
        Takes lines for the user.
    """
    require_writable(out, (MODEL, CURVE, REPORT, *PICTURES))
    folder_of("matplotlib", "drawing the loss curve")
    # Small products gain nothing from threads, and each number of them rounds in another way.
    with need("threadpoolctl", "training").threadpool_limits(settings.threads):
        rng = np.random.default_rng(settings.seed)
        experiment = EXPERIMENTS[settings.MODEL][1](settings, rng)
        trainer = make_trainer(settings, experiment, rng, out / CHECKPOINT)
        say(experiment.opening)
        if resume:
            _require_same_data(out, experiment)
            trainer.resume()
            say(f"resuming after {len(trainer.history)} of {settings.epochs} epochs")
        began = time.perf_counter()
        with saying_how_to_go_on(settings, out), warning_in_a_line():
            trainer.fit()
        seconds = time.perf_counter() - began
        with saying_how_to_go_on(settings, out, "interrupted after the training, which is saved"):
            files = _leave_model(experiment, trainer, out, say)
            result = Result(
                settings, experiment, trainer.history, trainer.kept_epoch, seconds,
                trainer.how, trainer.steps.seconds, experiment.figures(), files,
            )  # fmt: skip
            ad.io.replace(out / REPORT, _page(result).encode())
    return result


def make_trainer(
    settings: Settings, experiment: Experiment, rng: np.random.Generator, checkpoint: Path
) -> Trainer:
    """The trainer for these settings, before its first step."""
    optimizer = settings.make_optimizer(experiment.model)
    batches = len(experiment.task.plan(np.random.default_rng(0)))
    return Trainer(
        experiment.model,
        experiment.task,
        optimizer,
        epochs=settings.epochs,
        rng=rng,
        schedule=SCHEDULES[settings.schedule](settings.epochs * batches),
        clip=settings.clip,
        patience=settings.patience,
        keep=settings.keep,
        checkpoint=checkpoint,
        compile=settings.compile,
        settings={**settings.kept, "checksum": experiment.checksum()},
    )


def _require_same_data(out: Path, experiment: Experiment) -> None:
    kept, _ = read_settings(out / CHECKPOINT)
    if kept.get("checksum") != experiment.checksum():
        raise ad.errors.DomainError(
            f"the data are not those of the run in {out}: bring them back to resume it, or start a "
            "new run with another --out"
        )


def _leave_model(
    experiment: Experiment, trainer: Trainer, out: Path, say: Callable[[str], None]
) -> list[str]:
    """Write the model, the curve and the pictures; gives the names of all files."""
    save(out / MODEL, experiment.model, experiment.arguments)
    save_loss_curve(trainer.history, trainer.kept_epoch, out / CURVE)
    return [REPORT, CURVE, *_drawn(experiment, out, say), MODEL]


def _drawn(experiment: Experiment, out: Path, say: Callable[[str], None]) -> tuple[str, ...]:
    try:
        with ad.watch():
            loss = experiment.loss()
        if loss is None:
            return ()
        graph = ad.graph(loss)
        for name in PICTURES:
            graph.save(out / name)
    except ad.errors.AutodiffError as error:
        say(f"no picture of the graph: {error}")
        return ()
    return PICTURES


# ---- the report


def _page(result: Result) -> str:
    experiment, settings = result.experiment, result.settings
    return report(
        experiment.title,
        {
            "On the test part": f"{experiment.test_part()}\n\n{_table(result.figures)}",
            "Loss": _losses(result),
            **({"Its graph": SEEN} if PICTURES[0] in result.files else {}),
            **experiment.examples(),
            "Settings": f"{_settings(settings)}\nSteps: {result.steps}.",
            "Again": f"```sh\n{settings.command}\n```",
            "The model": f'```python\nmodel = models.load("{MODEL}")\n```',
        },
    )


def _settings(settings: Settings) -> str:
    return table(["setting", "value"], settings.used.items())


def _table(figures: Figures) -> str:
    names = list(dict.fromkeys(name for row in figures.values() for name in row))
    rows = [
        (way, *(shown(row[name]) if name in row else "" for name in names))
        for way, row in figures.items()
    ]
    return table(["", *names], rows)


def _losses(result: Result) -> str:
    kept = result.history[result.kept - 1]
    figures = ", ".join(f"{name} {value:.4f}" for name, value in kept.items()
                        if name.startswith("validation"))  # fmt: skip
    which = {
        "best": "the one with the least validation loss",
        "last": "the last one",
    }[result.settings.keep]
    return (
        "![training and validation loss by epoch](loss.png)\n\n"
        f"Kept is epoch {result.kept} of {len(result.history)}, {which}: {figures}."
    )


SEEN = (
    "![the network as a graph](graph.svg)\n\n"
    "One example of the test part: values go forward (▸), error signals come back (◂). "
    "[graph.html](graph.html) is the same to explore in a browser."
)
