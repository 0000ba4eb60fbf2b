"""The settings of a run: what they may be, and what they are unless given."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, get_type_hints

import autodiff as ad
from models.data import Split, load_digits
from models.mlp import ACTIVATIONS

__all__ = ["DATA", "OPTIMIZERS", "SCHEDULES", "Settings"]

DATA: dict[str, Callable[[], Split]] = {"digits": load_digits}

OPTIMIZERS: dict[str, Callable[..., Any]] = {
    "sgd": partial(ad.optim.SGD, momentum=0.9, nesterov=True),
    "adagrad": ad.optim.Adagrad,
    "rmsprop": ad.optim.RMSProp,
    "adam": ad.optim.Adam,
    "adamw": ad.optim.AdamW,
}

SCHEDULES: dict[str, Callable[[int], Callable[[int], float]]] = {
    "constant": lambda steps: ad.schedule.constant(),
    "linear": ad.schedule.linear,
    "cosine": ad.schedule.cosine,
}
"""Each made for the number of steps over which it falls to 0."""


@dataclass(frozen=True)
class Settings:
    """All that a run depends on: the same settings give the same numbers.

    The defaults were chosen by cross-validation on the training and validation part of the digits.
    """

    data: str = "digits"
    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    dropout: float = 0.0
    shift: float = 0.7
    epochs: int = 150
    batch: int = 64
    optimizer: str = "adamw"
    lr: float = 3e-3
    schedule: str = "cosine"
    weight_decay: float | None = None
    clip: float | None = None
    patience: int | None = None
    seed: int = 0
    dtype: str = "float32"
    threads: int = 1

    @property
    def command(self) -> str:
        """The command line that repeats the run."""
        changed = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
        options = [
            f" --{name.replace('_', '-')} {shlex.quote(self.shown(name))}" for name in changed
        ]
        return f"autodiff train mlp --data {self.data}" + "".join(options)

    def shown(self, name: str) -> str:
        """A setting as the command line takes it."""
        value = getattr(self, name)
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    @property
    def used(self) -> dict[str, Any]:
        """The settings by name, with the optimiser's own weight decay where none was given."""
        decay = inspect.signature(OPTIMIZERS[self.optimizer]).parameters.get("weight_decay")
        own = {"weight_decay": decay.default} if decay and self.weight_decay is None else {}
        return {**asdict(self), **own}

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> Settings:
        """The settings of which `kept` was once the dict.

        Raises
        ------
        FormatError
            If it was of something else.
        """
        hints = {**get_type_hints(cls), "hidden": tuple}
        hidden = kept.get("hidden")  # which JSON has made a list
        given = {**kept, "hidden": tuple(hidden) if isinstance(hidden, list) else hidden}
        if (
            given.keys() != hints.keys()
            or not all(isinstance(given[name], hint) for name, hint in hints.items())
            or not all(isinstance(units, int) for units in given["hidden"])
            or given["data"] not in DATA
            or given["activation"] not in ACTIVATIONS
            or given["optimizer"] not in OPTIMIZERS
            or given["schedule"] not in SCHEDULES
        ):
            raise ad.errors.FormatError(f"these are not settings of such a run: {kept}")
        return cls(**given)
