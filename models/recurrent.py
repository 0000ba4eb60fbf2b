"""What all recurrent networks share: the way along a sequence, and along many of them at once."""

from __future__ import annotations

from typing import Any

import numpy as np

import autodiff as ad
from models.arrays import as_array

__all__ = ["Recurrent", "affine", "check_sizes", "joined"]


class Recurrent(ad.Module):
    """Base of the networks with a state h, which each step of a sequence changes.

    A subclass makes its parameters, with a W of shape (hidden, inputs) among them, and states
    `cell`; it states `output` too if what a step gives is not h itself, and `start` and `state` if
    its state is more than one vector.
    """

    W: ad.Parameter
    batch_first: bool

    def cell(self, x: Any, h: Any) -> Any:
        """The state h(t) from x(t) and h(t-1).

        Parameters
        ----------
        x : array_like, shape (inputs,) or (batch, inputs)
        h : array_like, shape (hidden,) or (batch, hidden)

        Returns
        -------
        Tensor
            Of the shape of `h`.

        Raises
        ------
        ShapeError
            If shapes do not fit.
        """
        raise NotImplementedError(f"{type(self).__name__} states no cell()")

    def output(self, h: Any) -> ad.Tensor:
        """What a step gives, from its h(t)."""
        return h

    def start(self, x: Any) -> Any:
        """The state before a first step whose input is `x`: zeros."""
        return np.zeros(np.shape(x)[:-1] + self.W.shape[:1], self.W.dtype)

    def state(self, h: Any) -> Any:
        """A state of the caller's, of the form that `cell` gives."""
        return h

    def forward(
        self, xs: Any, h0: Any = None, mask: Any = None, truncate: int | None = None
    ) -> tuple[ad.Tensor, Any]:
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
        truncate : int, optional
            Backprop through time ends after so many steps: no error signal crosses the borders
            between pieces of this length (Williams and Peng 1990). Values are not changed.

        Returns
        -------
        outputs, h : Tensor
            `output` of every step, with time and batch as in `xs`, and the last state.

        Raises
        ------
        ShapeError
            If there are no steps, or if shapes do not fit.
        DomainError
            If `truncate` is below 1.
        """
        steps = self.steps(xs)
        outputs, h = self.run(steps, h0, self.masks(mask, steps), truncate)
        return joined(outputs, int(self.batch_first and np.ndim(steps[0]) == 2)), h

    def run(self, steps: Any, h0: Any, masks: Any, truncate: int | None = None) -> tuple[Any, Any]:
        """The outputs of `steps` and the last state; `masks` says which rows count.

        All of them are lists with an entry for each step, or arrays with time as first axis in a
        function that is being compiled.
        """
        if truncate is not None and truncate < 1:
            raise ad.errors.DomainError(f"truncate={truncate}; a piece has at least 1 step")
        h = self.start(steps[0]) if h0 is None else self.state(h0)
        along = self._loop if ad.is_compiling() else self._unrolled
        return along(steps, h, masks, truncate)

    def _unrolled(
        self, steps: list[Any], h: Any, masks: list[Any], truncate: int | None
    ) -> tuple[list[ad.Tensor], Any]:
        """Step by step, so that each can be drawn."""
        outputs = []
        for t, (x, counts) in enumerate(zip(steps, masks), 1):
            h = _cut(h, t, truncate)
            with ad.scope(f"{type(self).__name__} t={t}"):
                h = self._next(x, h, counts)
                outputs.append(self.output(h))
        return outputs, h

    def _loop(self, steps: Any, h: Any, masks: Any, truncate: int | None) -> tuple[ad.Tensor, Any]:
        """The same as a loop for each piece: the program does not grow with the steps."""

        def step(h: Any, given: Any) -> tuple[Any, Any]:
            h = self._next(*given[:1], h, *given[1:])
            return h, self.output(h)

        pieces, size = [], truncate or len(steps)
        given = (steps,) if masks is None else (steps, masks)
        for start in range(0, len(steps), size):
            h = _cut(h, start + 1, truncate)
            h, outputs = ad.scan(step, h, tuple(part[start : start + size] for part in given))
            pieces.append(outputs)
        return pieces[0] if len(pieces) == 1 else ad.concatenate(pieces), h

    def _next(self, x: Any, h: Any, counts: Any = None) -> Any:
        """h(t), which is h(t-1) in the rows that do not count."""
        new = self.cell(x, h)
        if counts is None:
            return new
        return ad.tree.map(lambda new, old: ad.where(counts, new, old), new, h)

    def steps(self, xs: Any) -> Any:
        """x(1), x(2), ..., each as `cell` takes it; see `run`."""
        if isinstance(xs, (list, tuple)) and (self.batch_first or ad.is_compiling()):
            xs = ad.stack(xs)
        if self.batch_first:
            xs = np.swapaxes(xs, 0, 1) if np.ndim(xs) == 3 else xs
        steps = xs if ad.is_compiling() else list(xs)
        if not len(steps):
            raise self._error("the sequence is empty; expected at least one step")
        return steps

    def masks(self, mask: Any, steps: Any) -> Any:
        """Which rows count, to be broadcast along h, None where all do; see `run`."""
        if mask is None:
            return None if ad.is_compiling() else [None] * len(steps)
        mask = as_array(mask, bool)
        expected = (len(steps), *np.shape(steps[0])[:-1])
        expected = expected[::-1] if self.batch_first else expected
        if mask.shape != expected:
            raise self._error(f"mask is {mask.shape}; expected {expected}, as xs but its last axis")
        mask = mask.T if self.batch_first else mask
        if ad.is_compiling():
            return mask[..., None]
        return [None if counts.all() else np.expand_dims(counts, -1) for counts in mask]

    def _fitting(self, x: Any, h: Any, name: str = "h") -> tuple[Any, Any]:
        """`x` and `h` as arrays or tensors, if their shapes are those of one step."""
        x, h = as_array(x), as_array(h)
        hidden, inputs = self.W.shape
        if x.ndim not in (1, 2) or x.shape[-1] != inputs:
            raise self._error(f"x(t) is {x.shape}; expected ({inputs},) or (batch, {inputs})")
        expected = (*x.shape[:-1], hidden)
        if h.shape != expected:
            raise self._error(
                f"{name} is {h.shape}; expected {expected} beside an x(t) of {x.shape}"
            )
        return x, h

    def _error(self, what: str) -> ad.errors.ShapeError:
        return ad.errors.ShapeError(f"{type(self).__name__}: {what}")


def _cut(h: Any, t: int, truncate: int | None) -> Any:
    """h(t-1), as a constant where a new piece begins."""
    begins = truncate is not None and t > 1 and (t - 1) % truncate == 0
    return ad.stop_gradient(h) if begins else h


def joined(outputs: Any, axis: int) -> ad.Tensor:
    """What `Recurrent.run` gives as one tensor, with time as this axis, 0 or 1."""
    if isinstance(outputs, list):
        return ad.stack(outputs, axis)
    return np.swapaxes(outputs, 0, 1) if axis else outputs


def affine(W: Any, x: Any, b: Any = None) -> Any:
    """``W x + b`` for a vector x, or for each row of a batch."""
    if x.ndim == 2:
        return ad.linear(x, W, b)
    return W @ x if b is None else W @ x + b


def check_sizes(model: str, **sizes: int) -> None:
    """Refuse sizes that are not whole, or below 1."""
    if not all(isinstance(n, (int, np.integer)) and n >= 1 for n in sizes.values()):
        raise ad.errors.DomainError(f"{model}: sizes {sizes}; each has to be at least 1, and whole")
