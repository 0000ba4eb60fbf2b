"""The C text of loop nests."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native.blocks import block
from autodiff.compiler.native.elements import C_TYPES, expression, literal
from autodiff.compiler.native.fuse import row_access, row_shape, writes
from autodiff.compiler.native.operations import Operation
from autodiff.compiler.native.passes import Passes, is_at_row_end
from autodiff.compiler.native.storage import Place
from autodiff.compiler.native.totals import CHUNK, Total, first, step
from autodiff.compiler.tracing.program import Value

__all__ = ["NestWriter"]

_REGISTER = re.compile(r"[vst]\d+")


class NestWriter:
    """One nest being written.

    Parameters
    ----------
    passes : Passes
    pointer : callable
        The address of a place.
    """

    def __init__(self, passes: Passes, pointer: Callable[[Place], str]) -> None:
        self.passes, self.pointer = passes, pointer
        self.made, self.nest, self.space = passes.made, passes.nest, passes.space
        self.pointers: dict[tuple[str, str], str] = {}
        self.totals: dict[Operation, Total] = {}
        self.registers: dict[Operation, str] = {}
        self.checked: dict[str, str] = {}

    def text(self) -> list[str]:
        """The C lines of the nest."""
        body: list[str] = []
        for number in range(max(self.passes.number.values()) + 1):
            body += self._pass(number)
        before, after = self._whole_nest()
        for d in reversed(range(len(self.space) - 1)):
            body = block(f"for (int64_t i{d} = 0; i{d} < {self.space[d]}; i{d}++)", body)
        pointers = [f"{kind} *restrict {p} = {text};" for (text, kind), p in self.pointers.items()]
        return block("", [*pointers, *before, *body, *after])

    def _pass(self, number: int) -> list[str]:
        """One way along the row, and what is done at its end."""
        members = [m for m in self.nest.members if self.passes.number[m] == number]
        inside = [m for m in members if not is_at_row_end(m)]
        lines = [line for m in inside for line in self._entry_work(m)]
        totals = [self.totals[m] for m in inside if m in self.totals]
        clauses = [f"reduction(|:bad{_id(m)})" for m in inside if m.kind == "guard"]
        return [
            *(line for t in totals for line in t.before_pass()),
            *self._along_row(lines, totals, clauses),
            *(line for t in totals for line in t.after_pass()),
            *(line for m in inside if m in self.totals for line in self._total(m)),
            *(line for m in members if is_at_row_end(m) for line in self._row_work(m)),
        ]

    def _along_row(self, lines: list[str], totals: list[Total], clauses: list[str]) -> list[str]:
        """A loop, in chunks where it gives a sum of many numbers."""
        n, i = self.space[-1], f"i{len(self.space) - 1}"
        if n == 1 or not lines:
            return lines
        clauses = sorted({*clauses, *(c for t in totals for c in t.clauses())})
        simd = " ".join(["#pragma omp simd", *clauses])
        chunked = [t for t in totals if t.in_chunks]
        if not chunked:
            return [simd, *block(f"for (int64_t {i} = 0; {i} < {n}; {i}++)", lines)]
        chunk = [
            *(line for t in chunked for line in t.opened()),
            f"const int64_t stop = j + {CHUNK} < {n} ? j + {CHUNK} : {n};",
            simd,
            *block(f"for (int64_t {i} = j; {i} < stop; {i}++)", lines),
            *(line for t in chunked for line in t.closed()),
        ]
        return block(f"for (int64_t j = 0; j < {n}; j += {CHUNK})", chunk)

    def _whole_nest(self) -> tuple[list[str], list[str]]:
        """What stands before and after all loops: results over all rows."""
        before, after = [], []
        for m in self.nest.members:
            if m.kind == "guard":
                before.append(f"int bad{_id(m)} = 0;")
                after.append(f"if (bad{_id(m)}) return 1;")
            elif m.level == "column":
                assert m.out is not None
                target = f"{self._target(m, 'j')} = {first(m.name, m.out.dtype)};"
                before.append(f"for (int64_t j = 0; j < {m.out.size}; j++) {target}")
            elif m in self.totals and self.totals[m].over_rows:
                before += self.totals[m].declared()
                after.append(f"{self._target(m, '0')} = {self.totals[m].value};")
        return before, after

    # ---------------------------------------------------------------- places

    def _target(self, member: Operation, index: str) -> str:
        (place,) = writes(self.made, member)
        return self._entry(place, index)

    def _row_target(self, member: Operation) -> str:
        (place,) = writes(self.made, member)
        if member.level == "all":
            return self._entry(place, "0")
        return self._entry(place, self._index(self._row_strides(place, member)))

    def _row_strides(self, place: Place, member: Operation) -> tuple[int, ...]:
        return row_access(place, row_shape(member), self.nest.space)

    def _entry(self, place: Place, index: str) -> str:
        """An entry of a place."""
        terms = [index] if index != "0" or not place.offset else []
        terms += [str(place.offset)] if place.offset else []
        return f"{self._name(place)}[{' + '.join(terms)}]"

    def _name(self, place: Place) -> str:
        """The beginning of its storage: one pointer for each."""
        text = self.pointer(Place(place.storage, place.root, place.root, place.steps))
        key = (text, C_TYPES[place.array.dtype.name])
        return self.pointers.setdefault(key, f"p{len(self.pointers)}")

    def _index(self, strides: tuple[int, ...], last: str = "") -> str:
        """The entry as a sum over loop variables, or with another number along the last axis."""
        terms = []
        for d, group in enumerate(self.passes.merged):
            stride = strides[group[-1]]
            variable = last if last and d == len(self.space) - 1 else f"i{d}"
            if stride and (variable == last or self.space[d] > 1):
                terms.append(variable if stride == 1 else f"{variable} * {stride}")
        return " + ".join(terms) or "0"

    # ---------------------------------------------------------------- entries

    def _entry_work(self, member: Operation) -> list[str]:
        """What is done with each entry of a row."""
        if member.level == "full":
            assert member.out is not None
            shape = member.out.shape
            text = [self._argument(member, a, shape) for a in member.args]
            (place,) = writes(self.made, member)
            return self._kept(member, text, lambda: self._at(place, shape))
        x = self._argument(member, member.args[0], member.args[0].shape)[0]
        if member.kind == "guard":
            test = {"nan": f"{x} != {x}", "negative": f"{x} < 0", "true": x}[member.name]
            return [f"bad{_id(member)} |= {test};"]
        assert member.out is not None
        if member.out.dtype != member.args[0].dtype:
            x = f"({C_TYPES[member.out.dtype.name]}){x}"
        if member.level == "column":
            target = self._target(member, f"i{len(self.space) - 1}")
            return [f"{target} = {step(member.name, target, x)};"]
        self.totals[member] = Total(member, x, self.space)
        return self.totals[member].taken()

    def _kept(self, member: Operation, args: list[Any], target: Callable[[], str]) -> list[str]:
        """The result of a map, in a register, in memory, or in both."""
        out = member.out
        assert out is not None
        text = expression(member.name, out, args)
        if member.name == "copied" and _REGISTER.fullmatch(text):
            self.registers[member] = text
        elif member in self.passes.stored and member not in self.passes.readers:
            return [f"{target()} = {text};"]
        else:
            self.registers[member] = f"v{out.number}"
            lines = [f"const {C_TYPES[out.dtype.name]} v{out.number} = {text};"]
            return lines + self._stored(member, target)
        return self._stored(member, target)

    def _stored(self, member: Operation, target: Callable[[], str]) -> list[str]:
        is_stored = member in self.passes.stored
        return [f"{target()} = {self.registers[member]};"] if is_stored else []

    def _at(self, place: Place, shape: tuple[int, ...]) -> str:
        strides = self.nest.strides(place, shape)
        assert strides is not None
        return self._entry(place, self._index(strides))

    def _number(self, arg: Any) -> Any:
        """``(text, dtype, weak)`` of a number."""
        weak = not isinstance(arg, (np.generic, np.ndarray))
        dtype = np.dtype(type(arg)) if weak else arg.dtype
        return (arg if weak else literal(arg, dtype), dtype, weak)

    def _argument(self, member: Operation, arg: Any, shape: tuple[int, ...]) -> Any:
        """``(text, dtype, weak)`` of an argument."""
        if not isinstance(arg, Value) and not np.ndim(arg):
            return self._number(arg)
        place = self.made.place(arg)
        weak = isinstance(arg, Value) and arg.weak
        maker = self.passes.register_maker(member, place.storage)
        text = self._at(place, shape) if maker is None else self.registers[maker]
        return (text, place.array.dtype, weak)

    # ---------------------------------------------------------------- rows

    def _total(self, member: Operation) -> list[str]:
        """The result of a reduction over a row."""
        total, out = self.totals[member], member.out
        assert out is not None
        if total.over_rows:
            return []
        lines, text = [], total.value
        if not _REGISTER.fullmatch(text) and member in self.passes.readers:
            lines = [f"const {total.kind} v{out.number} = {text};"]
            text = f"v{out.number}"
        self.registers[member] = text
        return lines + self._stored(member, lambda: self._row_target(member))

    def _row_work(self, member: Operation) -> list[str]:
        """What is done once for each row."""
        if member.kind in ("take", "add_at"):
            return self._at_places(member)
        args = [self._row_value(member, a) for a in member.args]
        return self._kept(member, args, lambda: self._row_target(member))

    def _row_value(self, member: Operation, arg: Any) -> Any:
        """``(text, dtype, weak)`` of an argument on the level of rows."""
        if not isinstance(arg, Value) and not np.ndim(arg):
            return self._number(arg)
        place = self.made.place(arg)
        maker = self.passes.register_maker(member, place.storage)
        weak = isinstance(arg, Value) and arg.weak
        if maker is not None:
            text = self.registers[maker]
        elif place.array.size == 1:
            text = self._entry(place, "0")
        else:
            text = self._entry(place, self._index(self._row_strides(place, member)))
        return (text, place.array.dtype, weak)

    def _at_places(self, member: Operation) -> list[str]:
        """One entry of the row, at a place that is checked."""
        out = member.out
        assert out is not None
        place = self.made.place(member.args[0])
        strides = self.nest.strides(place, place.shape)
        assert strides is not None
        lines, at = self._checked(self._row_value(member, member.args[-1])[0], out.number)
        entry = self._entry(place, self._index(strides, at))
        if member.kind == "take":
            self.registers[member] = f"v{out.number}"
            lines.append(f"const {C_TYPES[out.dtype.name]} v{out.number} = {entry};")
            return lines + self._stored(member, lambda: self._row_target(member))
        part = self._row_value(member, member.args[1])[0]
        text = part if isinstance(part, str) else literal(part, out.dtype)
        return [*lines, f"{entry} {member.name}= {text};"]

    def _checked(self, where: str, number: int) -> tuple[list[str], str]:
        """Lines that check a place, unless that has been done, and its name."""
        if where in self.checked:
            return [], self.checked[where]
        n, at = self.nest.space[-1], f"at{number}"
        self.checked[where] = at
        return [f"int64_t {at} = {where};", f"if ({at} < 0) {at} += {n};",
                f"if ({at} < 0 || {at} >= {n}) return 1;"], at  # fmt: skip


def _id(guard: Operation) -> int:
    """A number for names."""
    return guard.args[0].number  # type: ignore[no-any-return]
