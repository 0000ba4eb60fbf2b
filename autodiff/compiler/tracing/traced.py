"""Arrays that write down what is done with them.

A `Traced` stands where numpy's arrays stand: inside tensors, in the rules of the op table, in the
step rules of optimisers. Each numpy call on it is computed on an example, for the sake of shapes,
and becomes an instruction of the program under way. What would need its value, which another call
will have another one of, is an error.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from itertools import pairwise
from typing import Any
from weakref import ref

import numpy as np

from autodiff.compiler.tracing.constants import Constants
from autodiff.compiler.tracing.copies import cast, copied, written
from autodiff.compiler.tracing.opaque import through
from autodiff.compiler.tracing.operators import bind
from autodiff.compiler.tracing.program import Instruction, Program, Value, leaves, mapped
from autodiff.compiler.tracing.protocols import by_function, by_ufunc, is_foreign, refuse_lengths
from autodiff.compiler.tracing.refusals import (
    TraceError,
    leaked,
    missing,
    needs_array,
    needs_int,
    needs_value,
    no_argument,
    no_array,
    of_a_step,
    require_known_shape,
    user_line,
    viewed,
)
from autodiff.compiler.tracing.signatures import in_normal_form
from autodiff.nodes import tick
from autodiff.settings import recorder

__all__ = [
    "Recorder", "TraceError", "Traced", "emit", "recorder", "recording_into", "user_line",
]  # fmt: skip


class Recorder:
    """The program under way.

    Attributes
    ----------
    program : Program
    began : int
        Nodes with a lower order are of another time.
    around : list of Recorder
        Those whose arrays may be used: the one around this one, and those of `also`.
    arrays : list
        Weak references to all that stands for an array in this trace, and in those around it.
    own : callable
        Of an argument: what these programs hold of it.
    """

    def __init__(self, *also: Recorder, own: Callable[[Any], Any] | None = None) -> None:
        self.program = Program([])
        around = recorder.get()
        self.began: int = around.began if around else tick()
        self.around: list[Recorder] = [*([around] if around else []), *also]
        self.arrays: list[ref[Traced]] = around.arrays if around else []
        self.own: Callable[[Any], Any] = own or (around.own if around else Constants().own)

    def input(self, example: Any) -> Traced:
        """An array that the caller provides."""
        value = Value.like(example)
        self.program.inputs.append(value)
        return self.noted(Traced(value, example))

    def refuse_old(self, *nodes: Any) -> None:
        """Refuse leaves that are older than the trace, as arguments of an op."""
        for node in nodes:
            if node is not None and node.op is None and node.order < self.began:
                raise no_argument(node)

    def noted(self, made: Traced) -> Traced:
        """`made`, which nobody may keep."""
        made.within = made.within or self
        self.arrays.append(ref(made))
        return made

    def knows(self, array: Traced) -> bool:
        """Whether the array has a value here."""
        return array.within in (None, self) or any(r.knows(array) for r in self.around)


@contextmanager
def recording_into(made: Recorder) -> Iterator[Recorder]:
    """Let instructions go into `made`."""
    token = recorder.set(made)
    try:
        yield made
    finally:
        recorder.reset(token)


def emit(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call a function on the examples, and write the call down."""
    under_way = _under_way((args, kwargs))
    refuse_lengths(function, args, kwargs)
    with np.errstate(all="ignore"):
        example = function(*mapped(_example, args), **mapped(_example, kwargs))
    is_tuple = isinstance(example, (tuple, list))
    examples = tuple(example) if is_tuple else (example,)
    for e in examples:
        if type(e) not in (bool, int, float) and not hasattr(e, "dtype"):
            raise no_array(function.__name__, e)
    out = tuple(map(Value.like, examples))
    placed, by_name = mapped(under_way.own, in_normal_form(function, args, kwargs))
    instruction = Instruction(function, placed, by_name, out, is_tuple, user_line())
    under_way.program.instructions.append(instruction)
    shares = function in _MAYBE_VIEWS
    made = [_made(v, e, (args, kwargs), shares) for v, e in zip(out, examples, strict=True)]
    made = [under_way.noted(m) for m in made]
    if not is_tuple:
        return made[0]
    return type(example)(*made) if hasattr(example, "_fields") else type(example)(made)


def _under_way(given: Any) -> Recorder:
    found: Recorder | None = recorder.get()
    if found is None:
        raise leaked()
    for array in _traced_in(given):
        if not found.knows(array):
            raise of_a_step() if array.within.arrays is found.arrays else leaked()
    return found


def _example(leaf: Any) -> Any:
    if isinstance(leaf, np.random.Generator):
        return deepcopy(leaf)  # the program has to go on from where it is
    return leaf.example if isinstance(leaf, Traced) else leaf


_MAYBE_VIEWS = (np.reshape, np.ravel)
"""What gives a view or a copy, by how the array is laid out, which another call may change."""


def _made(value: Value, example: Any, given: Any, shares: bool) -> Traced:
    """A result: an argument, where numpy gives back the same array; and maybe a view of one."""
    if isinstance(example, np.ndarray) and (shares or example.base is not None):
        for leaf in _traced_in(given):
            if example is leaf.example:
                return leaf
            of_array = isinstance(leaf.example, np.ndarray)
            if of_array and (shares or np.may_share_memory(example, leaf.example)):
                return Traced(value, example, leaf.memory)
    return Traced(value, example)


def _traced_in(tree: Any) -> Iterator[Traced]:
    return (leaf for leaf in leaves(tree) if isinstance(leaf, Traced))


class _Memory:
    """What views of each other have in common."""

    def __init__(self) -> None:
        self._holders: list[ref[Traced]] = []

    def add(self, array: Traced) -> None:
        self._holders.append(ref(array))

    def holders(self) -> list[Traced]:
        """The arrays that are still there."""
        return [array for holder in self._holders if (array := holder()) is not None]


class Traced:
    """An array in a program. It may be written into, which gives it another value.

    Attributes
    ----------
    value : Value
    example : ndarray or number
        What the array was at the call that is traced.
    memory : object
        Shared by views of the same array.
    origin : tuple of Traced and index, or None
        What it is a part of, so that what is written into it is written there too.
    """

    __slots__ = ("__weakref__", "example", "memory", "origin", "value", "within")
    origin: Any
    within: Any  # the recorder that it belongs to
    __array_priority__ = 2000
    is_traced = True

    def __init__(self, value: Value, example: Any, memory: Any = None) -> None:
        self.value, self.example = value, _read_only(example)
        self.memory, self.origin, self.within = memory or _Memory(), None, None
        self.memory.add(self)

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.value.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the array."""
        return self.value.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of entries."""
        return self.value.size

    @property
    def T(self) -> Any:  # noqa: N802 - as numpy
        """The axes in reverse order."""
        return emit(np.transpose, self)

    @property
    def base(self) -> Any:
        """Not None: nobody may take this for memory of its own."""
        return self

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    @property
    def mT(self) -> Any:  # noqa: N802 - as numpy
        """The last two axes exchanged."""
        return emit(np.swapaxes, self, -1, -2)

    def __getitem__(self, index: Any) -> Any:
        require_known_shape(index)
        part: Any = emit(operator.getitem, self, index)
        part.origin = (self, index) if part.memory is self.memory else None
        return part

    def __setitem__(self, index: Any, part: Any) -> None:
        if isinstance(part, Traced) and part.origin is not None:
            whole, place = part.origin
            if whole is self and place is index:
                return  # the end of ``x[index] += y``, which wrote into the part
        self.become(emit(written, self, index, part))

    def become(self, new: Any, casting: Any = "same_kind") -> Traced:
        """Take the value of `new`, as a write into the array does."""
        if not isinstance(self.example, np.ndarray):
            return new if isinstance(new, Traced) else emit(copied, new)
        line = list(_line(self))
        if len(self.memory.holders()) > len(line):
            raise viewed()
        if any(array.within is not recorder.get() for array in line):
            raise of_a_step()
        self._take(new, casting)
        for part, whole in pairwise(line):
            whole._take(emit(written, whole, part.origin[1], part), casting)
        return self

    def _take(self, new: Any, casting: Any) -> None:
        if new.dtype != self.dtype:
            np.copyto(np.empty(0, self.dtype), np.empty(0, new.dtype), casting)  # raises if it must
            new = emit(cast, new, self.dtype)
        if new.shape != self.shape:
            new = emit(copied, emit(np.broadcast_to, new, self.shape))
        self.value, self.example = new.value, np.asarray(new.example)  # also of a single number

    def astype(self, dtype: Any, copy: bool = True) -> Any:
        """In another dtype."""
        return self if not copy and self.dtype == dtype else emit(cast, self, np.dtype(dtype))

    def beside(self, other: Any) -> Any:
        """The other array in this program, if it is a constant so far."""
        return other if isinstance(other, Traced) else emit(copied, other)

    def through(self, f: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """A function of the user's in this program."""
        return through(emit, f, args, kwargs)

    def as_array(self, dtype: Any) -> Any:
        """An array of its own that may be written into, also if this is a single number."""
        made = self.astype(dtype)
        made.example = np.asarray(made.example)
        return made

    def copy(self) -> Any:
        """An array of its own."""
        return emit(copied, self)

    def reshape(self, *shape: Any) -> Any:
        """In another shape."""
        return emit(np.reshape, self, shape[0] if len(shape) == 1 else shape)

    def transpose(self, *axes: Any) -> Any:
        """The axes in another order."""
        return emit(np.transpose, self, axes[0] if len(axes) == 1 else axes or None)

    def dot(self, other: Any) -> Any:
        """Matrix product."""
        return emit(np.dot, self, other)

    def ravel(self) -> Any:
        """With a single axis."""
        return emit(np.reshape, self, (-1,))

    def flatten(self) -> Any:
        """With a single axis, as an array of its own."""
        return self.copy().ravel()

    def sort(self, axis: int = -1) -> None:
        """In rising order, in place."""
        self.become(emit(np.sort, self, axis))

    def item(self) -> Any:
        """Not possible: another call has another value."""
        raise needs_value("takes .item()")

    def tolist(self) -> Any:
        """Not possible: another call has another value."""
        raise needs_value("takes .tolist()")

    def __bool__(self) -> bool:
        raise needs_value("branches on a value")

    def __float__(self) -> float:
        raise needs_value("takes float()")

    def __int__(self) -> int:
        raise needs_value("takes int()")

    def __index__(self) -> int:
        raise needs_int("a length or an index of Python's")

    def __round__(self, ndigits: Any = None) -> Any:
        raise needs_value("takes round()")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and hasattr(np.ndarray, name):
            raise missing(name)
        raise AttributeError(f"an array has no attribute {name!r}")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise needs_array()

    def __format__(self, spec: str) -> str:
        if spec:
            raise needs_value("prints a number")
        return repr(self)

    def __array_ufunc__(self, ufunc: Any, how: str, *inputs: Any, **kwargs: Any) -> Any:
        return by_ufunc(emit, ufunc, how, inputs, kwargs)

    def __array_function__(self, f: Any, types: Any, args: Any, kwargs: Any) -> Any:
        return by_function(emit, f, args, kwargs)

    def __repr__(self) -> str:
        return f"Traced({self.value!r})"

    def __deepcopy__(self, memo: Any) -> Any:
        return self.copy()

    __hash__ = object.__hash__


def _read_only(example: Any) -> Any:
    """Nothing may write into what the caller has."""
    if isinstance(example, np.ndarray):
        example = example.view()
        example.flags.writeable = False
    return example


def _line(array: Traced) -> Iterator[Traced]:
    """The array, what it is a part of, what that is a part of, and so on."""
    yield array
    if array.origin is not None:
        yield from _line(array.origin[0])


bind(Traced, emit, is_foreign)
