"""The settings of a run: what they may be, what they are unless given, how they are written."""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import autodiff as ad
from models.options import number
from models.steps import COMPILE

__all__ = [
    "COUNT", "OPTIMIZERS", "POSITIVE", "SCHEDULES", "TEXTS", "Option", "RunSettings", "Settings",
]  # fmt: skip

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

KEPT = ("best", "last")
"""Which epoch's parameters are kept: of the least validation loss, or the last one's."""


@dataclass(frozen=True)
class Option:
    """How a setting is given on the command line."""

    help: str
    read: Callable[[str], Any] = str
    choices: Collection[str] | None = None
    metavar: str = "NAME"


TEXTS = ("data", "corpus")
"""Settings that name what is learnt from: they come first, and are always said."""

COUNT, POSITIVE = number(int, 1), number(float, 0, above=True)

S = TypeVar("S", bound="RunSettings")


@dataclass(frozen=True)
class RunSettings:
    """All that a run depends on: the same settings give the same numbers.

    A subclass has fields with defaults, and says in `OPTIONS` how each is given on the command
    line.
    """

    OPTIONS: ClassVar[Mapping[str, Option]] = {}
    MODEL: ClassVar[str] = ""
    """Its name on the command line."""
    HELP: ClassVar[str] = ""
    """What it is, in the list of models."""

    @property
    def command(self) -> str:
        """The command line that repeats the run."""
        said = [
            f.name for f in fields(self) if f.name in TEXTS or getattr(self, f.name) != f.default
        ]
        said.sort(key=lambda name: name not in TEXTS)
        options = [f" --{name.replace('_', '-')} {shlex.quote(self.shown(name))}" for name in said]
        return f"autodiff train {self.MODEL}" + "".join(options)

    def shown(self, name: str) -> str:
        """A setting as the command line takes it."""
        value = getattr(self, name)
        if isinstance(value, bool):
            return "yes" if value else "no"
        return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)

    @property
    def used(self) -> dict[str, Any]:
        """The settings by name."""
        return {f.name: self.shown(f.name) for f in fields(self)}

    @property
    def kept(self) -> dict[str, Any]:
        """What `read` takes, besides the model."""
        return {"model": self.MODEL, **asdict(self)}

    @classmethod
    def read(cls: type[S], kept: Mapping[str, Any]) -> S:
        """The settings of which `kept` was once made, with or without a checksum of the data.

        Raises
        ------
        FormatError
            If it was made of something else.
        """
        hints = {name: h for name, h in get_type_hints(cls).items() if name in cls._names()}
        # JSON has made lists of tuples.
        given = {k: tuple(v) if isinstance(v, list) else v for k, v in kept.items()}
        model, _ = given.pop("model", None), given.pop("checksum", None)
        if (
            model != cls.MODEL
            or given.keys() != hints.keys()
            or not all(_is(given[name], hint) for name, hint in hints.items())
            or not all(cls._takes(name, given[name]) for name in hints)
        ):
            raise ad.errors.FormatError(f"these are not settings of such a run: {kept}")
        return cls(**given)

    @classmethod
    def _names(cls) -> set[str]:
        return {f.name for f in fields(cls)}

    @classmethod
    def _takes(cls, name: str, value: Any) -> bool:
        choices = cls.OPTIONS[name].choices
        return choices is None or value in choices


@dataclass(frozen=True)
class Settings(RunSettings):
    """Of models that are trained in batches; a subclass has what its kind needs besides."""

    epochs: int = 10
    batch: int = 64
    optimizer: str = "adam"
    lr: float = 3e-3
    schedule: str = "linear"
    weight_decay: float | None = None
    clip: float | None = None
    patience: int | None = None
    keep: str = "best"
    seed: int = 0
    dtype: str = "float32"
    threads: int = 1
    compile: str = "auto"

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "epochs": Option("passes over the training part", COUNT, metavar="N"),
        "batch": Option("examples of one step", COUNT, metavar="N"),
        "optimizer": Option(f"step rule: {', '.join(OPTIMIZERS)}", choices=OPTIMIZERS),
        "lr": Option("learning rate", POSITIVE, metavar="RATE"),
        "schedule": Option(f"course of the learning rate: {', '.join(SCHEDULES)}",
                           choices=SCHEDULES),
        "weight_decay": Option("of adamw (default 0.01) and sgd (default 0)", number(float, 0),
                               metavar="X"),
        "clip": Option("greatest norm of the gradient", POSITIVE, metavar="NORM"),
        "patience": Option("stop after so many epochs without a lower validation loss", COUNT,
                           metavar="N"),
        "keep": Option("the epoch whose model is kept: of the best validation loss, or the last",
                       choices=KEPT),
        "seed": Option("seed of all that is random", number(int, 0), metavar="N"),
        "threads": Option("threads of the matrix products", number(int, 1, 1025), metavar="N"),
        "dtype": Option("of all numbers: float32 or float64", choices=("float32", "float64")),
        "compile": Option("steps as programs in C (c) or on numpy (numpy), one by one (off), or "
                          "compiled where it pays (auto)", choices=COMPILE),
    }  # fmt: skip

    @property
    def used(self) -> dict[str, Any]:
        """The settings by name, with the optimiser's own weight decay where none was given."""
        decay = inspect.signature(OPTIMIZERS[self.optimizer]).parameters.get("weight_decay")
        own = {"weight_decay": decay.default} if decay and self.weight_decay is None else {}
        return super().used | own

    def make_optimizer(self, model: ad.Module) -> Any:
        """The step rule for the parameters of a model.

        Raises
        ------
        DomainError
            If there is a weight decay that the rule does not have.
        """
        decay = {} if self.weight_decay is None else {"weight_decay": self.weight_decay}
        if decay and self.optimizer not in ("sgd", "adamw"):
            raise ad.errors.DomainError(
                f"{self.optimizer} has no weight decay: use adamw or sgd, or leave it out"
            )
        return OPTIMIZERS[self.optimizer](model.parameters(), lr=self.lr, **decay)


def _is(value: Any, hint: Any) -> bool:
    """Whether a value is of a type such as ``int``, ``float | None`` or ``tuple[str, ...]``."""
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_is(v, get_args(hint)[0]) for v in value)
    if get_args(hint):
        return any(_is(value, kind) for kind in get_args(hint))
    return isinstance(value, hint)
