"""A number for a whole sequence."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.stack import Stack

__all__ = ["Regressor"]


class Regressor(ad.Module):
    """A recurrent network whose last state is mapped to a number.

    ::

        h = network(x(1), ..., x(T)) after the last step
        y = V h + c

    Parameters
    ----------
    inputs, hidden : int
        Lengths of x(t) and h.
    cell : {"gru", "lstm", "rnn"}
    rng : int or Generator
    dtype : dtype
    **options
        For the `Stack`, such as ``activation="sigmoid"`` of an "rnn".

    Attributes
    ----------
    network : Stack
    output : Linear
        V and c.

    Raises
    ------
    DomainError
        For a size below 1, or an unknown cell.

    Examples
    --------
    >>> Regressor(inputs=2, hidden=4)(np.ones((5, 3, 2))).shape
    (3,)
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        cell: str = "gru",
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
        **options: Any,
    ) -> None:
        rng = np.random.default_rng(rng)
        self.network = Stack(cell, inputs, hidden, rng=rng, dtype=dtype, **options)
        self.output = ad.Linear(hidden, 1, rng=rng, dtype=dtype)

    def forward(self, xs: Any) -> ad.Tensor:
        """Numbers (batch,) for sequences (time, batch, inputs)."""
        h, _ = self.network(xs)
        y = self.output(h[..., -1, :] if self.network.batch_first else h[-1])
        return y[..., 0]
