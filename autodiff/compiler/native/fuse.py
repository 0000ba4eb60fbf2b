"""Which operations share a loop nest.

Operations join the nest of what they read if they go over the same index space and read it entry by
entry; so intermediate values live in registers, and each row is still in the cache when the next
step over it begins.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.storage import Place, Storage
from autodiff.compiler.tracing.program import Value

__all__ = ["Nest", "access", "fused", "reads", "row_access", "row_shape", "writes"]


def reads(made: Lowered, operation: Operation) -> list[Place]:
    """The places that an operation reads."""
    if operation.kind == "matmul":
        return list(operation.extra["matrices"][:2])
    if operation.kind == "along":
        return list(operation.extra["places"][:1])
    if operation.kind == "loop":
        inside = [p for o in operation.body.operations for p in reads(operation.body, o)]
        return [*inside, *operation.extra["carries"]]
    found = [made.place(a) for a in operation.args if isinstance(a, Value) or np.ndim(a)]
    if operation.kind == "add_at":
        found.append(made.place(operation.args[0]))
    return found


def writes(made: Lowered, operation: Operation) -> list[Place]:
    """The places that it writes."""
    if operation.kind in ("call", "rows"):
        return [made.place(v) for v in operation.instruction.out]
    if operation.kind == "loop":
        inside = [p for o in operation.body.operations for p in writes(operation.body, o)]
        return [*inside, *operation.extra["carries"]]
    return [made.place(operation.out)] if operation.out is not None else []


class Nest:
    """Operations over one index space.

    Attributes
    ----------
    space : tuple of int
    members : list of Operation
    """

    def __init__(self, space: tuple[int, ...]) -> None:
        self.space = space
        self.members: list[Operation] = []
        self.levels: dict[Storage, str] = {}
        self.written_at: dict[Storage, Place] = {}
        self.touched: dict[Storage, list[tuple[Operation, Place]]] = {}
        self.rows: set[Storage] = set()
        self.passes: Any = None

    def keep_rows(self, made: Lowered, needed: Callable[[Storage], bool]) -> None:
        """What only this nest needs is held for a row at a time."""
        if not any(level in ("row", "row map") for level in self.levels.values()):
            return
        for member in self.members:
            if member.kind != "map" or member.level != "full":
                continue
            (place,) = writes(made, member)
            storage, is_whole = place.storage, place.storage.size == math.prod(self.space)
            alike = is_whole and place.array.size == storage.size and place.is_contiguous
            if storage.kind == "arena" and alike and not needed(storage):
                self.rows.add(storage)
                storage.size = self.space[-1]

    def strides(self, place: Place, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        """By how many entries a place moves on along each axis of the space."""
        if place.storage in self.rows:
            return (*(0,) * (len(self.space) - 1), 1)
        return access(place, shape, self.space)

    def joins(self, made: Lowered, operation: Operation) -> str | None:
        """On which level an operation would be a member, if it can be one."""
        level = self._level(made, operation)
        if level is None:
            return None
        for place in reads(made, operation):
            held = self.levels.get(place.storage)
            if held is None:
                continue
            if held in ("column", "all") or not self._reads_alike(made, operation, place, level):
                return None
        for place in writes(made, operation):
            if operation.kind != "add_at" and self._is_touched(made, place, operation):
                return None
        return level

    def _level(self, made: Lowered, operation: Operation) -> str | None:
        places = [*reads(made, operation), *writes(made, operation)]
        if operation.kind in ("take", "add_at"):
            return self._level_at_places(made, operation)
        if operation.kind in ("reduce", "guard"):
            source = made.place(operation.args[0])
            if access(source, source.shape, self.space) is None:
                return None
            if operation.kind == "reduce" and not self._result_fits(made, operation):
                return None
            return "row" if operation.level == "all" and len(self.space) == 1 and (
                operation.kind == "reduce") else operation.level  # fmt: skip
        assert operation.out is not None
        shape = operation.out.shape
        if all(access(p, shape, self.space) is not None for p in places):
            return "full"
        if self._is_row(shape) and self._has_row_source(made, operation):
            return "row map"
        return None

    def _result_fits(self, made: Lowered, operation: Operation) -> bool:
        assert operation.out is not None
        source = made.place(operation.args[0])
        if long_axes(source.shape) == self.space or operation.level == "all":
            return True
        rows = made.new(operation.out).reshaped((*self.space[:-1], 1))
        is_row = operation.level == "row" and source.shape[-1:] == self.space[-1:]
        return is_row and rows is not None

    def _is_row(self, shape: tuple[int, ...]) -> bool:
        return long_axes(shape) == self.space[:-1]

    def _has_row_source(self, made: Lowered, operation: Operation) -> bool:
        held = [self.levels.get(p.storage) for p in reads(made, operation)]
        return any(level in ("row", "row map") for level in held)

    def _level_at_places(self, made: Lowered, operation: Operation) -> str | None:
        """One entry of each row, at a place given for the row."""
        x = made.place(operation.args[0])
        at = operation.args[1:] if operation.kind == "take" else operation.args[2:]
        rows = x.shape[:-1]
        if self.levels.get(x.storage) != "full" or long_axes(x.shape) != self.space:
            return None
        if len(at) != len(x.shape) or not rows or x.shape[-1] == 1:
            return None
        if getattr(at[-1], "shape", None) != rows:
            return None
        return "row map" if all(_is_counting(a, k, rows) for k, a in enumerate(at[:-1])) else None

    def _reads_alike(self, made: Lowered, operation: Operation, place: Place, level: str) -> bool:
        """Whether the entry that is read is the one that this turn of the loop has made."""
        held, written = self.levels[place.storage], self.written_at[place.storage]
        if place.offset != written.offset:
            return False
        if operation.kind in ("take", "add_at") and place is made.place(operation.args[0]):
            same = access(place, place.shape, self.space) == self._own_access(written, held)
            return held == "full" and same
        if level == "row map":
            entry = row_access(place, row_shape(operation), self.space)
            return held != "full" and entry == row_access(written, written.shape, self.space)
        mine = access(place, self._shape_of(operation), self.space)
        return mine is not None and mine == self._own_access(written, held)

    def _shape_of(self, operation: Operation) -> tuple[int, ...]:
        if operation.kind in ("reduce", "guard"):
            return operation.args[0].shape  # type: ignore[no-any-return]
        return operation.out.shape  # type: ignore[union-attr]

    def _own_access(self, place: Place, held: str) -> tuple[int, ...] | None:
        if held == "full":
            return access(place, place.shape, self.space)
        rows = place.reshaped((*self.space[:-1], 1))
        return None if rows is None else access(rows, self.space, self.space)

    def _is_touched(self, made: Lowered, place: Place, operation: Operation) -> bool:
        """Whether a member reads or writes there in another turn of the loop."""
        others = self.touched.get(place.storage)
        if not others:
            return False
        mine = access(place, self._shape_of(operation), self.space)
        for m, p in others:
            if not np.may_share_memory(p.array, place.array):
                continue  # parts side by side do not disturb each other
            theirs = access(p, self._shape_of(m), self.space) if m.level == "full" else None
            if theirs is None or theirs != mine or p.offset != place.offset:
                return True
        return False

    def add(self, made: Lowered, operation: Operation, level: str) -> None:
        """Make an operation a member."""
        operation.level = level
        self.members.append(operation)
        written = writes(made, operation)
        for place in [*reads(made, operation), *written]:
            self.touched.setdefault(place.storage, []).append((operation, place))
        for place in written:
            self.levels[place.storage] = level
            self.written_at[place.storage] = place
        if operation.kind == "add_at":
            self.levels[made.place(operation.args[0]).storage] = "full"


def _is_counting(index: Any, axis: int, shape: tuple[int, ...]) -> bool:
    """Whether an index is the number along this axis."""
    if not isinstance(index, np.ndarray) or np.broadcast_shapes(index.shape, shape) != shape:
        return False
    count = np.arange(shape[axis]).reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return bool(np.array_equal(np.broadcast_to(index, shape), np.broadcast_to(count, shape)))


def long_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The lengths other than 1."""
    return tuple(n for n in shape if n != 1)


def row_shape(operation: Operation) -> tuple[int, ...]:
    """The shape of what a member on the level of rows works on."""
    if operation.kind == "add_at":
        return operation.args[-1].shape  # type: ignore[no-any-return]
    return operation.out.shape  # type: ignore[union-attr]


def row_access(place: Place, shape: tuple[int, ...], space: tuple[int, ...]) -> tuple[int, ...]:
    """By how many entries a place with one entry for each row moves on along the axes."""
    rows = (*space[:-1], 1)
    wide = place.broadcast(shape).reshaped(rows)
    assert wide is not None
    return tuple(s if n > 1 else 0 for s, n in zip(wide.strides, rows, strict=True))


def access(place: Place, shape: tuple[int, ...], space: tuple[int, ...]) -> tuple[int, ...] | None:
    """By how many entries a place moves on along each axis of the space; None if it cannot."""
    if place.array.shape == shape == space and 1 not in shape:
        return place.strides
    try:
        wide = place.broadcast(shape)
    except ValueError:
        return None
    if shape != space:
        long = long_axes(shape)
        if math.prod(long) != math.prod(space) or (long[-1:] or (1,)) != space[-1:]:
            return None
        again = wide.reshaped(space)
        if again is None:
            return None
        wide = again
    return tuple(s if n > 1 else 0 for s, n in zip(wide.strides, space, strict=True))


def fused(made: Lowered) -> list[Any]:
    """The operations in an order in which they can be done, those that share a loop as a `Nest`."""
    kernels: list[Any] = []
    last_read: dict[Storage, int] = {}
    last_write: dict[Storage, int] = {}
    barrier = -1
    for operation in made.operations:
        first = _earliest(made, operation, last_read, last_write)
        if operation.extra.get("update"):
            first = max(first, barrier + 1)
        where = _put(made, operation, kernels, first)
        for place in reads(made, operation):
            last_read[place.storage] = max(where, last_read.get(place.storage, -1))
        for place in writes(made, operation):
            last_write[place.storage] = max(where, last_write.get(place.storage, -1))
        if operation.kind in ("guard", "call", "take", "add_at", "loop"):
            barrier = max(barrier, where)
    return kernels


def _earliest(
    made: Lowered, operation: Operation, last_read: dict[Storage, int],
    last_write: dict[Storage, int],
) -> int:  # fmt: skip
    after = [last_write.get(p.storage, -1) for p in reads(made, operation)]
    for place in writes(made, operation):
        after += [last_write.get(place.storage, -1), last_read.get(place.storage, -1)]
    return max(after, default=-1)


def _put(made: Lowered, operation: Operation, kernels: list[Any], first: int) -> int:
    """Let it join the nest that it has to wait for, or the last one; or stand alone."""
    if operation.kind in ("map", "reduce", "guard", "take", "add_at"):
        for k in dict.fromkeys((max(first, 0), len(kernels) - 1)):
            if 0 <= k < len(kernels) and k >= first and isinstance(kernels[k], Nest):
                level = kernels[k].joins(made, operation)
                if level is not None:
                    kernels[k].add(made, operation, level)
                    return k
    if operation.kind in ("map", "reduce", "guard"):
        kernels.append(_new_nest(made, operation))
    else:
        kernels.append(operation)
    return len(kernels) - 1


def _new_nest(made: Lowered, operation: Operation) -> Nest:
    if operation.kind == "map":
        assert operation.out is not None
        nest = Nest(long_axes(operation.out.shape) or (1,))
        nest.add(made, operation, "full")
        return nest
    space = long_axes(operation.args[0].shape) or (1,)
    nest = Nest(space)
    is_row = operation.level == "all" and len(space) == 1 and operation.kind == "reduce"
    nest.add(made, operation, "row" if is_row else operation.level)
    return nest
