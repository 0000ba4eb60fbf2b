"""Steps by backprop through a model's loss: what C does example by example, in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

import autodiff as ad
from models.word_learning.loop import State

__all__ = ["OnGraph"]

RULE = "rule "
"""In front of the names of what the step rule keeps."""


class OnGraph:
    """A learner that takes the graph.

    Parameters
    ----------
    name : str
        See `Learner`.
    model : Module
        With a ``loss(*arrays)``, summed over examples.
    optimizer : Optimizer
    backend : str
        Of `autodiff.compile`, for whole batches.
    batch : int
        Examples of a step.
    examples : callable
        Makes of a piece the arrays of all its examples.
    """

    per_round = 1

    def __init__(
        self,
        name: str,
        model: Any,
        optimizer: Any,
        backend: str,
        batch: int,
        examples: Callable[[Any], tuple[np.ndarray, ...]],
    ) -> None:
        self.name, self.model, self._optimizer = name, model, optimizer
        self._batch, self.examples = batch, examples
        self._compiled = ad.compile(_step, backend=backend)

    def learn(self, pieces: Sequence[Any]) -> list[tuple[float, int]]:
        return [self._piece(piece) for piece in pieces]

    def _piece(self, piece: Any) -> tuple[float, int]:
        self._optimizer.lr = piece.rate
        arrays = self.examples(piece)
        count, loss = len(arrays[0]), 0.0
        for i in range(0, count, self._batch):
            batch = (array[i : i + self._batch] for array in arrays)
            step = self._compiled if i + self._batch <= count else _step
            loss += step(self.model, self._optimizer, *batch).item()
        return loss, count

    def state(self) -> State:
        rule = {f"{RULE}{name}": x for name, x in self._optimizer.state_dict().items()}
        return self.model.state_dict() | rule

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        rule = {n.removeprefix(RULE): x for n, x in state.items() if n.startswith(RULE)}
        self.model.load_state_dict({n: x for n, x in state.items() if not n.startswith(RULE)})
        if rule:  # C keeps none where it has nothing to remember
            self._optimizer.load_state_dict(rule)


def _step(model: Any, optimizer: Any, *arrays: Any) -> ad.Tensor:
    loss = model.loss(*arrays)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss
