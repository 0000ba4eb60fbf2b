"""The loop of a training: rounds of pieces, progress, checkpoints, and runs that go on."""

from __future__ import annotations

import errno
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

import autodiff as ad
from models.extras import need
from models.interruption import StoppedError, interruption
from models.steps import from_environment, require_known

__all__ = ["Learner", "Loop", "Source", "State", "learner_for", "require_rate"]

State = dict[str, np.ndarray]
"""Arrays by name."""

DIVERGED = 1e6
"""A mean loss far above that of any model which knows nothing."""


def require_rate(lr: float) -> None:
    """Refuse a learning rate below 0."""
    ad.errors.require_number(lr, "lr")
    if not 0 <= lr < np.inf:
        raise ad.errors.DomainError(f"lr={lr} is outside [0, inf)")


def learner_for(
    compile: str,
    threads: int,
    in_c: Callable[[], Learner] | None,
    on_graph: Callable[[str], Learner],
) -> Learner:
    """What runs a training.

    Parameters
    ----------
    compile : {"auto", "c", "numpy", "off"}
        "auto": in C where there is a compiler, unless ``AUTODIFF_COMPILE`` in the environment says
        something else. "numpy" and "off": the graph, as a program or step by step.
    threads : int
    in_c : callable, optional
        Makes the learner in C; None where there is none for such a model.
    on_graph : callable
        Makes the one that takes the graph, with a backend of `autodiff.compile`.

    Raises
    ------
    CompilerError
        If there is no compiler, and "c" was asked for.
    DomainError
        For several threads without C, or none.
    """
    require_known(compile)
    if threads < 1:
        raise ad.errors.DomainError(f"threads: at least 1 learns, not {threads}")
    how = from_environment() if compile == "auto" else compile
    if how in ("auto", "c") and in_c is not None:
        try:
            return in_c()
        except ad.compiler.CompilerError as error:
            if how == "c":
                raise
            ad.errors.warn(f"word vectors are learnt on numpy, several times slower: {error}")
            how = "numpy"
    if threads > 1:
        raise ad.errors.DomainError(
            f"{threads} threads learn in C only, and not by the softmax: leave out threads"
        )
    return on_graph(how)


class Learner(Protocol):
    """What learns from pieces, and what it has learnt."""

    name: str
    """What learns and how: a training goes on under the same name only."""
    per_round: int
    """Pieces that it takes at once."""

    def learn(self, pieces: Sequence[Any]) -> list[tuple[float, int]]:
        """For each piece the sum of the losses of its examples, and their number."""

    def state(self) -> State:
        """All that a later run needs to go on, as copies; the parameters are in the model, too."""

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Go on from there."""


class Source(Protocol):
    """What is learnt from, in pieces: the same ones in each epoch, but for what is drawn."""

    unit: str
    sizes: np.ndarray
    """Of each piece, in units."""
    checksum: int

    def piece(self, epoch: int, i: int, done: float) -> Any:
        """A piece for the learner, when so much of the whole training is done, from 0 to 1."""


@dataclass
class Progress:
    """How far a training has come."""

    history: list[dict[str, float]] = field(default_factory=list)
    """For each epoch done its loss."""
    piece: int = 0
    """Pieces done of the epoch under way."""
    loss: float = 0.0
    """Sum of their examples' losses."""
    examples: int = 0

    @property
    def mean(self) -> float:
        """Of the losses; 0 as long as there are none."""
        return self.loss / max(self.examples, 1)


class Loop:
    """A training.

    Parameters
    ----------
    learner : Learner
    source : Source
    epochs : int
    checkpoint : path-like, optional
        File that is rewritten now and then, after epochs, and when the training is interrupted.
    settings : mapping, optional
        Kept in the checkpoint, in JSON, for whoever resumes.
    save_every : float
        Least seconds between two writings that nothing else asks for.
    quiet : bool
        No progress bar. There is none either when standard error is no terminal.

    Raises
    ------
    DomainError
        If `epochs` is negative.
    OSError
        If there is no folder for the checkpoint.
    """

    def __init__(
        self,
        learner: Learner,
        source: Source,
        *,
        epochs: int,
        checkpoint: str | Path | None = None,
        settings: Mapping[str, Any] | None = None,
        save_every: float = 60.0,
        quiet: bool = False,
    ) -> None:
        ad.errors.require_number(epochs, "epochs")
        if epochs < 0:
            raise ad.errors.DomainError(f"epochs: at least 0, not {epochs}")
        self.learner, self.source, self.epochs = learner, source, epochs
        self.checkpoint = None if checkpoint is None else _in_a_folder(Path(checkpoint))
        self.settings = {**(settings or {}), "checksum": source.checksum}
        self.save_every, self._saved_at = save_every, time.monotonic()
        self.quiet, self.progress = quiet, Progress()
        self._starts = np.cumsum([0, *source.sizes]).tolist()

    @property
    def history(self) -> list[dict[str, float]]:
        """A row for each epoch done: its mean loss, in float64, as the examples were learnt."""
        return self.progress.history

    def fit(self) -> list[dict[str, float]]:
        """Train to the end; gives `history`.

        Raises
        ------
        StoppedError
            On Ctrl-C, after the round under way and a checkpoint. A second one does not wait.
        DomainError
            If the loss diverges, or an epoch has nothing to learn from.
        """
        with np.errstate(all="ignore"), interruption() as stop, self._bar() as bar:
            while len(self.history) < self.epochs:
                self._round(bar)
                self._save_if_due()
                if stop.is_set() and len(self.history) < self.epochs:
                    self._stop()
        self.learner.state()
        return self.history

    def resume(self) -> None:
        """Go back to where the checkpoint was written.

        After that `fit` gives the same numbers, bit for bit, as if the training had never stopped,
        if this one was made with the same arguments.

        Raises
        ------
        FormatError or ShapeError
            If the file is no checkpoint of such a training. Nothing has changed then.
        DomainError
            If it was learning from something else, or this training has no checkpoint.
        OSError
            If the file cannot be read.
        """
        if self.checkpoint is None:
            raise ad.errors.DomainError("resume(): this training was made without checkpoint=")
        arrays, metadata = ad.io.load(self.checkpoint)
        try:
            checksum = json.loads(metadata["settings"])["checksum"]
            numbers = json.loads(metadata["checkpoint"])
            progress, name = Progress(**numbers["progress"]), numbers["learner"]
        except (KeyError, TypeError, ValueError) as error:
            raise self._no_checkpoint(error) from error
        if checksum != self.source.checksum:
            raise ad.errors.DomainError(
                f"the text is not the one that {self.checkpoint} has learnt from: bring that back "
                "to go on, or start anew with another checkpoint"
            )
        if name != self.learner.name:
            raise ad.errors.DomainError(
                f"{self.checkpoint} is of {name!r}, and this is {self.learner.name!r}: other bits "
                "would come of it; go on with the same model, threads and compiler, or start anew"
            )
        self._load(arrays)
        self.progress = progress

    def _load(self, arrays: State) -> None:
        before = self.learner.state()
        try:
            self.learner.load_state(arrays)
        except Exception as error:
            self.learner.load_state(before)
            raise self._no_checkpoint(error) from error

    def _no_checkpoint(self, error: Exception) -> ad.errors.AutodiffError:
        is_ours = isinstance(error, ad.errors.AutodiffError)
        return (type(error) if is_ours else ad.errors.FormatError)(
            f"{self.checkpoint} is no checkpoint of such a training ({error})"
        )

    def _round(self, bar: Any) -> None:
        progress, epoch = self.progress, len(self.history)
        starts, count, size = self._starts, len(self._starts) - 1, self._starts[-1]
        first, end = progress.piece, min(progress.piece + self.learner.per_round, count)
        pieces = [
            self.source.piece(epoch, i, (epoch * size + starts[i]) / (self.epochs * size))
            for i in range(first, end)
        ]
        for loss, examples in self.learner.learn(pieces):
            progress.loss += loss
            progress.examples += examples
        progress.piece = end
        self._require_sane()
        self._show(bar, starts[end] - starts[first])
        if end == count:
            self._close_epoch()

    def _close_epoch(self) -> None:
        progress = self.progress
        if not progress.examples:
            raise ad.errors.DomainError(
                "there is nothing to learn from: no two words that are kept stand in one sentence; "
                "for a small text set subsample to 0"
            )
        self.progress = Progress([*progress.history, {"loss": progress.mean}])

    def _require_sane(self) -> None:
        if not self.progress.mean <= DIVERGED:
            raise ad.errors.DomainError(
                f"the loss diverged to {self.progress.mean:.4g} in epoch {len(self.history) + 1}: "
                "lower the learning rate"
            )

    def _show(self, bar: Any, count: int) -> None:
        bar.set_description(f"epoch {len(self.history) + 1}/{self.epochs}", False)
        bar.set_postfix_str(f"loss {self.progress.mean:.4f}", False)
        bar.update(count)

    def _bar(self) -> Any:
        total = self._starts[-1]
        done = len(self.history) * total + self._starts[self.progress.piece]
        return need("tqdm", "the progress bar").tqdm(
            total=self.epochs * total,
            initial=done,
            unit=f" {self.source.unit}",
            unit_scale=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {remaining} left, {rate_fmt}{postfix}",
            # None: no bar where nobody looks.
            disable=True if self.quiet or sys.stderr is None else None,
        )

    def _save_if_due(self) -> None:
        is_over = not self.progress.piece
        if self.checkpoint and (is_over or time.monotonic() - self._saved_at >= self.save_every):
            self._save()

    def _save(self) -> None:
        is_over = self.epochs <= len(self.history)
        numbers = {
            "progress": asdict(self.progress), "finished": is_over, "learner": self.learner.name,
        }  # fmt: skip
        metadata = {"checkpoint": json.dumps(numbers), "settings": json.dumps(self.settings)}
        ad.io.save(self.checkpoint, self.learner.state(), metadata)
        self._saved_at = time.monotonic()

    def _stop(self) -> None:
        where = f"interrupted in epoch {len(self.history) + 1} of {self.epochs}"
        if self.checkpoint is None:
            self.learner.state()
            raise StoppedError(f"{where}; nothing is saved")
        self._save()
        raise StoppedError(f"{where}, saved in {self.checkpoint}")


def _in_a_folder(path: Path) -> Path:
    if not path.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, "There is no folder for the checkpoint", str(path))
    return path
