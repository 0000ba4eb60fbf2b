"""The simple recurrent network: the state goes through one activation a step."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.recurrent import Recurrent, affine, check_sizes

__all__ = ["ACTIVATIONS", "RNN"]

ACTIVATIONS = {"sigmoid": ad.sigmoid, "tanh": ad.tanh, "relu": ad.relu}


class RNN(Recurrent):
    """The simple recurrent network (Elman, Cognitive Science 14, 1990), with scores as outputs.

    With the activation f::

        h(t) = f(H h(t-1) + W x(t) + b1)
        y(t) = U h(t) + b2

    The scores y have no activation: `autodiff.softmax` makes them probabilities, and
    `autodiff.cross_entropy` takes them as they are.

    Parameters
    ----------
    inputs, hidden : int
        Lengths of x(t) and h(t).
    outputs : int or None
        Length of y(t); None: there are no U and b2, and what a step gives is h(t).
    activation : {"sigmoid", "tanh", "relu"}
        f.
    batch_first : bool
        Whether the first axis of a batch of sequences is the batch, and not time.
    rng : int or Generator
        Source of the starting weights: H orthogonal (Saxe et al. 2014), W and U uniform by
        Glorot's rule, biases zero.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    H, W, U : Parameter, shapes (hidden, hidden), (hidden, inputs), (outputs, hidden)
    b1, b2 : Parameter, shapes (hidden,), (outputs,)
        U and b2 are None without outputs.

    Raises
    ------
    DomainError
        For a size below 1, or an unknown activation.

    Examples
    --------
    >>> import numpy as np
    >>> model = RNN(inputs=3, hidden=5, outputs=2)
    >>> scores, h = model(np.ones((4, 3)))
    >>> scores.shape, h.shape
    ((4, 2), (5,))
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        outputs: int | None,
        activation: str = "sigmoid",
        batch_first: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        check_sizes("RNN", inputs=inputs, hidden=hidden, outputs=1 if outputs is None else outputs)
        if activation not in ACTIVATIONS:
            raise ad.errors.DomainError(
                f"RNN: unknown activation {activation!r}; there are {', '.join(ACTIVATIONS)}"
            )
        rng = np.random.default_rng(rng)
        self.activation, self.batch_first = activation, batch_first
        self.H = ad.Parameter(ad.init.orthogonal((hidden, hidden), rng=rng, dtype=dtype))
        self.W = ad.Parameter(ad.init.xavier_uniform((hidden, inputs), rng=rng, dtype=dtype))
        self.b1 = ad.Parameter(np.zeros(hidden, dtype))
        self.U = self.b2 = None
        if outputs is not None:
            self.U = ad.Parameter(ad.init.xavier_uniform((outputs, hidden), rng=rng, dtype=dtype))
            self.b2 = ad.Parameter(np.zeros(outputs, dtype))

    def cell(self, x: Any, h: Any) -> ad.Tensor:
        """h(t) from x(t) and h(t-1), for two vectors or for the rows of a batch."""
        x, h = self._fitting(x, h)
        f = ACTIVATIONS[self.activation]
        h = f(affine(self.H, h) + affine(self.W, x, self.b1))
        return h

    def output(self, h: Any) -> ad.Tensor:
        """The scores y(t) from h(t)."""
        if self.U is None:
            return h
        y = affine(self.U, h, self.b2)
        return y
