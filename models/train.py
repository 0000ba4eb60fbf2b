"""The training loop: shuffled batches, validation, early stopping, and runs that can be resumed."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import autodiff as ad
from models.checkpoint import Progress, generators, read, restore, states, write
from models.extras import need
from models.interruption import StoppedError, interruption
from models.steps import Steps

__all__ = ["DivergedError", "Task", "Trainer", "TrainingError"]

Row = dict[str, float]


class TrainingError(ad.errors.AutodiffError):
    """A run that cannot go on."""


class DivergedError(TrainingError):
    """The loss has become infinite, not a number, or absurdly large."""


class Task(Protocol):
    """What is to be learnt: where the batches come from, and how a model is judged."""

    unit: str
    """What a batch is counted in, for the display of speed: ``"images"``, ``"tokens"``."""

    def plan(self, rng: np.random.Generator) -> Sequence[Any]:
        """The batches of one epoch in their order, as little as names them: rows, seeds."""

    def size(self, batch: Any) -> int:
        """How many units a batch has; an epoch's loss is the mean over them."""

    def inputs(self, batch: Any, rng: np.random.Generator) -> tuple[Any, ...]:
        """The arrays of a batch: all that is drawn, padded or looked up."""

    def loss(self, model: Any, *inputs: Any) -> ad.Tensor:
        """The mean loss of one batch, as a function of the model and arrays that can be compiled.

        It does not depend on anything else that changes, and branches on no value.
        """

    def evaluate(self, model: Any) -> Row:
        """Figures on the validation part; ``"loss"`` is the one that the run stops by."""


class Trainer:
    """A model being trained on a task.

    Parameters
    ----------
    model : Module
        Ends up with the parameters of the epoch that is kept.
    task : Task
    optimizer : optimiser of `autodiff.optim`
    epochs : int
        At most so many passes over the training part.
    rng : int or Generator
        Source of the order of the batches, and of whatever else the task draws.
    schedule : callable, optional
        ``schedule(step)`` is the factor on the learning rate of the optimiser; steps from 0.
    clip : float, optional
        Greatest norm of the gradient; a longer one is shortened to it.
    patience : int, optional
        Stop after so many epochs in a row without a lower validation loss.
    keep : {"best", "last"}
        Which epoch's parameters the model ends up with: those of the least validation loss, or
        the last ones.
    checkpoint : path-like, optional
        File that is rewritten after epochs, and when the run ends or is interrupted.
    compile : {"auto", "c", "numpy", "off"}
        What runs the steps; see `models.steps.Steps`.
    save_every : float
        Least seconds between two writings after epochs, which wait for the disk.
    settings : dict, optional
        Kept in the checkpoint, in JSON, for whoever resumes.
    quiet : bool
        No progress bar. There is none either when standard error is no terminal.
    """

    def __init__(
        self,
        model: ad.Module,
        task: Task,
        optimizer: Any,
        *,
        epochs: int,
        rng: int | np.random.Generator = 0,
        schedule: Callable[[int], float] | None = None,
        clip: float | None = None,
        patience: int | None = None,
        keep: str = "best",
        checkpoint: str | Path | None = None,
        compile: str = "auto",
        save_every: float = 1.0,
        settings: dict[str, Any] | None = None,
        quiet: bool = False,
    ) -> None:
        self.model, self.task, self.optimizer = model, task, optimizer
        self.epochs, self.patience = epochs, patience
        self.keep, self.rng = keep, np.random.default_rng(rng)
        self.lr, self.schedule = optimizer.lr, schedule or (lambda step: 1.0)
        self.checkpoint = None if checkpoint is None else Path(checkpoint)
        self.save_every, self._saved_at = save_every, -math.inf
        self.settings, self.quiet = settings or {}, quiet
        self.generators = generators(self.rng, model)
        self.steps = Steps(task.loss, clip, compile, self.generators)
        self.progress = Progress()
        self.best = model.state_dict()

    @property
    def history(self) -> list[Row]:
        """A row of figures for each epoch done: ``loss``, ``lr``, ``validation loss`` ..."""
        return self.progress.history

    @property
    def best_epoch(self) -> int:
        """The epoch (from 1) with the least validation loss; 0 before the first one is done."""
        losses = [row["validation loss"] for row in self.history]
        return int(np.argmin(losses)) + 1 if losses else 0

    @property
    def kept_epoch(self) -> int:
        """The epoch (from 1) whose parameters are in `best`."""
        return self.best_epoch if self.keep == "best" else len(self.history)

    @property
    def how(self) -> str:
        """What ran how: eager or compiled steps."""
        return self.steps.described(self.progress.kinds)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs are done, or too many in a row brought nothing."""
        done = len(self.history)
        stale = self.patience is not None and done - self.best_epoch >= self.patience
        return done >= self.epochs or stale

    def fit(self) -> list[Row]:
        """Train until finished; gives `history`.

        Raises
        ------
        DivergedError
            If the loss is not finite, or exceeds 1,000 times its first value (or 1,000).
        StoppedError
            On Ctrl-C, after the step under way and a checkpoint. A second one does not wait.
        """
        # An overflow shows in the loss, which is looked at in every step.
        self.optimizer.zero_grad()
        with np.errstate(all="ignore"), interruption() as stop, self._bar() as bar:
            while not self.is_finished:
                self._run_epoch(bar, stop)
        self.model.load_state_dict(self.best)
        self.model.eval()
        return self.history

    def resume(self) -> None:
        """Go back to where the checkpoint was written.

        After that `fit` gives the same numbers, bit for bit, as if the run had never stopped.

        Raises
        ------
        FormatError or ShapeError
            If the file is no checkpoint, or belongs to another model.
        OSError
            If it cannot be read.
        """
        if self.checkpoint is None:
            raise TrainingError("resume(): this Trainer was made without checkpoint=")
        self.best, self.progress = read(
            self.checkpoint, self.model, self.optimizer, self.generators
        )

    def _run_epoch(self, bar: Any, stop: threading.Event) -> None:
        plan = self._plan()
        self.model.train()
        self._announce(bar, plan)
        left = (self.epochs - len(self.history)) * len(plan)
        for batch in plan[self.progress.batch :]:
            self._run_step(batch, left - self.progress.batch)
            self._show(bar)
            bar.update(self.task.size(batch))
            if stop.is_set():
                self._stop()
        self._close_epoch(bar)

    def _plan(self) -> Sequence[Any]:
        now = states(self.generators)
        if self.progress.batch:  # resumed within an epoch: draw its order again
            restore(self.generators, self.progress.start)
            plan = self.task.plan(self.rng)
            restore(self.generators, now)
        else:
            self.progress.start = now
            plan = self.task.plan(self.rng)
        if not len(plan):
            raise TrainingError("there is nothing to learn from: an epoch has no batch")
        return plan

    def _run_step(self, batch: Any, left: int) -> None:
        self.optimizer.lr = self.lr * self.schedule(self.progress.step)
        inputs = self.task.inputs(batch, self.rng)
        loss = self.steps(self.model, self.optimizer, inputs, self.progress.kinds, left)
        self._require_sane(loss, f"step {self.progress.batch + 1}")
        self.progress.count(loss, self.task.size(batch))

    def _require_sane(self, loss: float, where: str) -> None:
        first = loss if self.progress.first is None else self.progress.first
        if math.isfinite(loss) and loss <= 1000 * max(first, 1):
            self.progress.first = first
            return
        raise DivergedError(
            f"the loss diverged to {loss:.4g} in epoch {len(self.history) + 1}, {where}: lower "
            f"the learning rate (now {self.lr:g}) by factors of 10, or clip the gradient's norm"
        )

    def _close_epoch(self, bar: Any) -> None:
        self.model.eval()
        with ad.no_grad():
            figures = self.task.evaluate(self.model)
        self._require_sane(figures["loss"], "validation")
        self.progress.close_epoch(
            self.optimizer.lr, {f"validation {name}": x for name, x in figures.items()}
        )
        if self.kept_epoch == len(self.history):
            self.best = self.model.state_dict()
        if self.is_finished or time.monotonic() - self._saved_at >= self.save_every:
            self._save()

    def _show(self, bar: Any) -> None:
        """The mean loss of the epoch under way, and the figures of the last one that is done."""
        text = f"loss {self.progress.total / self.progress.units:.3g}"
        if self.history:
            figures = [f"{k} {x:.3g}" for k, x in self.history[-1].items() if k.startswith("valid")]
            text += f", {' '.join(figures).replace(' validation', '')}"
        bar.set_postfix_str(text, False)

    def _stop(self) -> None:
        self._save()
        where = f"interrupted in epoch {len(self.history) + 1} of {self.epochs}"
        if self.checkpoint is None:
            raise StoppedError(f"{where}; nothing is saved")
        raise StoppedError(f"{where}, saved in {self.checkpoint}")

    def _save(self) -> None:
        if self.checkpoint is not None:
            write(
                self.checkpoint, self.model, self.optimizer, self.generators,
                self.best, self.progress, self.settings, self.is_finished,
            )  # fmt: skip
            self._saved_at = time.monotonic()

    def _bar(self) -> Any:
        tqdm = need("tqdm", "the progress bar").tqdm
        return tqdm(
            unit=f" {self.task.unit}",
            unit_scale=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {remaining} left, {rate_fmt}{postfix}",
            # None: no bar where nobody looks.
            disable=True if self.quiet or sys.stderr is None else None,
        )

    def _announce(self, bar: Any, plan: Sequence[Any]) -> None:
        sizes = list(map(self.task.size, plan))
        left = (self.epochs - len(self.history)) * sum(sizes) - sum(sizes[: self.progress.batch])
        bar.total = bar.n + left
        bar.set_description(f"epoch {len(self.history) + 1}/{self.epochs}", False)
