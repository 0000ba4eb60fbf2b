"""The forward loop of a scan: the cell, traced on one step."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.loop import Loop
from autodiff.compiler.tracing.loop_graph import LoopGraph, array_of, leaf_of
from autodiff.compiler.tracing.program import Program, Value, example_of, leaves
from autodiff.compiler.tracing.refusals import changes_from_step_to_step
from autodiff.compiler.tracing.steps import pair
from autodiff.compiler.tracing.traced import Traced, emit, recording_into
from autodiff.errors import ShapeError
from autodiff.nodes import tick
from autodiff.tensor import Tensor, wrap

__all__ = ["Forward"]


class Forward(LoopGraph):
    """The cell, traced on one step."""

    def __init__(
        self, cell: Callable[..., Any], h0: Any, xs: list[Any], x_def: Any, length: int
    ) -> None:
        self.start, self.cell, self.x_def = tick(), cell, x_def
        self.h0, self.h_def = tree.flatten(h0)
        self.starts = list(map(array_of, self.h0))
        self.xs, self.length = xs, length
        self.plain_h = [not isinstance(h, Tensor) for h in self.h0]
        settled = False
        self._trace()
        while not settled:
            settled, before = self._settle(), self.loop.body.program
            self._trace()  # twice at least: what another step has kept has no value in the second
        self._check()
        if _work(before) != _work(self.loop.body.program):
            raise changes_from_step_to_step()
        carries = self.loop.close([h._value for h in self.h_out])
        self.values = [*carries, *(self.loop.stacked(y._value) for y in self.ys)]
        self.connect()

    def _settle(self) -> bool:
        """Let the state be from the first step on what it is from the second step on: a tensor, or
        of another dtype than a number of Python's; whether it was so."""
        plain = [p and q for p, q in zip(self.plain_h, self.plain_h_out, strict=True)]
        starts = [_like(s, h._value) for s, h in zip(self.starts, self.h_out, strict=True)]
        same = plain == self.plain_h and all(map(operator.is_, starts, self.starts))
        self.plain_h, self.starts = plain, starts
        return same

    def _trace(self) -> None:
        h_arrays, x_arrays = self.starts, list(map(array_of, self.xs))
        self.loop = Loop(self.length, False, h_arrays, x_arrays)
        body = self.loop.body
        with recording_into(body):
            self.h_in = [
                leaf_of(body.input(example_of(h)), not plain)
                for h, plain in zip(h_arrays, self.plain_h, strict=True)
            ]
            self.x_in = [
                leaf_of(body.input(example_of(a)[0]), isinstance(x, Tensor) and x.requires_grad)
                for a, x in zip(x_arrays, self.xs, strict=True)
            ]
            h, y = pair(self.cell(*self._as_in_eager_mode()))
            h_out = tree.leaves_like(self.h_def, h)
            ys, self.y_def = tree.flatten([] if y is None else [y])
            self.plain_h_out = [not isinstance(leaf, Tensor) for leaf in h_out]
            self.h_out = [_as_strong(_as_tensor(o), i) for o, i in zip(h_out, self.h_in)]
            self.ys = list(map(_as_tensor, ys))

    def _as_in_eager_mode(self) -> tuple[Any, Any]:
        """Arrays where the caller gave arrays, and tensors where tensors."""
        h = [t._value if p else t for t, p in zip(self.h_in, self.plain_h, strict=True)]
        x = [
            t if isinstance(given, Tensor) else t._value
            for t, given in zip(self.x_in, self.xs, strict=True)
        ]
        return tree.unflatten(self.h_def, h), tree.unflatten(self.x_def, x)

    def _check(self) -> None:
        for before, after in zip(self.h_in, self.h_out, strict=True):
            if before.shape != after.shape or before.dtype != after.dtype:
                raise ShapeError(
                    f"scan: the state is {before.dtype}{before.shape} before a step and "
                    f"{after.dtype}{after.shape} after it; a loop needs the same"
                )


def _work(body: Program) -> list[Any]:
    """What is done, and with which constants."""
    found: list[Any] = []
    for i in body.instructions:
        found += [i.name, *map(_constant, leaves((i.args, i.kwargs)))]
        found += _work(i.body) if i.body is not None else []
    return found


def _constant(leaf: Any) -> Any:
    if isinstance(leaf, (np.ndarray, np.generic, float)):
        array = np.asarray(leaf)
        return array.dtype, array.shape, array.tobytes()  # nan is nan
    if isinstance(leaf, slice):
        return list(map(_constant, (leaf.start, leaf.stop, leaf.step)))
    return leaf if isinstance(leaf, (int, str)) else type(leaf)


def _like(start: Any, after: Any) -> Any:
    """A number of Python's in the dtype of what it is after a step."""
    before = start.value if isinstance(start, Traced) else Value.like(start)
    same = before.dtype == after.dtype and before.weak == after.value.weak
    if same or not before.weak or not np.can_cast(before.dtype, after.dtype, "same_kind"):
        return start
    if after.value.weak:
        return type(after.example)(start)
    return emit(cast, start, after.dtype) if isinstance(start, Traced) else cast(start, after.dtype)


def _as_tensor(leaf: Any) -> Tensor:
    """A result of the cell, which a constant becomes too."""
    value = array_of(leaf)
    if isinstance(value, Traced):
        return leaf if isinstance(leaf, Tensor) else wrap(value, None)
    return wrap(emit(copied, value), None)


def _as_strong(after: Tensor, before: Tensor) -> Tensor:
    """A number of Python's as an array, where the state is one before the step."""
    if before._value.value.weak or not after._value.value.weak:
        return after
    return wrap(emit(cast, after._value, after.dtype), None)
