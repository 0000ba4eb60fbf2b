"""Recurrent networks on top of each other, and in both directions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

import autodiff as ad
from models.gru import GRU
from models.lstm import LSTM
from models.recurrent import Recurrent, check_sizes, joined
from models.rnn import RNN

__all__ = ["CELLS", "Stack"]

CELLS: dict[str, Callable[..., Recurrent]] = {
    "gru": GRU,
    "lstm": LSTM,
    "rnn": partial(RNN, outputs=None, activation="tanh"),
}


class Stack(ad.Module):
    """Layers of recurrent networks, each of which reads the outputs of the one below.

    With L layers, each in one direction or in two (Schuster and Paliwal 1997)::

        h[0](t)   = x(t)
        h[l+1](t) = forwards[l] at t                              in one direction
        h[l+1](t) = forwards[l] at t, then backwards[l] at t      joined, in two

    where ``backwards[l]`` goes from the last step to the first; of a shorter sequence under a
    mask, from its own last step. In training, dropout sets entries of h[1] .. h[L-1] to zero.

    Parameters
    ----------
    cell : {"gru", "lstm", "rnn"}
    inputs, hidden : int
        Lengths of x(t), and of the state of each network.
    layers : int
        L.
    bidirectional : bool
    dropout : float
        Share of the entries that are dropped between layers in a training step, in [0, 1).
    batch_first : bool
        Whether the first axis of a batch of sequences is the batch, and not time.
    rng : int or Generator
        Source of the starting weights, and of what is dropped.
    dtype : dtype
        Of the parameters.
    **options
        For the networks, such as ``activation="relu"`` of an "rnn".

    Attributes
    ----------
    forwards, backwards : list of Recurrent
        A network for each layer; `backwards` is empty in one direction.
    outputs : int
        Length of what a step gives: `hidden`, or twice that in two directions.

    Raises
    ------
    DomainError
        For an unknown cell, or a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> model = Stack("gru", inputs=3, hidden=5, layers=2, bidirectional=True)
    >>> outputs, states = model(np.ones((4, 2, 3)))
    >>> outputs.shape, len(states), states[0].shape
    ((4, 2, 10), 4, (2, 5))
    """

    def __init__(
        self,
        cell: str,
        inputs: int,
        hidden: int,
        layers: int = 1,
        bidirectional: bool = False,
        dropout: float = 0.0,
        batch_first: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
        **options: Any,
    ) -> None:
        check_sizes("Stack", inputs=inputs, hidden=hidden, layers=layers)
        if cell not in CELLS:
            raise ad.errors.DomainError(
                f"Stack: unknown cell {cell!r}; there are {', '.join(CELLS)}"
            )
        if "outputs" in options:
            raise ad.errors.DomainError("Stack: its networks give their states, and no outputs")
        rng = np.random.default_rng(rng)
        self.batch_first = batch_first
        self.outputs = hidden * (1 + bidirectional)
        sizes = [inputs] + [self.outputs] * (layers - 1)

        def networks() -> list[Recurrent]:
            make = partial(CELLS[cell], hidden=hidden, rng=rng, dtype=dtype, **options)
            return [make(inputs=size, batch_first=batch_first) for size in sizes]

        self.forwards = networks()
        self.backwards = networks() if bidirectional else []
        self.dropout = ad.Dropout(dropout, rng=rng)

    def forward(
        self, xs: Any, h0: Any = None, mask: Any = None, truncate: int | None = None
    ) -> tuple[ad.Tensor, list[Any]]:
        """Go along a sequence, or along all those of a batch at once.

        Parameters
        ----------
        xs
            As for `Recurrent`.
        h0 : list, optional
            As the states that are returned: the state that each network starts from. Default: 0.
        mask, truncate
            As for `Recurrent`.

        Returns
        -------
        outputs : Tensor
            Of every step of the last layer, with time and batch as in `xs`.
        states : list
            The state in which each network ends: of each layer `forwards`, then `backwards`.

        Raises
        ------
        ShapeError
            If there are no steps, or if shapes do not fit.
        """
        first = self.forwards[0]
        steps = first.steps(xs)
        masks = first.masks(mask, steps)
        starts = iter(self._starts(h0))
        axis = int(self.batch_first and np.ndim(steps[0]) == 2)
        states: list[Any] = []

        def along(name: str, network: Recurrent, backwards: bool) -> Any:
            turn = slice(None, None, -1 if backwards else 1)
            turned = masks if masks is None else masks[turn]
            with ad.scope(f"{type(network).__name__} {name}"):
                outputs, end = network.run(steps[turn], next(starts), turned, truncate)
            states.append(end)
            return outputs[turn]

        for i, forwards in enumerate(self.forwards):
            steps = _each(self.dropout, steps) if i else steps
            outputs = along(f"forwards.{i}", forwards, False)
            if self.backwards:
                back = along(f"backwards.{i}", self.backwards[i], True)
                outputs = _each(lambda *both: ad.concatenate(both, -1), outputs, back)
            steps = outputs
        return joined(steps, axis), states

    def _starts(self, h0: Any) -> list[Any]:
        count = len(self.forwards) + len(self.backwards)
        if h0 is None:
            return [None] * count
        if len(h0) != count:
            raise ad.errors.ShapeError(
                f"Stack: h0 has {len(h0)} states; expected {count}, one for each network"
            )
        return list(h0)


def _each(f: Callable[..., Any], *outputs: Any) -> Any:
    """`f` of each step, or of all at once where they are one tensor."""
    if isinstance(outputs[0], list):
        return [f(*parts) for parts in zip(*outputs)]
    return f(*outputs)
