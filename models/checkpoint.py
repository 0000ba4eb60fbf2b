"""Files of a run: the checkpoint, from which it can go on, and the finished model.

Arrays are stored as arrays; the numbers beside them (how far the run has come, the states of the
random generators, the figures of each epoch) as JSON in the metadata. JSON keeps floats exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["Progress", "generators", "read", "read_settings", "restore", "states", "write"]

State = dict[str, np.ndarray]


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
    held = [value for module in model.modules() for value in vars(module).values()]
    found = [rng, *(value for value in held if isinstance(value, np.random.Generator))]
    return list({id(generator): generator for generator in found}.values())


def states(generators: Sequence[np.random.Generator]) -> list[dict[str, Any]]:
    """The state of each."""
    return [dict(generator.bit_generator.state) for generator in generators]


def restore(generators: Sequence[np.random.Generator], states: Sequence[dict[str, Any]]) -> None:
    """Put each into its state."""
    for generator, state in zip(generators, states, strict=True):
        generator.bit_generator.state = state


def write(
    path: Path,
    model: ad.Module,
    optimizer: Any,
    generators: Sequence[np.random.Generator],
    best: State,
    progress: Progress,
    settings: Mapping[str, Any],
) -> None:
    """Write a checkpoint; at any moment the file is the old or the new one, whole."""
    arrays = {
        **_under("model", model.state_dict()),
        **_under("optimizer", optimizer.state_dict()),
        **_under("best", best),
    }
    numbers = {"progress": asdict(progress), "generators": states(generators)}
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
    arrays, metadata = _load(path)
    numbers = json.loads(metadata["checkpoint"])
    before, best = model.state_dict(), _below("best", arrays)
    try:
        model.load_state_dict(best)  # refuses what does not fit
        model.load_state_dict(_below("model", arrays))
        optimizer.load_state_dict(_below("optimizer", arrays))
        restore(generators, numbers["generators"])
    except Exception:
        model.load_state_dict(before)
        raise
    return best, Progress(**numbers["progress"])


def read_settings(path: Path) -> dict[str, Any]:
    """The settings that were kept in a checkpoint."""
    _, metadata = _load(path)
    return dict(json.loads(metadata["settings"]))


def _load(path: Path) -> tuple[State, dict[str, str]]:
    arrays, metadata = ad.io.load(path)
    if not {"checkpoint", "settings"} <= metadata.keys():
        raise ad.errors.FormatError(f"{path} is not the checkpoint of a run, and cannot be resumed")
    return arrays, metadata


def _json(value: Any) -> str:
    # The states of some bit generators hold arrays.
    return json.dumps(value, default=lambda array: array.tolist())


def _under(prefix: str, state: Mapping[str, Any]) -> State:
    return {f"{prefix}/{name}": np.asarray(value) for name, value in state.items()}


def _below(prefix: str, state: State) -> State:
    start = f"{prefix}/"
    return {n[len(start) :]: array for n, array in state.items() if n.startswith(start)}
