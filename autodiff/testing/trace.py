"""The steps of a computation, noted as it runs on plain numpy."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autodiff import tree

__all__ = ["Step", "Trace", "record"]

MOST = 100
"""Computations of more steps are not recorded."""
LARGEST = 400
"""Nor are those with larger arrays in between."""
ALONG = ("sum", "mean", "max", "min", "prod", "std", "var", "cumsum")
"""Functions that go along an axis, their second argument."""


@dataclass
class Step:
    """One numpy function applied to traced values.

    Attributes
    ----------
    name : str
    where : str
        The line of the user's code.
    parents : list of int
        Numbers of the steps, one for each traced argument.
    call : callable
        The function of those arguments alone; keywords replace its settings.
    value : ndarray
    settings : dict
        The keywords it was called with.
    """

    name: str
    where: str
    parents: list[int]
    call: Callable[..., np.ndarray]
    value: np.ndarray
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """The step and its line, for texts."""
        return f"{self.name} in {self.where}" if self.where else self.name


@dataclass
class Trace:
    """A recorded computation: its steps, the inputs first, and the numbers of the results."""

    steps: list[Step] = field(default_factory=list)
    results: list[int] = field(default_factory=list)

    def alike(self, number: int) -> list[int]:
        """The steps that have the same axis as the step `number`."""
        axis = self.steps[number].settings.get("axis")
        return [i for i, step in enumerate(self.steps) if step.settings.get("axis") == axis]

    def other_axes(self, number: int) -> list[int]:
        """The axes along which the step `number` could have gone, and did not."""
        step = self.steps[number]
        axis = step.settings.get("axis")
        ndim = max((self.steps[p].value.ndim for p in step.parents), default=0)
        if step.name not in ALONG or not isinstance(axis, int):
            return []
        return [k for k in range(ndim) if k != axis % ndim]

    def added(self, number: int) -> float:
        """The small constant that the step `number` adds to its argument; 0 if it does not."""
        step = self.steps[number]
        if step.name not in ("add", "maximum") or len(step.parents) != 1:
            return 0.0
        constants = np.unique((step.value - self.steps[step.parents[0]].value).round(12))
        return float(constants[0]) if len(constants) == 1 and abs(constants[0]) < 0.1 else 0.0

    def values(
        self, inputs: Sequence[np.ndarray], calls: Mapping[int, Any] | None = None
    ) -> list[np.ndarray]:
        """What each step gives for other inputs, some of them with other functions."""
        found, others = list(inputs), calls or {}
        for i, step in enumerate(self.steps[len(inputs) :], len(inputs)):
            given = [found[p] for p in step.parents]
            found.append(np.asarray(others.get(i, step.call)(*given)))
        return found


def record(forward: Callable[..., Any], inputs: Sequence[np.ndarray]) -> Trace:
    """Note the steps of ``forward(*inputs)``: none where that cannot be done."""
    tape = [Step("input", "", [], np.array, x) for x in inputs]
    try:
        out = forward(*(_Traced(x, tape, i) for i, x in enumerate(inputs)))
    except Exception:
        return Trace()
    results = [_number(leaf, tape) for leaf in tree.flatten(out)[0]]
    found = [number for number in results if number is not None]
    return Trace(tape, found)


def _number(leaf: Any, tape: list[Step]) -> int | None:
    """The step a result is of; one that was made a plain array at the end is known by value."""
    if isinstance(leaf, _Traced):
        return leaf.number
    alike = [i for i, step in enumerate(tape) if np.array_equal(step.value, leaf)]
    return alike[-1] if alike else None


class _UntraceableError(Exception):
    """The computation does something that is not recorded."""


class _Traced(NDArrayOperatorsMixin):  # type: ignore[misc]
    """An array that notes what is done with it."""

    __slots__ = ("number", "tape", "value")
    __array_priority__ = 2000

    def __init__(self, value: np.ndarray, tape: list[Step], number: int) -> None:
        self.value, self.tape, self.number = value, tape, number

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self.value

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        kwargs.pop("out", None)  # what is written to is bound to the result by Python
        name = ufunc.__name__ if how == "__call__" else f"{ufunc.__name__}.{how}"
        return self._noted(name, getattr(ufunc, how), inputs, kwargs)

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._noted(f.__name__, f, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        place = tree.map(lambda i: i.value if isinstance(i, _Traced) else i, index)
        return self._noted("indexing", lambda x: x[place], (self,), {})

    def __setitem__(self, index: Any, value: Any) -> None:
        raise _UntraceableError

    def __len__(self) -> int:
        return len(self.value)

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self.value)))

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.value, name)
        if name == "T":
            return self._noted("transpose", np.transpose, (self,), {})
        if not callable(found):
            return found
        if name == "copy":
            return lambda: self
        call = lambda x, *args, **kwargs: getattr(x, name)(*args, **kwargs)  # noqa: E731
        return lambda *args, **kwargs: self._noted(name, call, (self, *args), kwargs)

    def _noted(self, name: str, f: Any, args: Any, kwargs: Any) -> Any:
        if name in ALONG and len(args) == 2:
            args, kwargs = args[:1], kwargs | {"axis": args[1]}
        leaves, definition = tree.flatten((tuple(args), kwargs))
        slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, _Traced)]
        is_flat = len(args) == len(leaves)

        def call(*values: np.ndarray, **changed: Any) -> Any:
            filled = list(leaves)
            for i, x in zip(slots, values, strict=True):
                filled[i] = x
            given, settings = (filled, kwargs) if is_flat else tree.unflatten(definition, filled)
            return f(*given, **settings | changed)

        parts, shape = tree.flatten(call(*(leaves[i].value for i in slots)))
        parents = [leaves[i].number for i in slots]
        if len(parts) == 1:
            return self._step(parts[0], name, parents, call, kwargs)
        noted = [
            self._step(x, f"{name}[{i}]", parents, partial(_part, call, i), {})
            for i, x in enumerate(parts)
        ]
        return tree.unflatten(shape, noted)

    def _step(
        self, value: Any, name: str, parents: list[int], call: Any, settings: dict[str, Any]
    ) -> Any:
        if np.asarray(value).dtype.kind != "f":
            return value  # a comparison or a place: no derivative
        if len(self.tape) >= MOST or np.size(value) > LARGEST:
            raise _UntraceableError
        step = Step(name, _users_line(), parents, call, np.asarray(value), settings)
        self.tape.append(step)
        return _Traced(step.value, self.tape, len(self.tape) - 1)


def _part(call: Callable[..., Any], i: int, *values: np.ndarray) -> Any:
    """One of the several arrays that a function gives."""
    return tree.flatten(call(*values))[0][i]


def _users_line() -> str:
    """Where in the user's code the step being noted is taken."""
    frame: Any = sys._getframe(2)
    while frame and (
        "/numpy/" in frame.f_code.co_filename or frame.f_globals.get("__name__") == __name__
    ):
        frame = frame.f_back
    if not frame:
        return ""
    text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    return f"line {frame.f_lineno}" + (f", `{text}`" if text else "")
