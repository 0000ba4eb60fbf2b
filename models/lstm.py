"""The long short-term memory: a state that gates write to, and another that they show."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.recurrent import Recurrent, affine, check_sizes

__all__ = ["LSTM"]


class LSTM(Recurrent):
    """The long short-term memory (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

    ::

        i         = sigmoid(Wi x(t) + Ui h(t-1) + bi)
        f         = sigmoid(Wf x(t) + Uf h(t-1) + bf)
        o         = sigmoid(Wo x(t) + Uo h(t-1) + bo)
        candidate = tanh(W x(t) + U h(t-1) + b)
        c(t)      = f * c(t-1) + i * candidate
        h(t)      = o * tanh(c(t))

    The state is the pair (h, c): `cell` takes and gives it, and so does h0. The output of a step
    is h. The equations are those of torch, without peepholes.

    Parameters
    ----------
    inputs, hidden : int
        Lengths of x(t), and of h(t) and c(t).
    bias : bool
        Whether there are bi, bf, bo and b.
    batch_first : bool
        Whether the first axis of a batch of sequences is the batch, and not time.
    rng : int or Generator
        Source of the starting weights: Wi, Wf, Wo and W uniform by Glorot's rule, Ui, Uf, Uo and
        U orthogonal. Biases start at 0, but bf at 1, so that at first little is forgotten
        (Jozefowicz et al. 2015).
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    Wi, Wf, Wo, W : Parameter, shape (hidden, inputs)
    Ui, Uf, Uo, U : Parameter, shape (hidden, hidden)
    bi, bf, bo, b : Parameter, shape (hidden,), or None

    Raises
    ------
    DomainError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> model = LSTM(inputs=3, hidden=5)
    >>> hs, (h, c) = model(np.ones((4, 2, 3)))
    >>> hs.shape, h.shape, c.shape
    ((4, 2, 5), (2, 5), (2, 5))
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool = True,
        batch_first: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        check_sizes("LSTM", inputs=inputs, hidden=hidden)
        rng = np.random.default_rng(rng)
        self.batch_first = batch_first

        def weights(start: float = 0.0) -> tuple[ad.Parameter, ad.Parameter, ad.Parameter | None]:
            W = ad.init.xavier_uniform((hidden, inputs), rng=rng, dtype=dtype)
            U = ad.init.orthogonal((hidden, hidden), rng=rng, dtype=dtype)
            b = ad.Parameter(np.full(hidden, start, dtype)) if bias else None
            return ad.Parameter(W), ad.Parameter(U), b

        self.Wi, self.Ui, self.bi = weights()
        self.Wf, self.Uf, self.bf = weights(1.0)
        self.Wo, self.Uo, self.bo = weights()
        self.W, self.U, self.b = weights()

    def start(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """h and c before a first step whose input is `x`: zeros."""
        return super().start(x), super().start(x)

    def state(self, h: Any) -> tuple[Any, Any]:
        """The pair (h, c)."""
        parts = len(h) if hasattr(h, "__len__") else 1
        if parts != 2:
            raise self._error(f"the state has {parts} parts; expected the pair (h, c)")
        h, c = h
        return h, c

    def output(self, h: Any) -> ad.Tensor:
        """h(t) of the pair."""
        shown, _ = h
        return shown

    def cell(self, x: Any, h: Any) -> tuple[ad.Tensor, ad.Tensor]:
        """(h(t), c(t)) from x(t) and (h(t-1), c(t-1)), for vectors or for the rows of a batch."""
        h, c = self.state(h)
        x, h = self._fitting(x, h)
        x, c = self._fitting(x, c, "c")
        i = ad.sigmoid(affine(self.Wi, x) + affine(self.Ui, h, self.bi))
        f = ad.sigmoid(affine(self.Wf, x) + affine(self.Uf, h, self.bf))
        o = ad.sigmoid(affine(self.Wo, x) + affine(self.Uo, h, self.bo))
        candidate = ad.tanh(affine(self.W, x) + affine(self.U, h, self.b))
        c = f * c + i * candidate
        h = o * ad.tanh(c)
        return h, c
