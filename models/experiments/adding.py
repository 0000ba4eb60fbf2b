"""The adding problem: who remembers for many steps?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from models.config import COUNT, Option, Settings
from models.data import adding_problem
from models.experiments.experiment import Experiment, Figures
from models.options import number
from models.regressor import Regressor
from models.report import table
from models.rnn import ACTIVATIONS
from models.stack import CELLS

__all__ = ["Adding", "AddingSettings", "AddingTask"]

STEPS = 100
"""Steps of the optimiser that count as an epoch, since the examples never end."""
HELD_OUT = 1_000
"""Sequences to validate, and as many to test."""


@dataclass(frozen=True)
class AddingSettings(Settings):
    """Those under which a GRU learns and an Elman network does not."""

    epochs: int = 20
    schedule: str = "constant"
    clip: float | None = 1.0
    cell: str = "gru"
    activation: str = "tanh"
    hidden: int = 64
    length: int = 50

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        **Settings.OPTIONS,
        "epochs": Option(f"passes of {STEPS} steps each, on new examples", COUNT, metavar="N"),
        "cell": Option(f"network: {', '.join(CELLS)}", choices=CELLS),
        "activation": Option(f"of an rnn: {', '.join(ACTIVATIONS)}", choices=ACTIVATIONS),
        "hidden": Option("units of the network", COUNT, metavar="N"),
        "length": Option("steps of a sequence", number(int, 2), metavar="N"),
    }
    MODEL: ClassVar[str] = "adding"
    HELP: ClassVar[str] = "recurrent network on the adding problem: memory over many steps"


@dataclass
class AddingTask:
    """Learn the sum of two marked numbers from new sequences at each step; see `Task`."""

    length: int
    batch_size: int
    dtype: str
    unit: str = "sequences"

    def __post_init__(self) -> None:
        self.validation = self.draw(HELD_OUT, 1)
        self.test = self.draw(HELD_OUT, 2)

    def draw(self, count: int, rng: int | np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Sequences, and what their marked numbers add up to."""
        return adding_problem(count, self.length, rng, self.dtype)

    def plan(self, rng: np.random.Generator) -> list[int]:
        """The seed of each batch; those of the validation and the test part are smaller."""
        return rng.integers(HELD_OUT, 2**32, STEPS).tolist()

    def size(self, batch: int) -> int:
        """Sequences of a batch."""
        return self.batch_size

    def inputs(self, batch: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Sequences and their sums."""
        return self.draw(self.batch_size, batch)

    def loss(self, model: Any, xs: Any, y: Any) -> ad.Tensor:
        """Mean squared error."""
        return ad.mse(model(xs), y)

    def evaluate(self, model: Any) -> dict[str, float]:
        """Mean squared error on the validation part."""
        xs, y = self.validation
        return {"loss": ad.mse(model(xs), y).item()}


class Adding(Experiment):
    """See `Experiment`."""

    title = "The adding problem"

    def __init__(self, settings: AddingSettings, rng: np.random.Generator) -> None:
        own = {"activation": settings.activation} if settings.cell == "rnn" else {}
        if not own and settings.activation != AddingSettings.activation:
            raise ad.errors.DomainError(
                f"--activation is for an rnn; a {settings.cell} has its own"
            )
        self.arguments = {
            "inputs": 2, "hidden": settings.hidden, "cell": settings.cell, "dtype": settings.dtype,
            **own,
        }  # fmt: skip
        self.model = Regressor(**self.arguments, rng=rng)
        self.task = AddingTask(settings.length, settings.batch, settings.dtype)
        self.opening = (
            f"adding problem: two marked numbers of {settings.length}; new sequences in each step\n"
            f"{settings.cell} {settings.hidden}: {self.count():,} parameters"
        )

    def figures(self) -> Figures:
        """Mean squared error."""
        _, y = self.task.test
        found = {"this network": self._predicted(), "always 1": np.ones_like(y)}
        return {name: {"MSE": float(np.mean((p - y) ** 2))} for name, p in found.items()}

    def _predicted(self) -> np.ndarray:
        with ad.no_grad():
            return self.model(self.task.test[0]).numpy()

    def test_part(self) -> str:
        """What the figures are of."""
        return f"{HELD_OUT:,} sequences of {self.task.length} steps that were not trained on."

    def examples(self) -> Mapping[str, str]:
        """Some sums and what was said."""
        _, y = self.task.test
        rows = [(f"{true:.3f}", f"{said:.3f}") for true, said in zip(y, self._predicted())]
        return {"Examples": table(["sum", "answer"], rows[:8])}
