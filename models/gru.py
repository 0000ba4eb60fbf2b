"""The gated recurrent unit: gates decide how much of the state each step changes."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.recurrent import Recurrent, affine, check_sizes

__all__ = ["GRU"]


class GRU(Recurrent):
    """The gated recurrent unit (Cho et al., EMNLP 2014), whose outputs are its states.

    ::

        z         = sigmoid(Wz x(t) + Uz h(t-1) + bz)
        r         = sigmoid(Wr x(t) + Ur h(t-1) + br)
        candidate = tanh(W x(t) + r * (U h(t-1) + c) + b)
        h(t)      = z * h(t-1) + (1 - z) * candidate

    Here, as for Cho et al. and in torch, the update gate z is the part of h that is kept. Others
    exchange z and 1 - z (Chung et al. 2014), which is the same network with Wz, Uz and bz
    negated. The reset gate r acts on U h, as in torch, and not on h before U, as for Cho et al.
    `models.torch_layout` brings weights here from torch's layout, and back.

    Parameters
    ----------
    inputs, hidden : int
        Lengths of x(t) and h(t).
    bias : bool
        Whether there are bz, br and b.
    inner_bias : bool
        Whether there is a c, as torch has it (there ``b_hn``).
    batch_first : bool
        Whether the first axis of a batch of sequences is the batch, and not time.
    rng : int or Generator
        Source of the starting weights: Wz, Wr and W uniform by Glorot's rule, Uz, Ur and U
        orthogonal (Saxe et al. 2014), biases zero.
    dtype : dtype
        Of the parameters.

    Attributes
    ----------
    Wz, Wr, W : Parameter, shape (hidden, inputs)
    Uz, Ur, U : Parameter, shape (hidden, hidden)
    bz, br, b, c : Parameter, shape (hidden,), or None

    Raises
    ------
    DomainError
        For a size below 1.

    Examples
    --------
    >>> import numpy as np
    >>> model = GRU(inputs=3, hidden=5)
    >>> hs, h = model(np.ones((4, 2, 3)))
    >>> hs.shape, h.shape
    ((4, 2, 5), (2, 5))
    """

    def __init__(
        self,
        inputs: int,
        hidden: int,
        bias: bool = True,
        inner_bias: bool = False,
        batch_first: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        check_sizes("GRU", inputs=inputs, hidden=hidden)
        rng = np.random.default_rng(rng)
        self.batch_first = batch_first

        def weights() -> tuple[ad.Parameter, ad.Parameter, ad.Parameter | None]:
            W = ad.init.xavier_uniform((hidden, inputs), rng=rng, dtype=dtype)
            U = ad.init.orthogonal((hidden, hidden), rng=rng, dtype=dtype)
            b = ad.Parameter(np.zeros(hidden, dtype)) if bias else None
            return ad.Parameter(W), ad.Parameter(U), b

        self.Wz, self.Uz, self.bz = weights()
        self.Wr, self.Ur, self.br = weights()
        self.W, self.U, self.b = weights()
        self.c = ad.Parameter(np.zeros(hidden, dtype)) if inner_bias else None

    def cell(self, x: Any, h: Any) -> ad.Tensor:
        """h(t) from x(t) and h(t-1), for two vectors or for the rows of a batch."""
        x, h = self._fitting(x, h)
        z = ad.sigmoid(affine(self.Wz, x) + affine(self.Uz, h, self.bz))
        r = ad.sigmoid(affine(self.Wr, x) + affine(self.Ur, h, self.br))
        candidate = ad.tanh(affine(self.W, x, self.b) + r * affine(self.U, h, self.c))
        h = z * h + (1 - z) * candidate
        return h
