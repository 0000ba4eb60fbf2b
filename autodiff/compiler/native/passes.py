"""What is done in which pass of a loop nest, and which results need memory.

The rows of the index space are gone through one by one, each in several passes where a later step
needs the sum or the largest entry of the whole row.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.fuse import Nest, reads, row_access, row_shape, writes
from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.storage import Place, Storage
from autodiff.compiler.tracing.program import Value

__all__ = ["ROW_LEVELS", "Passes", "is_at_row_end"]

ROW_LEVELS = ("row", "row map")


class Passes:
    """The plan of a nest.

    Parameters
    ----------
    made : Lowered
    nest : Nest
    needed : callable
        Whether anything outside of the nest reads a storage.

    Attributes
    ----------
    number : dict
        In which pass each member is.
    before : dict
        For each member, which one has made what it reads, by storage.
    readers : dict
        The other way round.
    stored : set of Operation
        Members whose result goes to memory.
    in_registers : set of Storage
        What is made here and nowhere in memory.
    space, merged
        Lengths of as few axes as the strides of all places allow, and the axes in each of them.
    """

    def __init__(self, made: Lowered, nest: Nest, needed: Callable[[Storage], bool]) -> None:
        self.made, self.nest, self.needed = made, nest, needed
        self.maker = {p.storage: m for m in nest.members for p in writes(made, m)}
        self.before: dict[Operation, dict[Storage, Operation]] = {}
        self.readers: dict[Operation, list[Operation]] = {}
        self._note_sources()
        self.number: dict[Operation, int] = {}
        self._touched: dict[Storage, int] = {}  # the last pass that reads or writes it
        for member in nest.members:
            self.number[member] = self._pass_of(member)
        self.stored = {m for m in nest.members if self._is_stored(m)}
        in_memory = {p.storage for m in self.stored for p in writes(made, m)}
        self.in_registers = set(self.maker) - in_memory
        self.space, self.merged = self._merged_axes()

    def _note_sources(self) -> None:
        latest: dict[Storage, Operation] = {}
        for member in self.nest.members:
            read = {p.storage for p in reads(self.made, member)}
            self.before[member] = {s: latest[s] for s in read if s in latest}
            for source in self.before[member].values():
                self.readers.setdefault(source, []).append(member)
            latest.update((p.storage, member) for p in writes(self.made, member))

    def _pass_of(self, member: Operation) -> int:
        """After what it reads, and not before that is read which it writes over."""
        written = [p.storage for p in writes(self.made, member)]
        number = max((self._touched.get(s, 0) for s in written), default=0)
        for source in self.before[member].values():
            number = max(number, self.number[source] + _waits(member, source))
        for storage in [*written, *(p.storage for p in reads(self.made, member))]:
            self._touched[storage] = max(number, self._touched.get(storage, 0))
        return number

    def _is_stored(self, member: Operation) -> bool:
        """Whether its result goes to memory."""
        if member.kind in ("guard", "add_at"):
            return False
        storage = writes(self.made, member)[0].storage
        if self.needed(storage) or member.level in ("column", "all"):
            return True
        if member.level in ROW_LEVELS:
            return False
        return any(
            m.kind in ("take", "add_at") or self.number[m] != self.number[member]
            for m in self.readers.get(member, [])
        )

    def _merged_axes(self) -> tuple[tuple[int, ...], list[list[int]]]:
        space = self.nest.space
        strides = [s for m in self.nest.members for s in self._strides(m)]
        keeps_rows = any(m.level in ROW_LEVELS for m in self.nest.members)
        groups: list[list[int]] = []
        for axis in range(len(space)):
            alone = keeps_rows and axis == len(space) - 1
            if groups and not alone and all(
                s[axis - 1] == s[axis] * space[axis] for s in strides
            ):  # fmt: skip
                groups[-1].append(axis)
            else:
                groups.append([axis])
        return tuple(math.prod(space[a] for a in g) for g in groups), groups

    def _strides(self, member: Operation) -> list[tuple[int, ...]]:
        space = self.nest.space
        found = [row_access(p, s, space) for p, s in self._row_accessed(member)]
        if is_at_row_end(member):
            return found
        for place, shape in self._accessed(member):
            strides = self.nest.strides(place, shape)
            assert strides is not None, (place.shape, shape, space)
            found.append(strides)
        if member.level == "column":
            found.append((*(0,) * (len(space) - 1), 1))
        return found

    def _row_accessed(self, member: Operation) -> list[tuple[Place, tuple[int, ...]]]:
        """Places in memory that hold an entry for each row, with the shape of all rows."""
        if member.level not in ROW_LEVELS:
            return []
        shape = row_shape(member)
        args = member.args if member.kind == "map" else ()
        if member.kind in ("take", "add_at"):
            args = (*(member.args[1:2] if member.kind == "add_at" else ()), member.args[-1])
        given = [self.made.place(a) for a in args if isinstance(a, Value) or np.ndim(a)]
        places = [p for p in given if p.storage not in self.maker]
        places += writes(self.made, member) if member in self.stored else []
        return [(p, shape) for p in places]

    def _accessed(self, member: Operation) -> list[tuple[Place, tuple[int, ...]]]:
        """Places with the shape that they are broadcast to, that go with the index."""
        if member.kind in ("reduce", "guard"):
            place = self.made.place(member.args[0])
            return [] if self._is_row_value(place.storage) else [(place, place.shape)]
        assert member.out is not None
        shape = member.out.shape
        places = [p for p in reads(self.made, member) if not self._is_row_value(p.storage)]
        return [(p, shape) for p in [*places, *writes(self.made, member)]]

    def _is_row_value(self, storage: Storage) -> bool:
        maker = self.maker.get(storage)
        return maker is not None and maker.level in ROW_LEVELS and maker.kind != "add_at"

    def register_maker(self, member: Operation, storage: Storage) -> Any:
        """The member that has what `member` reads there in a register, if there is one."""
        maker = self.before[member].get(storage)
        if maker is None or maker.kind == "add_at":
            return None
        is_there = maker.level in ROW_LEVELS or self.number[maker] == self.number[member]
        return maker if is_there else None


def is_at_row_end(member: Operation) -> bool:
    """Whether it is done once for each row, after a pass."""
    return member.level == "row map" or member.kind == "add_at"


def _waits(member: Operation, source: Operation) -> bool:
    """Whether `member` has to wait until a pass with `source` is over."""
    if member.kind == "reduce" and source.level in ROW_LEVELS:
        return True
    return member.level not in ROW_LEVELS and (
        source.level in ROW_LEVELS or source.kind == "add_at"
    )
