"""From numpy's calls to the few kinds of work that are written in C.

Views cost nothing: they are other places in the same storage. What remains are maps over an index
space, reductions, matrix products, entries taken and added at places, loops, and calls of numpy
for all the rest.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compile.loop import loop
from autodiff.compile.elements import C_TYPES, is_elementwise
from autodiff.compile.program import Instruction, Program, Value, values_in
from autodiff.compile.simplify import is_guard, is_random
from autodiff.compile.storage import Place, Storage, contiguous
from autodiff.compile.copies import added_at, cast, written
from autodiff.ops.index import scatter_add

__all__ = ["Lowered", "Operation", "lowered"]


@dataclass(eq=False)
class Operation:
    """One piece of work.

    Attributes
    ----------
    kind : {"map", "reduce", "guard", "matmul", "take", "add_at", "call", "loop"}
    name : str
        Which map, reduction or function.
    out : Value or None
    args : tuple
        Values and numbers.
    levels : str
        Of a reduction: "row", "column" or "all".
    instruction : Instruction
    body : Lowered, optional
        Of a loop.
    """

    kind: str
    name: str
    out: Value | None
    args: tuple[Any, ...]
    instruction: Instruction
    level: str = ""
    body: Any = None
    extra: dict[str, Any] = field(default_factory=dict)


class Lowered:
    """The operations of a program, and the place of each value."""

    def __init__(self) -> None:
        self.operations: list[Operation] = []
        self.places: dict[Any, Place] = {}
        self.constants: list[np.ndarray] = []
        self.last_use: dict[Value, int] = {}
        self.in_place: set[Value] = set()
        self.own: set[Value] | None = None  # of a loop's body: what may be written into

    def inner(self, body: Program) -> Lowered:
        """For the body of a loop, with the same places."""
        made = Lowered()
        made.places, made.constants = self.places, self.constants
        made.own = {v for i in body.instructions for v in i.out}
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
            self.constants.append(array)
            storage = Storage("constant", array.size, array.dtype, len(self.constants) - 1)
            self.places[key] = Place(storage, array, array)
            self.constants.append(np.asarray(arg))  # so that no other array gets its id
        return self.places[key]

    def new(self, value: Value) -> Place:
        """A fresh place, unless there is one already."""
        if value not in self.places:
            storage = Storage("arena", value.size, value.dtype)
            self.places[value] = contiguous(storage, value.shape)
        return self.places[value]


def lowered(program: Program, updates: dict[Value, Value]) -> Lowered:
    """Translate each instruction.

    Parameters
    ----------
    program : Program
    updates : dict
        New values of inputs, and which ones; where it does no harm they are written in place.
    """
    made = Lowered()
    for i, value in enumerate(program.inputs):
        made.places[value] = contiguous(Storage("input", value.size, value.dtype, i), value.shape)
    made.note_uses(program)
    _prepare_updates(made, program, updates)
    _prepare_joins(made, program)
    for k, instruction in enumerate(program.instructions):
        _Translation(made, instruction, k).run()
    made.operations.sort(key=lambda o: not o.extra.get("random"))  # they wait for nothing
    return made


def _prepare_updates(made: Lowered, program: Program, updates: dict[Value, Value]) -> None:
    """A new value lies where the old one was, if that is not needed any more."""
    guards = [k for k, i in enumerate(program.instructions) if is_guard(i)]
    makers = {v: k for k, i in enumerate(program.instructions) for v in i.out}
    for new, old in updates.items():
        k = makers.get(new, -1)
        if k < max(guards, default=0) or made.last_use.get(old, -1) > k:
            continue
        alike = new.shape == old.shape and new.dtype == old.dtype and not old.weak
        maker = program.instructions[k]
        if alike and (is_elementwise(maker) or maker.name == "replaced_rows"):
            made.places[new] = made.places[old]
            made.in_place.add(new)


def _prepare_joins(made: Lowered, program: Program) -> None:
    """What is only joined to an array is worked out in its place there."""
    makers = {v: i for i in program.instructions for v in i.out}
    for instruction in program.instructions:
        if instruction.function not in (np.concatenate, np.stack):
            continue
        parts, axis, out = _joined(instruction)
        if axis is None or out.dtype.name not in C_TYPES:
            continue
        whole = made.new(out)
        for part, where in zip(parts, _slots(parts, axis, instruction), strict=True):
            maker = makers.get(part) if isinstance(part, Value) else None
            fits = maker is not None and part.dtype == out.dtype and part not in made.places
            if fits and (is_elementwise(maker) or _is_matmul(maker)):
                target = whole.view(operator.getitem, where)
                if target is not None and target.shape == part.shape:
                    made.places[part] = target


def _joined(instruction: Instruction) -> tuple[list[Any], int | None, Value]:
    parts, *rest = instruction.args
    axis = instruction.kwargs.get("axis", rest[0] if rest else 0)
    out = instruction.out[0]
    return list(parts), axis if axis is None else axis % max(len(out.shape), 1), out


def _slots(parts: list[Any], axis: int, instruction: Instruction) -> list[tuple[Any, ...]]:
    """The index of each part in the whole."""
    before = (slice(None),) * axis
    if instruction.function is np.stack:
        return [(*before, i) for i in range(len(parts))]
    edges = np.cumsum([0, *(np.shape(p)[axis] if not isinstance(p, Value) else p.shape[axis]
                            for p in parts)])  # fmt: skip
    return [(*before, slice(int(a), int(b))) for a, b in zip(edges, edges[1:])]


def _is_matmul(instruction: Instruction) -> bool:
    return instruction.function in _PRODUCTS and instruction.out[0].dtype.kind == "f" and (
        instruction.out[0].dtype.itemsize >= 4)  # fmt: skip


_PRODUCTS = (np.dot, np.matmul, operator.matmul)
_VIEWS: tuple[Any, ...] = (
    np.transpose, np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.flip,
    np.rot90, np.diagonal,
)  # fmt: skip
_REDUCTIONS = {
    np.sum: "sum", np.add.reduce: "sum", np.max: "max", np.min: "min", np.prod: "prod",
    np.mean: "mean", np.amax: "max", np.amin: "min",
}  # fmt: skip


class _Translation:
    """One instruction."""

    def __init__(self, made: Lowered, instruction: Instruction, number: int) -> None:
        self.made, self.instruction, self.number = made, instruction, number
        self.args, self.out = instruction.args, instruction.out[0] if instruction.out else None

    def run(self) -> None:
        """Add what it takes to the operations."""
        f = self.instruction.function
        if any(v.dtype.name not in C_TYPES for v in self._values()):
            return self.call()
        for test, translate in self._ways(f):
            if test and translate():
                return None
        return self.call()

    def _values(self) -> list[Value]:
        return [*values_in((self.args, self.instruction.kwargs)), *self.instruction.out]

    def _ways(self, f: Any) -> list[tuple[bool, Callable[[], bool]]]:
        kwargs = self.instruction.kwargs
        return [
            (is_guard(self.instruction), self.guard),
            (f in _VIEWS, self.view),
            (f in (np.reshape, np.ravel), self.reshape),
            (f is operator.getitem, self.getitem),
            (is_elementwise(self.instruction), self.map),
            (f in _REDUCTIONS, self.reduce),
            (_is_matmul(self.instruction) and not kwargs, self.matmul),
            (f in (np.concatenate, np.stack), self.join),
            (f is added_at, self.add_at),
            (self.instruction.name in ("padded_rows", "taken_or_zero", "replaced_rows"), self.rows),
            (self.instruction.name == "lookup", self.lookup),
            (f is loop, self.loop),
            (f is scatter_add, self.scatter_add),
            (f is written, self.written),
            (f is np.ascontiguousarray, self.lay_out),
        ]

    def add(self, kind: str, name: str, args: tuple[Any, ...], **fields: Any) -> bool:
        """Append an operation whose result gets a place."""
        out = fields.pop("out", self.out)
        if out is not None:
            self.made.new(out)
        made = Operation(kind, name, out, args, self.instruction, **fields)
        made.extra["update"] = out in self.made.in_place
        self.made.operations.append(made)
        return True

    def call(self) -> None:
        """Leave it to numpy."""
        for v in self.instruction.out:
            self.made.new(v)
        random = is_random(self.instruction)
        self.made.operations.append(
            Operation("call", self.instruction.name, None, tuple(values_in(
                (self.args, self.instruction.kwargs))), self.instruction, extra={"random": random})
        )  # fmt: skip

    def map(self) -> bool:
        """An elementwise function."""
        args = self.args[:1] if self.instruction.function is cast else self.args
        return self.add("map", self.instruction.name, args)

    def guard(self) -> bool:
        """A look at values that may end the program."""
        (x, *_) = self.args
        if self.instruction.name == "not_negative":
            assert self.out is not None
            self.made.places[self.out] = self.made.place(x)
            return self.add("guard", "negative", (x,), out=None, level="all")
        return self.add("guard", "nan", (x,), out=None, level="all")

    def view(self) -> bool:
        """The same entries in another order."""
        x, *rest = self.args
        place = self.made.place(x).view(
            self.instruction.function, *rest, **self.instruction.kwargs
        )
        return self._at(place)

    def _at(self, place: Place | None) -> bool:
        if place is None or self.out is None or place.shape != self.out.shape:
            return False
        if self.out in self.made.places:  # it has been promised a place
            return self._copied_to_place(place)
        self.made.places[self.out] = place
        return True

    def _copied_to_place(self, place: Place) -> bool:
        view = Value(place.shape, self.out.dtype)  # type: ignore[union-attr]
        self.made.places[view] = place
        return self.add("map", "copied", (view,))

    def reshape(self) -> bool:
        """Another shape, after a copy if the entries do not lie in order."""
        x, out = self.args[0], self.out
        assert out is not None
        place = self.made.place(x).reshaped(out.shape)
        return self._at(place) if place is not None else self._reshaped_copy(x, out)

    def _reshaped_copy(self, x: Value, out: Value) -> bool:
        copy = Value(x.shape, x.dtype)
        self.add("map", "copied", (x,), out=copy)
        return self._at(self.made.place(copy).reshaped(out.shape))

    def getitem(self) -> bool:
        """Slices are views; arrays of places take entries."""
        x, index = self.args
        if not isinstance(x, Value):
            return False
        parts = index if isinstance(index, tuple) else (index,)
        if _is_basic(parts):
            return self._at(self._sliced(x, index))
        return self.take(x, parts)

    def _sliced(self, x: Value, index: Any) -> Place | None:
        parts = index if isinstance(index, tuple) else (index,)
        index = (*parts, ...) if ... not in parts else parts  # a view, also of a single entry
        return self.made.place(x).view(operator.getitem, index)

    def take(self, x: Value, parts: tuple[Any, ...]) -> bool:
        """Entries, or rows, at places given by arrays of integers for the first axes."""
        if not _are_places(parts) or self.out is None:
            return False
        return self.add("take", "take", (x, *parts))

    def lay_out(self) -> bool:
        """A copy with the entries in order."""
        (x,) = self.args
        place, out = self.made.place(x), self.out
        assert out is not None
        if len(place.shape) == 2 and place.strides[0] == 1 and place.array.dtype.kind == "f":
            return self.add("transpose", "transposed copy", (x,))
        return self.add("map", "copied", (x,))

    def written(self) -> bool:
        """An array with a part of it replaced."""
        x, index, part = self.args
        parts = index if isinstance(index, tuple) else (index,)
        if not _is_basic(parts) or not isinstance(x, Value) or self.out is None:
            return False
        if self._takes_over(x):
            self.made.places[self.out] = self.made.place(x)
        else:
            self.add("map", "copied", (x,))
        where = self.made.place(self.out).view(
            operator.getitem, (*parts, ...) if ... not in parts else parts
        )
        assert where is not None
        target = Value(where.shape, self.out.dtype)
        self.made.places[target] = where
        return self.add("map", "copied", (part,), out=target)

    def scatter_add(self) -> bool:
        """Zeros with an array added at places."""
        x, index, *_ = self.args
        out, parts = self.out, index if isinstance(index, tuple) else (index,)
        assert out is not None
        if _is_basic(parts):
            whole = self.made.new(out)
            part = whole.view(operator.getitem, (*parts, ...) if ... not in parts else parts)
            self.add("map", "copied", (np.zeros((), out.dtype)[()],))
            source, target = Value(part.shape, out.dtype), Value(part.shape, out.dtype)
            self.made.places[target] = part
            self.made.places[source] = self.made.place(x).broadcast(part.shape)
            return self.add("map", "copied", (source,), out=target)
        if not _are_places(parts) or x.shape != _shape(parts) + out.shape[len(parts) :]:
            return False
        self.add("map", "copied", (np.zeros((), out.dtype)[()],))
        return self.add("add_at", "+", (out, x, *parts))

    def lookup(self) -> bool:
        """Rows of a table; unlike an index, an id has no place from the end."""
        x, ids = self.args
        if not _are_places((ids,)) or not isinstance(x, Value):
            return False
        return self.add("take", "lookup", (x, ids))

    def rows(self) -> bool:
        """Rows of a table merged, taken, or put back."""
        rows = self.args[1]
        if any(not isinstance(a, Value) for a in self.args) or len(rows.shape) != 1:
            return False
        if rows.size > 65536 or rows.dtype != np.int64:
            return False
        if self.instruction.name == "replaced_rows" and self.out not in self.made.in_place:
            self.add("map", "copied", (self.args[0],))
        if self.instruction.name == "padded_rows" and not all(
            self.made.place(a).is_contiguous for a in self.args
        ):
            return False
        for v in self.instruction.out:
            self.made.new(v)
        return self.add("rows", self.instruction.name, self.args)

    def add_at(self) -> bool:
        """``ufunc.at`` for sums: entries added at places."""
        x, ufunc, index, part = self.args
        parts = index if isinstance(index, tuple) else (index,)
        if ufunc not in (np.add, np.subtract) or not _are_places(parts):
            return False
        assert self.out is not None
        if np.ndim(part) if not isinstance(part, Value) else part.shape not in ((), _shape(parts)):
            return False
        if not self._takes_over(x):
            copy = Value(x.shape, x.dtype)
            self.add("map", "copied", (x,), out=copy)
            x = copy
        self.made.places[self.out] = self.made.place(x)
        sign = "+" if ufunc is np.add else "-"
        return self.add("add_at", sign, (x, part, *parts))

    def _takes_over(self, x: Any) -> bool:
        """Whether its memory may be written into: nobody needs the old values."""
        place = self.made.place(x)
        if place.storage.kind != "arena" or not isinstance(x, Value):
            return False
        if self.made.own is not None and x not in self.made.own:
            return False
        return all(
            self.made.last_use.get(v, -1) <= self.number
            for v, other in self.made.places.items()
            if isinstance(v, Value) and other.storage is place.storage
        )

    def join(self) -> bool:
        """Arrays side by side."""
        parts, axis, out = _joined(self.instruction)
        if axis is None:
            return False
        whole = self.made.new(out)
        for part, where in zip(parts, _slots(parts, axis, self.instruction), strict=True):
            target = whole.view(operator.getitem, where)
            assert target is not None
            if self.made.place(part).array is target.array or self._is_there(part, target):
                continue
            copy = Value(target.shape, out.dtype)
            self.made.places[copy] = target
            self.add("map", "copied", (part,), out=copy)
        return True

    def _is_there(self, part: Any, target: Place) -> bool:
        place = self.made.place(part)
        same = place.storage is target.storage and place.offset == target.offset
        return same and place.strides == target.strides

    def loop(self) -> bool:
        """The body, with the parts of a step in the places of the whole."""
        made, i = self.made, self.instruction
        length, reverse, carries, xs = i.args
        body = i.body
        assert body is not None
        before = dict(made.places)
        inner, variable, n = made.inner(body), f"t{i.out[0].number}", len(carries)
        held = body.inputs[:n]
        for value in held:
            made.new(value)
        for value, x in zip(body.inputs[n:], xs, strict=True):
            made.places[value] = made.place(x).slice_of(variable)
        self._place_results(inner, body, n, variable)
        _prepare_joins(inner, body)
        for k, instruction in enumerate(body.instructions):
            _Translation(inner, instruction, k).run()
        if any(o.kind in ("call",) for o in inner.operations):
            made.places.clear()
            made.places.update(before)
            return False
        self._close(inner, body, n, variable)
        for out, value in zip(i.out[:n], held, strict=True):
            made.places[out] = made.place(value)
        starts = [(made.place(c), made.place(v)) for c, v in zip(carries, held, strict=True)]
        for start, place in starts:
            self._copied(made, start, place)
        made.operations.append(Operation("loop", "loop", None, (), i, body=inner, extra={
            "length": length, "reverse": reverse, "variable": variable,
            "carries": [place for _, place in starts],
        }))  # fmt: skip
        return True

    def _place_results(self, inner: Lowered, body: Program, n: int, variable: str) -> None:
        """What is worked out for a stack is worked out in its place there."""
        makers = {v: (k, i) for k, i in enumerate(body.instructions) for v in i.out}
        for value, out in zip(body.outputs[n:], self.instruction.out[n:], strict=True):
            target = self.made.new(out).slice_of(variable)
            _, maker = makers.get(value, (0, None))
            if maker and value not in inner.places and (is_elementwise(maker) or _is_matmul(maker)):
                inner.places[value] = target
        for value, old in zip(body.outputs[:n], body.inputs[:n], strict=True):
            k, maker = makers.get(value, (0, None))
            if maker and value not in inner.places and is_elementwise(maker) and (
                inner.last_use.get(old, -1) <= k
            ):  # fmt: skip
                inner.places[value] = inner.places[old]

    def _close(self, inner: Lowered, body: Program, n: int, variable: str) -> None:
        """Copies at the end of a step: to the stacks, then to the state of the next one."""
        for value, out in zip(body.outputs[n:], self.instruction.out[n:], strict=True):
            self._copied(inner, inner.place(value), self.made.place(out).slice_of(variable))
        for value, old in zip(body.outputs[:n], body.inputs[:n], strict=True):
            self._copied(inner, inner.place(value), inner.place(old))

    def _copied(self, made: Lowered, source: Place, target: Place) -> None:
        same = source.storage is target.storage and source.offset == target.offset
        if same and source.steps == target.steps:
            return
        x, out = Value(source.shape, source.array.dtype), Value(target.shape, target.array.dtype)
        made.places[x], made.places[out] = source, target
        made.operations.append(Operation("map", "copied", out, (x,), self.instruction))

    def reduce(self) -> bool:
        """Sums and the like over the last axis, over all but that, or over all."""
        x, axis, keepdims = _reduction_arguments(self.instruction)
        if not isinstance(x, Value) or axis is False or self.out is None or not x.size:
            return False
        name = _REDUCTIONS[self.instruction.function]
        counts = name == "sum" and x.dtype.kind in "biu"
        if not counts and (x.dtype.kind != "f" or x.dtype != self.out.dtype):
            return False
        axes = tuple(range(len(x.shape))) if axis is None else axis
        return self._reduced(name, x, tuple(a % len(x.shape) for a in axes))

    def _reduced(self, name: str, x: Value, axes: tuple[int, ...]) -> bool:
        assert self.out is not None
        x, axes = self._squeezed(x, axes)
        if not axes:
            return self.add("map", "copied", (self._like(x, self.out.shape),))
        ndim, out = len(x.shape), self.out
        kept = [a for a in range(ndim) if a not in axes]
        if kept and axes and max(kept) > min(axes) and kept != [ndim - 1]:
            x = self._moved(x, (*kept, *sorted(axes)))
            axes = tuple(range(len(kept), ndim))
        if len(axes) > 1 and len(axes) < ndim and ndim - 1 in axes:
            x = self._flattened(x, ndim - len(axes))
            axes = (len(x.shape) - 1,)
        level = "all" if len(axes) == ndim0(x) else "row" if len(x.shape) - 1 in axes else "column"
        if name != "mean":
            return self.add("reduce", name, (x,), level=level)
        total = Value(out.shape, out.dtype)
        self.add("reduce", "sum", (x,), level=level, out=total)
        return self.add("map", "divide", (total, float(x.size // max(out.size, 1))))

    def _squeezed(self, x: Value, axes: tuple[int, ...]) -> tuple[Value, tuple[int, ...]]:
        """Without the axes of length 1."""
        left = [a for a, n in enumerate(x.shape) if n != 1]
        made = self._like(x, tuple(x.shape[a] for a in left))
        return made, tuple(left.index(a) for a in axes if a in left)

    def _like(self, x: Value, shape: tuple[int, ...]) -> Value:
        """The same entries in a shape that differs by axes of length 1."""
        place = self.made.place(x).reshaped(shape)
        assert place is not None
        made = Value(shape, x.dtype)
        self.made.places[made] = place
        return made

    def _moved(self, x: Value, order: tuple[int, ...]) -> Value:
        place = self.made.place(x).view(np.transpose, order)
        assert place is not None
        moved = Value(place.shape, x.dtype)
        self.made.places[moved] = place
        return moved

    def _flattened(self, x: Value, kept: int) -> Value:
        shape = (*x.shape[:kept], -1)
        place = self.made.place(x).reshaped(shape)
        if place is None:
            copy = Value(x.shape, x.dtype)
            self.add("map", "copied", (x,), out=copy)
            place = self.made.place(copy).reshaped(shape)
        assert place is not None
        flat = Value(place.shape, x.dtype)
        self.made.places[flat] = place
        return flat

    def matmul(self) -> bool:
        """Products of matrices, and of vectors as matrices of one row or column."""
        x, y = self.args
        shapes = [a.shape if isinstance(a, Value) else np.shape(a) for a in (x, y)]
        if any(not s or 0 in s for s in shapes) or len(shapes[1]) > 2 or self.out is None:
            return False
        a, b = self._matrix(x, rows=True), self._matrix(y, rows=False)
        if a is None or b is None:
            return False
        place = self.made.new(self.out)
        c = place.reshaped((a.shape[0], b.shape[1]))
        if c is None or (c.strides[1] != 1 and c.shape[1] > 1):
            return False
        return self.add("matmul", "matmul", (x, y), extra={"matrices": (a, b, c)})

    def _matrix(self, x: Any, rows: bool) -> Place | None:
        """As a matrix with entries one after the other along an axis."""
        place = self.made.place(x)
        if len(place.shape) == 1:
            place = place.reshaped((1, -1) if rows else (-1, 1)) or place
        elif len(place.shape) > 2:
            flat = place.reshaped((-1, place.shape[-1]))
            place = flat if flat is not None else self._copy_of(x).reshaped((-1, place.shape[-1]))  # type: ignore[assignment]
        unit = [s == 1 or n == 1 for s, n in zip(place.strides, place.shape, strict=True)]
        positive = all(s > 0 or n == 1 for s, n in zip(place.strides, place.shape, strict=True))
        return place if any(unit) and positive else self._copy_of_place(place, x.dtype)

    def _copy_of(self, x: Value) -> Place:
        return self._copy_of_place(self.made.place(x), x.dtype)

    def _copy_of_place(self, place: Place, dtype: Any) -> Place:
        view, copy = Value(place.shape, dtype), Value(place.shape, dtype)
        self.made.places[view] = place
        self.add("map", "copied", (view,), out=copy)
        return self.made.place(copy)


def ndim0(x: Value) -> int:
    """Number of axes."""
    return len(x.shape)


def _is_basic(parts: tuple[Any, ...]) -> bool:
    """Whether an index gives a view."""
    return all(isinstance(p, (int, np.integer, slice, type(None), type(...))) for p in parts)


def _are_places(parts: tuple[Any, ...]) -> bool:
    """Whether an index has an array of integers, or an integer, for each of the first axes."""
    kinds = [getattr(p, "dtype", None) for p in parts]
    arrays = [k for k in kinds if k is not None]
    whole = all(isinstance(p, (int, np.integer)) or k is not None
                for p, k in zip(parts, kinds, strict=True))  # fmt: skip
    return whole and bool(arrays) and all(k.kind in "iu" and k.name in C_TYPES for k in arrays)


def _shape(parts: tuple[Any, ...]) -> tuple[int, ...]:
    return np.broadcast_shapes(*(getattr(p, "shape", ()) for p in parts))


def _reduction_arguments(instruction: Instruction) -> tuple[Any, Any, bool]:
    """Argument, axes (None: all; False: something unusual), keepdims."""
    names = ("a", "axis", "dtype", "out", "keepdims")
    given = dict(zip(names, instruction.args)) | instruction.kwargs
    dtype, least = given.pop("dtype", None), given.pop("initial", None)
    if given.pop("out", None) is not None or least not in (None, _LEAST.get(instruction.name)):
        return None, False, False
    if dtype is not None and np.dtype(dtype) != instruction.out[0].dtype:
        return None, False, False
    axis, keepdims = given.pop("axis", _default_axis(instruction)), given.pop("keepdims", False)
    x = given.pop("a", None)
    if given:
        return None, False, False
    axis = (axis,) if isinstance(axis, (int, np.integer)) else axis
    return x, axis, bool(keepdims)


_LEAST = {"max": -np.inf, "min": np.inf}


def _default_axis(instruction: Instruction) -> Any:
    return 0 if instruction.function is np.add.reduce else None
