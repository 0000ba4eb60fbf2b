"""The few kinds of work that are written in C, and the places of what they work on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compiler.native.storage import Place, Storage, contiguous
from autodiff.compiler.tracing.program import Instruction, Program, Value, values_in

__all__ = ["Lowered", "Operation", "Translation", "shape_of", "shape_of_all", "single"]


@dataclass(eq=False)
class Operation:
    """One piece of work.

    Attributes
    ----------
    kind : str
        "map", "reduce", "guard", "matmul", "take", "add_at", "rows", "along", "transpose", "call"
        (of numpy) or "loop".
    name : str
        Which map, reduction or function.
    out : Value or None
    args : tuple
        Values and numbers.
    instruction : Instruction
        What it is a part of.
    level : {"", "full", "row", "row map", "column", "all"}
        Of a reduction: over what. In a loop nest: how often it is done.
    body : Lowered, optional
        Of a loop.
    extra : dict
        What only this kind needs.
    """

    kind: str
    name: str
    out: Value | None
    args: tuple[Any, ...]
    instruction: Instruction
    level: str = ""
    body: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


class _Places(dict[Any, Place]):
    """Places by value, or by the id of a constant; in `of` the values that lie in each storage."""

    def __init__(self) -> None:
        self.of: dict[Storage, list[Value]] = {}

    def __setitem__(self, key: Any, place: Place) -> None:
        super().__setitem__(key, place)
        if isinstance(key, Value):
            self.of.setdefault(place.storage, []).append(key)

    def put(self, others: Iterable[tuple[Any, Place]]) -> None:
        """One after the other."""
        for key, place in others:
            self[key] = place


class Lowered:
    """The operations of a program, and the place of each value.

    Attributes
    ----------
    operations : list of Operation
    places : dict
        By value, or by the id of a constant array.
    constants : list of ndarray
    held : list
        What they were made of, so that nothing else gets the same ids.
    last_use : dict
        The number of the last instruction that uses a value.
    in_place : set of Value
        New values of inputs that lie where the old ones were.
    outer : set of Storage
        Of a loop's body: what was there before, which other steps may need.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.places = _Places()
        self.constants: list[np.ndarray] = []
        self.held: list[Any] = []
        self.last_use: dict[Value, int] = {}
        self.in_place: set[Value] = set()
        self.outer: set[Storage] = set()

    def inner(self, body: Program) -> Lowered:
        """For the body of a loop, with the same places."""
        made = Lowered()
        made.places, made.constants, made.held = self.places, self.constants, self.held
        made.outer = {place.storage for place in self.places.values()}
        made.note_uses(body)
        return made

    def note_uses(self, program: Program) -> None:
        """Remember which instruction is the last to use each value."""
        for k, instruction in enumerate(program.instructions):
            for v in instruction.inputs():
                self.last_use[v] = k
        for v in values_in(program.outputs):
            self.last_use[v] = len(program.instructions)

    def place(self, arg: Any) -> Place:
        """The place of a value, or of a constant array."""
        key = arg if isinstance(arg, Value) else id(arg)
        if key not in self.places and not isinstance(arg, Value):
            array = np.ascontiguousarray(arg).reshape(np.shape(arg))
            storage = Storage("constant", array.size, array.dtype, len(self.constants))
            self.constants.append(array)
            self.held.append(arg)
            self.places[key] = Place(storage, array, array)
        return self.places[key]

    def new(self, value: Value) -> Place:
        """A fresh place, unless there is one already."""
        if value not in self.places:
            storage = Storage("arena", value.size, value.dtype)
            self.places[value] = contiguous(storage, value.shape)
        return self.places[value]

    def value_at(self, place: Place) -> Value:
        """A value for what lies at a place."""
        made = Value(place.shape, place.array.dtype)
        self.places[made] = place
        return made


class Translation:
    """One instruction on its way into operations.

    Attributes
    ----------
    made : Lowered
    instruction : Instruction
    number : int
        Which instruction of the program.
    args : tuple
        Its arguments.
    out : Value
        Its first result.
    """

    def __init__(self, made: Lowered, instruction: Instruction, number: int) -> None:
        self.made, self.instruction, self.number = made, instruction, number
        self.args = instruction.args
        self.out: Any = instruction.out[0] if instruction.out else None

    def add(self, kind: str, name: str, args: tuple[Any, ...], **fields: Any) -> bool:
        """Append an operation whose result (`out`, if not that of the instruction) gets a place."""
        out = fields.pop("out", self.out)
        if out is not None:
            self.made.new(out)
        args = tuple(map(single, args)) if kind == "map" else args
        made = Operation(kind, name, out, args, self.instruction, **fields)
        made.extra["update"] = out in self.made.in_place
        self.made.operations.append(made)
        return True

    def copy(self, x: Any, shape: tuple[int, ...], dtype: Any) -> Value:
        """A copy of `x`, broadcast to a shape, in order and in another dtype if need be."""
        made = Value(shape, dtype)
        self.add("map", "copied", (x,), out=made)
        return made

    def copied_to(self, x: Any, place: Place) -> bool:
        """Write `x`, broadcast, at a place."""
        return self.add("map", "copied", (x,), out=self.made.value_at(place))

    def in_order(self, x: Any) -> Place:
        """The place of `x`, or of a copy of it with the entries in order."""
        place = self.made.place(x)
        if place.is_contiguous:
            return place
        return self.made.place(self.copy(x, place.shape, place.array.dtype))

    def lie_at(self, place: Place | None) -> bool:
        """Let the result lie there, if it may."""
        if place is None or place.shape != self.out.shape:
            return False
        if self.out in self.made.places:  # it has been promised another place
            return self.add("map", "copied", (self.made.value_at(place),))
        self.made.places[self.out] = place
        return True

    def takes_over(self, x: Value, part: Any) -> bool:
        """Whether `part` may be written into the memory of `x`.

        Nobody needs the old values then, and it is no other part of the same memory, of which
        entries would be lost.
        """
        storage = self.made.place(x).storage
        is_array = isinstance(part, Value) or np.ndim(part)
        if is_array and self.made.place(part).storage is storage:
            return False
        if storage.kind != "arena" or self.out in self.made.places:
            return False
        if storage in self.made.outer:
            return False
        lying_there = self.made.places.of[storage]
        return all(self.made.last_use.get(v, -1) <= self.number for v in lying_there)


def shape_of(x: Any) -> tuple[int, ...]:
    """Length of each axis of a value, an array or a number."""
    return x.shape if isinstance(x, Value) else np.shape(x)


def shape_of_all(parts: Iterable[Any]) -> tuple[int, ...]:
    """That of all of them, broadcast."""
    return tuple(np.broadcast_shapes(*map(shape_of, parts)))


def single(x: Any) -> Any:
    """The number that a constant array is everywhere; else the array."""
    if not isinstance(x, np.ndarray) or not x.size:
        return x
    bits = np.ascontiguousarray(x).reshape(-1).view(f"u{x.itemsize}")  # 0 is not -0
    return x.reshape(-1)[0] if (bits == bits[0]).all() else x
