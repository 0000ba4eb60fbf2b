"""The checkpoint of a run: the file from which it can go on.

Arrays are stored as arrays; the numbers beside them (how far the run has come, the states of the
random generators, the figures of each epoch) as JSON in the metadata. JSON keeps floats exactly.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.steps import Kinds

__all__ = [
    "CHECKPOINT",
    "Progress",
    "generators",
    "read",
    "read_settings",
    "restore",
    "states",
    "write",
]

State = dict[str, np.ndarray]

CHECKPOINT = "checkpoint.safetensors"
"""Its name in the folder of a run."""


@dataclass
class Progress:
    """How far a run has come."""

    history: list[dict[str, float]] = field(default_factory=list)
    """Figures of each epoch done."""
    step: int = 0
    """Steps done in all."""
    batch: int = 0
    """Steps done of the epoch under way."""
    units: int = 0
    """Units seen in the epoch under way: images, tokens."""
    total: float = 0.0
    """Sum of their losses."""
    first: float | None = None
    """Loss of the very first step."""
    start: list[dict[str, Any]] = field(default_factory=list)
    """States of the generators when the epoch under way began."""
    kinds: Kinds = field(default_factory=Kinds)
    """Which kinds of batches there were."""

    @classmethod
    def read(cls, numbers: Mapping[str, Any]) -> Progress:
        """What `asdict` once made these of."""
        return cls(**{**numbers, "kinds": Kinds(**numbers.get("kinds", {}))})

    def count(self, loss: float, units: int) -> None:
        """Add a step."""
        self.step, self.batch = self.step + 1, self.batch + 1
        self.total, self.units = self.total + loss * units, self.units + units

    def close_epoch(self, lr: float, figures: Mapping[str, float]) -> None:
        """Add a row to the history, and begin the next epoch."""
        self.history.append({"loss": self.total / self.units, "lr": lr, **figures})
        self.batch, self.units, self.total = 0, 0, 0.0


def generators(rng: np.random.Generator, model: ad.Module) -> list[np.random.Generator]:
    """`rng`, and every generator that a module of `model` draws from, each once."""
    held, _ = ad.tree.flatten([vars(module) for module in model.modules()])
    found = [rng, *(value for value in held if isinstance(value, np.random.Generator))]
    return list({id(generator): generator for generator in found}.values())


def states(generators: Sequence[np.random.Generator]) -> list[dict[str, Any]]:
    """The state of each."""
    return [dict(generator.bit_generator.state) for generator in generators]


def restore(generators: Sequence[np.random.Generator], states: Sequence[dict[str, Any]]) -> None:
    """Put each into its state; none, if one of them is no state of its generator."""
    copies = copy.deepcopy(list(generators))
    for generator, state in zip((*copies, *generators), (*states, *states), strict=True):
        generator.bit_generator.state = state


def write(
    path: Path,
    model: ad.Module,
    optimizer: Any,
    generators: Sequence[np.random.Generator],
    best: State,
    progress: Progress,
    settings: Mapping[str, Any],
    finished: bool,
) -> None:
    """Write a checkpoint; at any moment the file is the old or the new one, whole."""
    arrays = {
        **_under("model", model.state_dict()),
        **_under("optimizer", optimizer.state_dict()),
        **_under("best", best),
    }
    numbers = {
        "progress": asdict(progress), "generators": states(generators), "finished": finished,
    }  # fmt: skip
    metadata = {"checkpoint": _json(numbers), "settings": _json(settings)}
    ad.io.save(path, arrays, metadata)


def read(
    path: Path,
    model: ad.Module,
    optimizer: Any,
    generators: Sequence[np.random.Generator],
) -> tuple[State, Progress]:
    """Put a checkpoint into the model, the optimiser and the generators.

    Returns
    -------
    best : dict of str to ndarray
        State of the model in its best epoch.
    progress : Progress

    Raises
    ------
    FormatError or ShapeError
        If the file is no checkpoint, or belongs to another model; the model is as it was.
    """
    arrays, numbers, _ = _load(path)
    model_before, optimizer_before = model.state_dict(), optimizer.state_dict()
    best = _below("best", arrays)
    try:
        with _refusing(path):
            progress = Progress.read(numbers["progress"])
            model.load_state_dict(best)  # refuses what does not fit
            model.load_state_dict(_below("model", arrays))
            optimizer.load_state_dict(_below("optimizer", arrays))
            restore(generators, numbers["generators"])
    except Exception:
        model.load_state_dict(model_before)
        optimizer.load_state_dict(optimizer_before)
        raise
    return best, progress


def read_settings(path: Path) -> tuple[dict[str, Any], bool]:
    """The settings that were kept in a checkpoint, and whether its run is finished."""
    _, numbers, settings = _load(path)
    with _refusing(path):
        return dict(settings), bool(numbers["finished"])


def _load(path: Path) -> tuple[State, dict[str, Any], dict[str, Any]]:
    arrays, metadata = ad.io.load(path)
    with _refusing(path):
        return arrays, json.loads(metadata["checkpoint"]), json.loads(metadata["settings"])


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """Say of what is not as it was written that the file is none of ours."""
    try:
        yield
    except ad.errors.AutodiffError as error:
        raise type(error)(f"{path}: {error}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ad.errors.FormatError(
            f"{path} is not the checkpoint of such a run, and cannot be resumed ({error!r})"
        ) from error


def _json(value: Any) -> str:
    # The states of some bit generators hold arrays.
    return json.dumps(value, default=lambda array: array.tolist())


def _under(prefix: str, state: Mapping[str, Any]) -> State:
    return {f"{prefix}/{name}": np.asarray(value) for name, value in state.items()}


def _below(prefix: str, state: State) -> State:
    start = f"{prefix}/"
    return {n[len(start) :]: array for n, array in state.items() if n.startswith(start)}
