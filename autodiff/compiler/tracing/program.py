"""What a trace leaves behind: a straight line of instructions on values that are written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

__all__ = [
    "Instruction", "Program", "Value", "example_of", "leaves", "mapped", "named", "values_in",
]  # fmt: skip

_number = count().__next__


class Value:
    """A name for an array that some instruction, or the caller, provides.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy dtype
    weak : bool
        A Python number, which takes the dtype of the array that it meets.
    number : int
        Rises with the time of creation.
    """

    __slots__ = ("dtype", "number", "shape", "weak")
    dtype: np.dtype[Any]
    number: int
    shape: tuple[int, ...]
    weak: bool

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak: bool = False) -> None:
        self.shape, self.dtype, self.weak = shape, np.dtype(dtype), weak
        self.number = _number()

    @staticmethod
    def like(example: Any) -> Value:
        """A value of the shape and dtype of an array or number."""
        if type(example) in (bool, int, float):  # float64 is a float as well
            return Value((), type(example), weak=True)
        return Value(example.shape, example.dtype)

    @property
    def size(self) -> int:
        """Number of entries."""
        return int(np.prod(self.shape, dtype=np.int64))

    def __repr__(self) -> str:
        kind = "number" if self.weak else f"{self.dtype}[{','.join(map(str, self.shape))}]"
        return f"v{self.number}:{kind}"


@dataclass(eq=False)
class Instruction:
    """One call of a numpy function.

    Attributes
    ----------
    function : callable
        What it calls.
    args, kwargs
        Its arguments, with values in place of what was traced.
    out : tuple of Value
    is_tuple : bool
        Whether the function returns a tuple.
    origin : str
        The line of the user's code that it comes from.
    body : Program, optional
        Of a loop: what is done in each step.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    out: tuple[Value, ...]
    is_tuple: bool = False
    origin: str = ""
    body: Program | None = None

    @property
    def name(self) -> str:
        """What it does, in numpy's words."""
        return _names.get(self.function) or str(getattr(self.function, "__name__", "call"))

    def inputs(self) -> list[Value]:
        """The values that it reads, those of a loop's body included."""
        found = values_in((self.args, self.kwargs))
        return found + (self.body.free() if self.body else [])

    def __str__(self) -> str:
        results = " ".join(map(repr, self.out))
        shown = [*map(_shown, self.args), *(f"{k}={_shown(v)}" for k, v in self.kwargs.items())]
        text = f"{results} = {self.name}({', '.join(shown)})"
        if self.body:
            text += "\n" + "\n".join(f"    {line}" for line in str(self.body).splitlines())
        return text


_names: dict[Any, str] = {np.add.reduce: "sum", np.dot: "matmul"}


@dataclass(eq=False)
class Program:
    """Inputs, instructions in order, and which values (or constants) are the result."""

    inputs: list[Value]
    instructions: list[Instruction] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)

    def free(self) -> list[Value]:
        """Values that it reads and neither takes nor makes: those of the program around it."""
        own = {*self.inputs, *(v for i in self.instructions for v in i.out)}
        read = [v for i in self.instructions for v in i.inputs()]
        return list(dict.fromkeys(v for v in [*read, *values_in(self.outputs)] if v not in own))

    def __str__(self) -> str:
        """One line an instruction, with the line of the user's code where that changes."""
        lines, last = [f"inputs {' '.join(map(repr, self.inputs))}"], ""
        for instruction in self.instructions:
            text = str(instruction)
            if instruction.origin and instruction.origin != last:
                first, *rest = text.split("\n")
                text = "\n".join([f"{first:<72}  # {instruction.origin}", *rest])
                last = instruction.origin
            lines.append(text)
        return "\n".join([*lines, f"return {', '.join(map(_shown, self.outputs))}"])


def values_in(tree: Any) -> list[Value]:
    """The values in nested tuples, lists and dicts, and in slices."""
    found = []
    for leaf in leaves(tree):
        if isinstance(leaf, Value):
            found.append(leaf)
        elif isinstance(leaf, slice):
            found += values_in((leaf.start, leaf.stop, leaf.step))
    return found


def leaves(tree: Any) -> list[Any]:
    """What is in nested tuples, lists and dicts, in the order of `mapped`."""
    kind = type(tree)
    if kind is dict:
        return [leaf for part in tree.values() for leaf in leaves(part)]
    if kind is tuple or kind is list:
        return [leaf for part in tree for leaf in leaves(part)]
    return [tree]


def mapped(f: Callable[[Any], Any], tree: Any) -> Any:
    """`tree` with ``f(leaf)`` in place of each leaf."""
    kind = type(tree)
    if kind is dict:
        return {key: mapped(f, part) for key, part in tree.items()}
    if kind is tuple or kind is list:
        return kind([mapped(f, part) for part in tree])
    return f(tree)


def named(leaf: Any) -> Any:
    """The value in place of an array that was traced; other things as they are."""
    return leaf.value if hasattr(leaf, "is_traced") else leaf


def example_of(leaf: Any) -> Any:
    """The same with the array that an array of a trace was traced with."""
    return leaf.example if hasattr(leaf, "is_traced") else leaf


def _shown(value: Any) -> str:
    if isinstance(value, Value):
        return f"v{value.number}"
    if isinstance(value, np.ndarray) and value.ndim:
        return f"constant {value.dtype}[{','.join(map(str, value.shape))}]"
    if isinstance(value, (tuple, list)):
        return f"({', '.join(map(_shown, value))}{',' * (len(value) == 1)})"
    if isinstance(value, slice):
        return ":".join("" if part is None else str(part) for part in _parts(value))
    return getattr(value, "__name__", None) or str(value)


def _parts(part: slice) -> Iterable[Any]:
    return (part.start, part.stop) if part.step is None else (part.start, part.stop, part.step)
