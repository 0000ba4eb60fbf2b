"""The short way into a program: arguments compared with those of the last call.

To look through a model anew at each call would take longer than a small training step. What was
found the last time is written down as the text of a function that checks just that: the same
containers with the same things in them, tensors with the same memory, arrays of the same kind.
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from autodiff.compiler.buffers import is_apart
from autodiff.module import Module
from autodiff.optim import Optimizer
from autodiff.settings import is_recording
from autodiff.tensor import Tensor
from autodiff.tracked import Tracked

__all__ = ["matcher"]

_SEQUENCES = (list, tuple, dict)
_CONSTANTS = (set, frozenset, deque)


class _Text:
    """The lines of a matcher, and the objects that they name."""

    def __init__(self, holders: list[Any]) -> None:
        self.names: dict[str, Any] = {
            "is_recording": is_recording, "recording": is_recording(), "refs": getrefcount,
            "ndarray": np.ndarray, "same": operator.is_,
        }  # fmt: skip
        self.holders = {id(h) for h in holders}
        self.lines: list[str] = []
        self.leaves: dict[int, str] = {}
        self.numbers: list[str] = []
        self.arrays: list[str] = []

    def name(self, thing: Any) -> str:
        """A name for an object."""
        text = f"c{len(self.names)}"
        self.names[text] = thing
        return text

    def require(self, test: str) -> None:
        """Without which another kind of call is under way."""
        self.lines.append(f"if not ({test}): return None")

    def visit(self, value: Any, text: str) -> bool:
        """Write down what to check of a value; False if there is no short way for it."""
        kind = type(value)
        if isinstance(value, _SEQUENCES):
            return self._sequence(value, text)
        if isinstance(value, Tensor):
            return self._tensor(value, text)
        if kind is np.ndarray:
            return self._array(value, text)
        if isinstance(value, (Module, Optimizer, *_CONSTANTS)):
            self.require(f"{text} is {self.name(value)}")
            return self._inside(value)
        if kind is float or isinstance(value, np.generic):
            self.require(f"{text}.__class__ is {self.name(kind)}")
            self.numbers.append(text)
            return True
        self.require(f"{text} is {self.name(value)}")
        return True

    def _sequence(self, value: Any, text: str) -> bool:
        kind = self.name(type(value))
        self.require(f"{text}.__class__ is {kind} and len({text}) == {len(value)}")
        keys = list(value) if isinstance(value, dict) else range(len(value))
        if isinstance(value, dict):
            if type(value) is not dict or not all(isinstance(k, str) for k in keys):
                return False
            self.require(f"tuple({text}) == {self.name(tuple(keys))}")
        return all(self.visit(value[k], f"{text}[{k!r}]") for k in keys)

    def _tensor(self, value: Tensor, text: str) -> bool:
        self.require(f"{text} is {self.name(value)}")
        return self._unchanged(value)

    def _unchanged(self, value: Tensor) -> bool:
        if id(value) in self.leaves:
            return True
        is_result = value._node is not None and value._node.info is None
        if is_result or value.grad is not None or not isinstance(value._value, np.ndarray):
            return False
        name, array = self.name(value), self.name(value._value)
        self.leaves[id(value)] = name
        self.require(f"{name}._value is {array}")
        if value._node is not None:
            info, hooks = f"{name}._node.info", self.name(value._node.info.hooks)
            self.require(f"{info}.grad is None and {info}.hooks == {hooks}")
        self.arrays.append(array)
        return True

    def _array(self, value: Any, text: str) -> bool:
        if (first := self.leaves.get(id(value))) is not None:
            self.require(f"{text} is {first}")  # one argument in two places
            return True
        shape, dtype = self.name(value.shape), self.name(value.dtype)
        self.require(
            f"{text}.__class__ is ndarray and {text}.shape == {shape} and {text}.dtype is {dtype}"
        )
        self.leaves[id(value)] = text
        return True

    def places(self, holders: list[Any]) -> list[Any]:
        """Where each of them is; None where that has not been met."""
        numbers = iter(self.numbers)
        return [
            self.leaves.get(id(h)) if isinstance(h, (Tracked, np.ndarray)) else next(numbers)
            for h in holders
        ]

    def require_apart(self, places: list[str], written: dict[int, Any]) -> None:
        """Arrays share no memory with those that are written into."""
        self.names |= {"written": written, "apart": is_apart}
        for x in places:
            known = "" if 0 in written else f"{x}.base is None and id({x}) not in written or "
            self.require(f"{known}apart({x}, written)")

    def _inside(self, thing: Any) -> bool:
        """All that a module or an optimiser consists of is still the same."""
        if isinstance(thing, (Module, Optimizer)):
            space = vars(thing)
            names, values = self.name(space), self.name(tuple(space.values()))
            self.require(f"len({names}) == {len(space)}")
            self.require(f"all(map(same, {names}.values(), {values}))")
            return all(self._inside(v) for k, v in space.items() if k != "_slots")
        if isinstance(thing, Tensor):
            return self._unchanged(thing)
        if isinstance(thing, (list, dict, *_CONSTANTS)):
            held, parts = self.name(thing), tuple(_parts(thing))
            self.require(f"len({held}) == {len(parts)}")
            view = f"{held}.values()" if isinstance(thing, dict) else held
            if isinstance(thing, dict):
                self.require(f"tuple({held}) == {self.name(tuple(thing))}")
            self.require(f"all(map(same, {view}, {self.name(parts)}))")
        if isinstance(thing, (*_SEQUENCES, *_CONSTANTS)):
            return all(map(self._inside, _parts(thing)))
        if isinstance(thing, np.ndarray):
            name = self.name(thing)
            self.require(f"{name}.flags.writeable is {thing.flags.writeable}")
            if "[" in (place := self.leaves.setdefault(id(thing), name)):
                self.require(f"{place} is {name}")  # an argument that a module holds as well
            return id(thing) in self.holders  # else what is in it is a constant
        return True


def _parts(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def matcher(
    args: tuple[Any, ...], kwargs: dict[str, Any], holders: list[Any], written: dict[int, Any]
) -> tuple[Callable[..., Any], list[int], Callable[[], None]] | None:
    """A function of ``(args, kwargs)`` that gives those inputs of the program that may be new.

    It gives None if anything else is not as in this call: then the long way has to be taken.

    Parameters
    ----------
    args, kwargs
        The arguments of this call.
    holders : list
        The tensors, arrays and numbers that are the program's inputs, in order.
    written : dict
        Arrays among them that are written into, by their owners.

    Returns
    -------
    function, list of int, function
        It; the numbers of the inputs that it gives; and what to call when all is in place that
        holds the memory of the tensors. None if there is no short way.
    """
    text = _Text(holders)
    text.require(f"len(args) == {len(args)} and len(kwargs) == {len(kwargs)}")
    text.require("is_recording() is recording")
    for i, value in enumerate(args):
        if not text.visit(value, f"args[{i}]"):
            return None
    text.require(f"tuple(kwargs) == {tuple(kwargs)!r}")
    for key, value in kwargs.items():
        if not text.visit(value, f"kwargs[{key!r}]"):
            return None
    places = text.places(holders)
    if None in places:
        return None
    new = [k for k, place in enumerate(places) if "[" in place]
    given = [places[k] for k in new]
    if written:
        text.require_apart([places[k] for k in new if isinstance(holders[k], np.ndarray)], written)
    # Whoever else holds the memory of a tensor must not see it change.
    for array in text.arrays:
        text.require(f"refs({array}) <= limit_{array}")
    lines = [*text.lines, f"return ({''.join(f'{g}, ' for g in given)})"]
    source = "def match(args, kwargs):\n" + "\n".join(f"    {line}" for line in lines)
    exec(source, text.names)

    def settle() -> None:
        for array in text.arrays:
            text.names[f"limit_{array}"] = getrefcount(text.names[array])

    return text.names["match"], new, settle
