"""The C text of loop nests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.elements import C_TYPES, expression, literal
from autodiff.compiler.native.fuse import Nest, reads, row_access, row_shape, writes
from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.storage import Place, Storage
from autodiff.compiler.tracing.program import Value

__all__ = ["NestWriter"]

_ROW_LEVELS = ("row", "row map")


class NestWriter:
    """One nest being written.

    Parameters
    ----------
    made : Lowered
    nest : Nest
    needed : callable
        Whether anything outside of the nest reads a storage.

    Notes
    -----
    The rows of the index space are gone through one by one, each in several passes where a
    later step needs the sum or the largest entry of the whole row.
    """

    def __init__(self, made: Lowered, nest: Nest, needed: Callable[[Storage], bool]) -> None:
        self.made, self.nest, self.needed = made, nest, needed
        self.pointer: Callable[[Place], str] = str
        self.phase: dict[Operation, int] = {}
        self.touched: dict[Storage, int] = {}  # the last pass that reads or writes it
        self.maker = {p.storage: m for m in nest.members for p in writes(made, m)}
        self.before: dict[Operation, dict[Storage, Operation]] = {}
        self.readers: dict[Operation, list[Operation]] = {}
        self._note_sources()
        for member in nest.members:
            self.phase[member] = self._phase(member)
        self.stored = {m for m in nest.members if self._is_stored(m)}
        self.in_memory = {p.storage for m in self.stored for p in writes(made, m)}
        self.in_registers = set(self.maker) - self.in_memory
        self.pointers: dict[tuple[Any, ...], tuple[str, str]] = {}
        self.space, self.merged = self._merged_axes()

    def _note_sources(self) -> None:
        """For each member, which one has made what it reads."""
        latest: dict[Storage, Operation] = {}
        for member in self.nest.members:
            read = {p.storage for p in reads(self.made, member)}
            self.before[member] = {s: latest[s] for s in read if s in latest}
            for source in self.before[member].values():
                self.readers.setdefault(source, []).append(member)
            latest.update((p.storage, member) for p in writes(self.made, member))

    def _phase(self, member: Operation) -> int:
        """The number of the pass: after what it reads, not before what it writes over is read."""
        phase = 0
        for source in self.before[member].values():
            later = source.level in _ROW_LEVELS and member.level not in _ROW_LEVELS
            later = later or (source.kind == "add_at" and member.level not in _ROW_LEVELS)
            if member.kind == "reduce" and source.level in _ROW_LEVELS:
                later = True
            phase = max(phase, self.phase[source] + later)
        for place in writes(self.made, member):
            phase = max(phase, self.touched.get(place.storage, 0))
        for place in [*reads(self.made, member), *writes(self.made, member)]:
            self.touched[place.storage] = max(phase, self.touched.get(place.storage, 0))
        return phase

    def _is_stored(self, member: Operation) -> bool:
        """Whether its result goes to memory."""
        if member.kind in ("guard", "add_at"):
            return False
        storage = writes(self.made, member)[0].storage
        if self.needed(storage) or member.level in ("column", "all"):
            return True
        readers = self.readers.get(member, [])
        if member.level in _ROW_LEVELS:
            return False
        return any(
            m.kind in ("take", "add_at") or self.phase[m] != self.phase[member] for m in readers
        )

    def _merged_axes(self) -> tuple[tuple[int, ...], list[list[int]]]:
        """The space with as few axes as the strides of all places allow."""
        space = self.nest.space
        strides = [s for m in self.nest.members for s in self._strides(m)]
        keeps_rows = any(m.level in _ROW_LEVELS for m in self.nest.members)
        groups: list[list[int]] = []
        for axis in range(len(space)):
            alone = keeps_rows and axis == len(space) - 1
            if groups and not alone and all(
                s[axis - 1] == s[axis] * space[axis] for s in strides
            ):  # fmt: skip
                groups[-1].append(axis)
            else:
                groups.append([axis])
        return tuple(int(np.prod([space[a] for a in g])) for g in groups), groups

    def _strides(self, member: Operation) -> list[tuple[int, ...]]:
        found = [row_access(p, s, self.nest.space) for p, s in self._row_accessed(member)]
        if member.level == "row map" or member.kind == "add_at":
            return found
        for place, shape in self._accessed(member):
            strides = self.nest.strides(place, shape)
            assert strides is not None, (place.shape, shape, self.nest.space)
            found.append(strides)
        if member.level == "column":
            found.append(self._column(member))
        return found

    def _row_accessed(self, member: Operation) -> list[tuple[Place, tuple[int, ...]]]:
        """Places in memory that hold an entry for each row, with the shape of all rows."""
        if member.level not in _ROW_LEVELS:
            return []
        shape = row_shape(member)
        args = member.args if member.kind == "map" else ()
        if member.kind in ("take", "add_at"):
            args = (*(member.args[1:2] if member.kind == "add_at" else ()), member.args[-1])
        given = [self.made.place(a) for a in args if isinstance(a, Value) or np.ndim(a)]
        places = [p for p in given if p.storage not in self.maker]
        places += writes(self.made, member) if member in self.stored else []
        return [(p, shape) for p in places]

    def _column(self, member: Operation) -> tuple[int, ...]:
        return (*(0,) * (len(self.nest.space) - 1), 1)

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
        return maker is not None and maker.level in _ROW_LEVELS and maker.kind != "add_at"

    # ---------------------------------------------------------------- text

    def text(self, pointer: Callable[[Place], str]) -> list[str]:
        """The C lines of the nest; `pointer` gives the address of a place."""
        self.pointer = pointer
        body: list[str] = []
        for phase in range(max(self.phase.values()) + 1):
            body += self._pass(phase) + self._row_end(phase)
        before, after = self._whole_nest()
        for d in reversed(range(len(self.space) - 1)):
            head = f"for (int64_t i{d} = 0; i{d} < {self.space[d]}; i{d}++) {{"
            body = [head, *(f"  {line}" for line in body), "}"]
        pointers = [f"{kind} {name} = {text};" for text, (kind, name) in self.declared()]
        return ["{", *(f"  {line}" for line in [*pointers, *before, *body, *after]), "}"]

    def declared(self) -> list[tuple[str, tuple[str, str]]]:
        """The pointers that are used."""
        return [(key[0], value) for key, value in self.pointers.items()]

    def _pass(self, phase: int) -> list[str]:
        """One way along the row."""
        members = [m for m in self.nest.members
                   if self.phase[m] == phase and m.level not in ("row map",)
                   and m.kind != "add_at"]  # fmt: skip
        if not members:
            return []
        before, after, clauses, lines = [], [], [], []
        for member in members:
            if member.level == "full":
                lines += self._map(member, self._at(member))
            else:
                start, clause, step, end = self._reduction(member)
                before += start
                clauses += clause
                lines += step
                after += end
        n, last = self.space[-1], len(self.space) - 1
        simd = f"#pragma omp simd {' '.join(sorted(clauses))}".rstrip()
        loop = [f"for (int64_t i{last} = 0; i{last} < {n}; i{last}++) {{",
                *(f"  {line}" for line in lines), "}"]  # fmt: skip
        return [*before, simd, *loop, *after]

    def _row_end(self, phase: int) -> list[str]:
        lines = []
        for member in self.nest.members:
            if self.phase[member] == phase and (
                member.level == "row map" or member.kind == "add_at"
            ):
                lines += self._row_map(member)
        return lines

    def _whole_nest(self) -> tuple[list[str], list[str]]:
        """What stands before and after all loops: results over all rows."""
        before, after = [], []
        for m in self.nest.members:
            if m.kind == "guard":
                before.append(f"int bad{id_of(m)} = 0;")
                after.append(f"if (bad{id_of(m)}) return 1;")
            elif m.level == "all" or (m.level == "column"):
                assert m.out is not None
                kind, start = C_TYPES[m.out.dtype.name], _start(m.name, m.out.dtype)
                if m.level == "all":
                    before.append(f"{kind} t{m.out.number} = {start};")
                    after.append(f"{self._target(m, '0')} = t{m.out.number};")
                else:
                    size = m.out.size
                    before.append(
                        f"for (int64_t j = 0; j < {size}; j++) {self._target(m, 'j')} = {start};"
                    )
        return before, after

    def _target(self, member: Operation, index: str) -> str:
        (place,) = writes(self.made, member)
        return self._entry(place, index)

    def _entry(self, place: Place, index: str) -> str:
        """An entry of a place."""
        shift = str(place.offset)
        if place.offset and index == "0":
            return f"{self._pointer(place)}[{shift}]"
        return f"{self._pointer(place)}[{index}{f' + {shift}' if place.offset else ''}]"

    def _pointer(self, place: Place) -> str:
        """The beginning of its storage: one pointer for each."""
        text = self.pointer(Place(place.storage, place.root, place.root, place.steps))
        key = (text, place.array.dtype.name)
        if key not in self.pointers:
            kind = C_TYPES[place.array.dtype.name]
            self.pointers[key] = (f"{kind} *restrict", f"p{len(self.pointers)}")
        return self.pointers[key][1]

    def _index(self, strides: tuple[int, ...]) -> str:
        """The entry as a sum over loop variables."""
        terms = []
        for d, group in enumerate(self.merged):
            stride = strides[group[-1]]
            if stride:
                terms.append(f"i{d}" if stride == 1 else f"i{d} * {stride}")
        return " + ".join(terms) or "0"

    def _argument(self, member: Operation, arg: Any, shape: tuple[int, ...]) -> Any:
        """``(text, dtype, weak)`` of an argument."""
        if not isinstance(arg, Value) and not np.ndim(arg):
            weak = not isinstance(arg, (np.generic, np.ndarray))
            dtype = np.dtype(type(arg)) if weak else arg.dtype
            return (arg if weak else literal(arg, dtype), dtype, weak)
        place = self.made.place(arg)
        dtype = place.array.dtype
        weak = isinstance(arg, Value) and arg.weak
        maker = self._maker_before(member, place.storage)
        if maker is not None and maker.kind != "add_at" and (
            maker.level in _ROW_LEVELS or self.phase[maker] == self.phase[member]
        ):  # fmt: skip
            return (f"v{maker.out.number}", dtype, weak)  # type: ignore[union-attr]
        strides = self.nest.strides(place, shape)
        assert strides is not None
        return (self._entry(place, self._index(strides)), dtype, weak)

    def _maker_before(self, member: Operation, storage: Storage) -> Operation | None:
        return self.before[member].get(storage)

    def _at(self, member: Operation) -> tuple[int, ...]:
        return member.out.shape  # type: ignore[union-attr]

    def _map(self, member: Operation, shape: tuple[int, ...]) -> list[str]:
        out = member.out
        assert out is not None
        text = expression(member.name, out, [self._argument(member, a, shape) for a in member.args])
        kind = C_TYPES[out.dtype.name]
        lines = [f"const {kind} v{out.number} = {text};"]
        if member in self.stored:
            (place,) = writes(self.made, member)
            strides = self.nest.strides(place, shape)
            assert strides is not None
            lines.append(f"{self._entry(place, self._index(strides))} = v{out.number};")
        return lines

    def _reduction(self, m: Operation) -> tuple[list[str], list[str], list[str], list[str]]:
        """Lines before the pass, clauses of the loop, lines within, lines after."""
        x = self._argument(m, m.args[0], m.args[0].shape)[0]
        if m.out is not None and m.out.dtype != m.args[0].dtype:
            x = f"({C_TYPES[m.out.dtype.name]}){x}"
        if m.kind == "guard":
            test = {"nan": f"{x} != {x}", "negative": f"{x} < 0", "true": x}[m.name]
            return [], [f"reduction(|:bad{id_of(m)})"], [f"bad{id_of(m)} |= {test};"], []
        assert m.out is not None
        n, dtype = m.out.number, m.out.dtype
        if m.level == "column":
            target = self._target(m, f"i{len(self.space) - 1}")
            return [], [], [f"{target} = {_step(m.name, target, x)};"], []
        kind, start = C_TYPES[dtype.name], _start(m.name, dtype)
        before = [f"{kind} s{n} = {start};"]
        clauses = [f"reduction({_CLAUSES[m.name]}:s{n})"]
        step = [f"s{n} = {_step(m.name, f's{n}', x, in_pass=True)};"]
        after = []
        if m.name in ("max", "min") and dtype.kind == "f":
            before.append(f"int nan{n} = 0;")
            clauses.append(f"reduction(|:nan{n})")
            step.append(f"nan{n} |= {x} != {x};")
            after.append(f"if (nan{n}) s{n} = {literal(np.nan, dtype)};")
        if m.level == "all":
            after.append(f"t{n} = {_step(m.name, f't{n}', f's{n}')};")
        else:
            after.append(f"const {kind} v{n} = s{n};")
            if m in self.stored:
                after.append(f"{self._row_target(m)} = v{n};")
        return before, clauses, step, after

    def _row_target(self, member: Operation) -> str:
        (place,) = writes(self.made, member)
        strides = row_access(place, row_shape(member), self.nest.space)
        return self._entry(place, self._row_index(strides))

    def _row_index(self, strides: tuple[int, ...]) -> str:
        terms = []
        for d, group in enumerate(self.merged[:-1]):
            stride = strides[group[-1]]
            if stride:
                terms.append(f"i{d}" if stride == 1 else f"i{d} * {stride}")
        return " + ".join(terms) or "0"

    def _row_value(self, member: Operation, arg: Any) -> Any:
        """``(text, dtype, weak)`` of an argument on the level of rows."""
        if not isinstance(arg, Value) and not np.ndim(arg):
            return self._argument(member, arg, ())
        place = self.made.place(arg)
        maker = self._maker_before(member, place.storage)
        weak = isinstance(arg, Value) and arg.weak
        if maker is not None:
            return (f"v{maker.out.number}", place.array.dtype, weak)  # type: ignore[union-attr]
        if place.array.size == 1:
            return (self._entry(place, "0"), place.array.dtype, weak)
        strides = row_access(place, row_shape(member), self.nest.space)
        return (self._entry(place, self._row_index(strides)), place.array.dtype, weak)

    def _row_map(self, member: Operation) -> list[str]:
        if member.kind in ("take", "add_at"):
            return self._at_places(member)
        out = member.out
        assert out is not None
        text = expression(member.name, out, [self._row_value(member, a) for a in member.args])
        lines = [f"const {C_TYPES[out.dtype.name]} v{out.number} = {text};"]
        if member in self.stored:
            lines.append(f"{self._row_target(member)} = v{out.number};")
        return lines

    def _at_places(self, member: Operation) -> list[str]:
        """One entry of the row, at a place that is checked."""
        x, out, n = member.args[0], member.out, self.nest.space[-1]
        assert out is not None
        where, kind = self._row_value(member, member.args[-1])[0], C_TYPES[out.dtype.name]
        place = self.made.place(x)
        strides = self.nest.strides(place, place.shape)
        assert strides is not None
        at = f"at{out.number}"
        row = self._row_index(strides)
        lines = [f"int64_t {at} = {where};", f"if ({at} < 0) {at} += {n};",
                 f"if ({at} < 0 || {at} >= {n}) return 1;"]  # fmt: skip
        entry = self._entry(place, f"{row} + {at} * {strides[-1]}")
        if member.kind == "take":
            lines.append(f"const {kind} v{out.number} = {entry};")
            if member in self.stored:
                lines.append(f"{self._row_target(member)} = v{out.number};")
            return lines
        part = self._row_value(member, member.args[1])
        text = part[0] if isinstance(part[0], str) else literal(part[0], out.dtype)
        return [*lines, f"{entry} {member.name}= {text};"]


_CLAUSES = {"sum": "+", "prod": "*", "max": "max", "min": "min"}


def _start(name: str, dtype: Any) -> str:
    """What a reduction begins with."""
    if name in ("sum", "prod"):
        return literal(int(name == "prod"), dtype)
    if dtype.kind == "f":
        return literal(-np.inf if name == "max" else np.inf, dtype)
    limits = np.iinfo(np.uint8 if dtype.kind == "b" else dtype)
    return literal(limits.min if name == "max" else limits.max, dtype)


def _step(name: str, total: str, x: str, in_pass: bool = False) -> str:
    if name in ("sum", "prod"):
        return f"{total} {_CLAUSES[name]} {x}"
    better = ">" if name == "max" else "<"
    if in_pass:
        return f"{x} {better} {total} ? {x} : {total}"
    return f"{x} {better} {total} || {x} != {x} ? {x} : {total}"


def id_of(member: Operation) -> int:
    """A number for names."""
    return member.args[0].number  # type: ignore[no-any-return]
