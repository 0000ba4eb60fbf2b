"""Recurrent networks: what all of them share, and the simplest one, Elman's."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["ACTIVATIONS", "RNN", "Recurrent", "affine", "check_sizes"]

ACTIVATIONS = {"sigmoid": ad.sigmoid, "tanh": ad.tanh, "relu": ad.relu}


class Recurrent(ad.Module):
    """Base of the networks with a state h, which each step of a sequence changes.

    A subclass makes its parameters, with a W of shape (hidden, inputs) among them, and states
    `cell`; it states `output` too if what a step gives is not h itself.
    """

    W: ad.Parameter
    batch_first: bool

    def cell(self, x: Any, h: Any) -> ad.Tensor:
        """h(t) from x(t) and h(t-1), for two vectors or for the rows of a batch."""
        raise NotImplementedError(f"{type(self).__name__} states no cell()")

    def output(self, h: Any) -> ad.Tensor:
        """What a step gives, from its h(t)."""
        return h

    def forward(self, xs: Any, h0: Any = None, mask: Any = None) -> tuple[ad.Tensor, ad.Tensor]:
        """Go along a sequence, or along all those of a batch at once.

        Parameters
        ----------
        xs : array_like or list of Tensor
            Of shape (time, inputs) or (time, batch, inputs); the latter is (batch, time, inputs)
            if `batch_first`.
        h0 : array_like, optional
            The state before the first step, of shape (hidden,) or (batch, hidden). Default: 0.
        mask : array_like of bool, optional
            Of the shape of `xs` without its last axis. A step where it is false, as after the end
            of a shorter sequence, leaves h as it was.

        Returns
        -------
        outputs, h : Tensor
            `output` of every step, with time and batch as in `xs`, and the last state.

        Raises
        ------
        ShapeError
            If there are no steps, or if shapes do not fit.
        """
        steps = self._steps(xs)
        masks = self._masks(mask, steps)
        h = self._zeros(steps[0]) if h0 is None else h0
        outputs = []
        for t, (x, counts) in enumerate(zip(steps, masks), 1):
            with ad.scope(f"{type(self).__name__} t={t}"):
                before, h = h, self.cell(x, h)
                if counts is not None:
                    h = ad.where(counts, h, before)
                outputs.append(self.output(h))
        return ad.stack(outputs, int(self.batch_first and h.ndim == 2)), h

    def _steps(self, xs: Any) -> list[Any]:
        """x(1), x(2), ..., each as `cell` takes it."""
        if self.batch_first:
            xs = ad.stack(xs) if isinstance(xs, (list, tuple)) else xs
            xs = np.swapaxes(xs, 0, 1) if np.ndim(xs) == 3 else xs
        steps = list(xs)
        if not steps:
            raise self._error("the sequence is empty; expected at least one step")
        return steps

    def _masks(self, mask: Any, steps: list[Any]) -> Any:
        """For each step which rows count, to be broadcast along h; None where all do."""
        if mask is None:
            return [None] * len(steps)
        mask = np.asarray(mask, bool)
        expected = (len(steps), *np.shape(steps[0])[:-1])
        expected = expected[::-1] if self.batch_first else expected
        if mask.shape != expected:
            raise self._error(f"mask is {mask.shape}; expected {expected}, as xs but its last axis")
        return np.expand_dims(mask.T if self.batch_first else mask, -1)

    def _zeros(self, x: Any) -> np.ndarray:
        return np.zeros(np.shape(x)[:-1] + self.W.shape[:1], self.W.dtype)

    def _fitting(self, x: Any, h: Any) -> tuple[Any, Any]:
        """`x` and `h` as arrays or tensors, if their shapes are those of one step."""
        x, h = (a if isinstance(a, ad.Tensor) else np.asarray(a) for a in (x, h))
        hidden, inputs = self.W.shape
        if x.ndim not in (1, 2) or x.shape[-1] != inputs:
            raise self._error(f"x(t) is {x.shape}; expected ({inputs},) or (batch, {inputs})")
        expected = (*x.shape[:-1], hidden)
        if h.shape != expected:
            raise self._error(f"h is {h.shape}; expected {expected} beside an x(t) of {x.shape}")
        return x, h

    def _error(self, what: str) -> ad.errors.ShapeError:
        return ad.errors.ShapeError(f"{type(self).__name__}: {what}")


class RNN(Recurrent):
    """The simple recurrent network (Elman, Cognitive Science 14, 1990), with scores as outputs.

    With the activation f::

        h(t) = f(H h(t-1) + W x(t) + b1)
        y(t) = U h(t) + b2

    The scores y have no activation: `autodiff.softmax` makes them probabilities, and
    `autodiff.cross_entropy` takes them as they are.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Lengths of x(t), h(t) and y(t).
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
        outputs: int,
        activation: str = "sigmoid",
        batch_first: bool = False,
        rng: int | np.random.Generator = 0,
        dtype: Any = np.float64,
    ) -> None:
        check_sizes("RNN", inputs=inputs, hidden=hidden, outputs=outputs)
        if activation not in ACTIVATIONS:
            raise ad.errors.DomainError(
                f"RNN: unknown activation {activation!r}; there are {', '.join(ACTIVATIONS)}"
            )
        rng = np.random.default_rng(rng)
        self.activation, self.batch_first = activation, batch_first
        self.H = ad.Parameter(ad.init.orthogonal((hidden, hidden), rng=rng, dtype=dtype))
        self.W = ad.Parameter(ad.init.xavier_uniform((hidden, inputs), rng=rng, dtype=dtype))
        self.b1 = ad.Parameter(np.zeros(hidden, dtype))
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
        y = affine(self.U, h, self.b2)
        return y


def affine(W: Any, x: Any, b: Any = None) -> Any:
    """``W x + b`` for a vector x, or for each row of a batch."""
    if x.ndim == 2:
        return ad.linear(x, W, b)
    return W @ x if b is None else W @ x + b


def check_sizes(model: str, **sizes: int) -> None:
    """Refuse sizes below 1."""
    if min(sizes.values()) < 1:
        raise ad.errors.DomainError(f"{model}: sizes {sizes}; each has to be at least 1")
