"""The steps of a computation, recorded as it runs on plain numpy, and a mistake at one of them.

A gradient written by hand is a chain of local derivatives. If one link is wrong, the gradients of
all inputs before it are wrong, and none of them by itself says why. So the forward is run on
values that note each numpy function applied to them; then every guess is made at every step.
"""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from autodiff import tree
from autodiff.testing.guesses import guesses
from autodiff.testing.probes import Probe, differences, is_near
from autodiff.testing.problem import Problem

__all__ = ["Mistake", "mistakes"]

MOST = 60
"""Computations of more steps are not searched."""
LARGEST = 400


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
        The function of those arguments alone.
    value : ndarray
    """

    name: str
    where: str
    parents: list[int]
    call: Callable[..., np.ndarray]
    value: np.ndarray


@dataclass(frozen=True)
class Mistake:
    """The gradients of all inputs, had a mistake been made at one step."""

    kind: str
    text: str
    values: list[np.ndarray]


class _UntraceableError(Exception):
    """The computation does something that is not recorded."""


class _Traced(NDArrayOperatorsMixin):  # type: ignore[misc]
    """An array that notes what is done with it."""

    __slots__ = ("number", "tape", "value")
    __array_priority__ = 2000

    def __init__(self, value: np.ndarray, tape: list[Step], number: int) -> None:
        self.value, self.tape, self.number = value, tape, number

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        if kwargs.get("out") is not None:
            raise _UntraceableError
        name = ufunc.__name__ if how == "__call__" else f"{ufunc.__name__}.{how}"
        return self._noted(name, getattr(ufunc, how), inputs, kwargs)

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return self._noted(f.__name__, f, args, kwargs)

    def __getitem__(self, index: Any) -> Any:
        return self._noted("indexing", lambda x: x[_plain(index)], (self,), {})

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
        leaves, definition = tree.flatten((tuple(args), kwargs))
        slots = [i for i, leaf in enumerate(leaves) if isinstance(leaf, _Traced)]

        def call(*values: np.ndarray) -> Any:
            filled = list(leaves)
            for i, x in zip(slots, values, strict=True):
                filled[i] = x
            given, settings = tree.unflatten(definition, filled)
            return f(*given, **settings)

        value = call(*(leaves[i].value for i in slots))
        if isinstance(value, (tuple, list)):
            raise _UntraceableError
        if np.asarray(value).dtype.kind != "f":
            return value  # a comparison or a place: no derivative
        if len(self.tape) >= MOST or np.size(value) > LARGEST:
            raise _UntraceableError
        step = Step(name, _users_line(), [leaves[i].number for i in slots], call, np.asarray(value))
        self.tape.append(step)
        return _Traced(np.asarray(value), self.tape, len(self.tape) - 1)


def _plain(x: Any) -> Any:
    return tree.map(lambda leaf: leaf.value if isinstance(leaf, _Traced) else leaf, x)


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


@dataclass
class _Chain:
    """A recorded computation with its cotangents, and how each step depends on the inputs."""

    steps: list[Step]
    inputs: list[np.ndarray]
    result: int
    blocks: list[list[np.ndarray]] = field(default_factory=list)
    cotangents: list[np.ndarray] = field(default_factory=list)
    dependence: list[np.ndarray] = field(default_factory=list)


def _recorded(problem: Problem, probe: Probe) -> _Chain | None:
    """The computation at a probe; None where it cannot be recorded."""
    tape: list[Step] = []
    leaves = []
    for x in probe.inputs:
        tape.append(Step("input", "", [], np.array, x))
        leaves.append(_Traced(x, tape, len(tape) - 1))
    try:
        out = problem.source.forward(problem.filled(leaves))
    except Exception:
        return None
    results = [r for r in tree.flatten(out)[0] if isinstance(r, _Traced)]
    if len(results) != 1 or len(probe.results) != 1 or results[0].shape != probe.results[0].shape:
        return None
    chain = _Chain(tape, probe.inputs, results[0].number)
    _differentiate(chain, probe)
    return chain


def _differentiate(chain: _Chain, probe: Probe) -> None:
    sizes = [x.size for x in chain.inputs]
    edges = np.cumsum([0, *sizes])
    for number, step in enumerate(chain.steps):
        if number < len(chain.inputs):
            chain.blocks.append([])
            chain.dependence.append(np.eye(edges[-1])[edges[number] : edges[number + 1]])
            continue
        values = [chain.steps[p].value for p in step.parents]
        blocks = differences(lambda *xs, s=step: [s.call(*xs)], values, step.value.size)
        chain.blocks.append(blocks)
        parts = [b @ chain.dependence[p] for b, p in zip(blocks, step.parents, strict=True)]
        chain.dependence.append(sum(parts, np.zeros((step.value.size, edges[-1]))))
    chain.cotangents = [np.zeros(step.value.size) for step in chain.steps]
    chain.cotangents[chain.result] = probe.v.copy()
    for number in reversed(range(len(chain.steps))):
        for parent, block in zip(chain.steps[number].parents, chain.blocks[number], strict=True):
            chain.cotangents[parent] += chain.cotangents[number] @ block


def mistakes(
    problem: Problem, probe: Probe, wanted: set[tuple[str, str]] | None = None
) -> Iterator[Mistake]:
    """The gradients with each guess made at each step, those `wanted` or all."""
    chain = _recorded(problem, probe)
    if chain is None:
        return
    right = np.concatenate([np.ravel(probe.numeric(i)) for i in range(len(probe.inputs))])
    if not is_near(chain.cotangents[chain.result] @ chain.dependence[chain.result], right):
        return
    edges = np.cumsum([x.size for x in probe.inputs])[:-1]
    for number in range(len(chain.inputs), len(chain.steps)):
        local = _local(chain, number)
        for k, parent in enumerate(chain.steps[number].parents):
            for guess in guesses(local, k):
                kind = "dropped path" if guess.kind == "no gradient" else guess.kind
                text = _described(chain.steps[number], k, kind, guess.text)
                if wanted is not None and (kind, text) not in wanted:
                    continue
                if guess.value.shape != local.inputs[k].shape:
                    continue
                change = (guess.value - local.numeric(k)).ravel() @ chain.dependence[parent]
                parts = np.split(right + change, edges)
                shaped = [g.reshape(x.shape) for g, x in zip(parts, probe.inputs, strict=True)]
                yield Mistake(kind, text, shaped)


def _local(chain: _Chain, number: int) -> Probe:
    step = chain.steps[number]
    values = [chain.steps[p].value for p in step.parents]
    cotangent = chain.cotangents[number].reshape(step.value.shape)
    made = Probe(lambda *xs: [np.asarray(step.call(*xs))], values, [step.value], [cotangent],
                 chain.blocks[number], [])  # fmt: skip
    made.analytic = [made.numeric(k) for k in range(len(values))]
    return made


def _described(step: Step, k: int, kind: str, text: str) -> str:
    argument = f", argument {k}" if len(step.parents) > 1 else ""
    what = "the path through here is forgotten" if kind == "dropped path" else text
    where = f" in {step.where}" if step.where else ""
    return f"at {step.name}{argument}{where}: {what}"
