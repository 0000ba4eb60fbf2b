"""Memory for the values of a program that runs again and again: which may share it, and how it is
laid out.

A sum in another order has other last digits, and numpy adds up in the order of memory. So a buffer
has the layout that numpy chose, as seen in one run.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from autodiff.compiler.native.indexing import may_miss
from autodiff.compiler.tracing.copies import cast, copied
from autodiff.compiler.tracing.program import Instruction, Program, Value, values_in
from autodiff.compiler.tracing.simplify import is_guard
from autodiff.ops.elementwise import sigmoid
from autodiff.ops.neural import softmax
from autodiff.sparse import padded_rows, replaced_rows, taken_or_zero

__all__ = [
    "INFIX", "LEAST", "Buffers", "into", "is_apart", "owner_of", "planned", "written_by_owner",
]  # fmt: skip

LEAST = 64
"""Entries; below that numpy is as fast at finding memory as at being given some."""

_UFUNCS: dict[Any, Any] = {
    operator.add: np.add, operator.sub: np.subtract, operator.mul: np.multiply,
    operator.truediv: np.true_divide, operator.floordiv: np.floor_divide,
    operator.mod: np.remainder, operator.matmul: np.matmul, operator.neg: np.negative,
    operator.abs: np.absolute, operator.invert: np.invert, operator.and_: np.bitwise_and,
    operator.or_: np.bitwise_or, operator.xor: np.bitwise_xor, operator.lt: np.less,
    operator.le: np.less_equal, operator.gt: np.greater, operator.ge: np.greater_equal,
    operator.eq: np.equal, operator.ne: np.not_equal,
}  # fmt: skip
"""Not the power, for which an array chooses among several by the exponent."""

INFIX = {
    operator.add: "+", operator.sub: "-", operator.mul: "*", operator.truediv: "/",
    operator.floordiv: "//", operator.mod: "%", operator.pow: "**", operator.matmul: "@",
    operator.and_: "&", operator.or_: "|", operator.xor: "^", operator.lt: "<", operator.le: "<=",
    operator.gt: ">", operator.ge: ">=", operator.eq: "==", operator.ne: "!=",
}  # fmt: skip


def _sigmoid(x: Any, *, out: Any) -> Any:
    np.exp(np.negative(x, out), out)
    return np.divide(1, np.add(1, out, out), out)


def _softmax(x: Any, axis: Any = -1, *, out: Any) -> Any:
    np.subtract(x, np.maximum.reduce(x, axis, None, None, True), out)
    np.exp(out, out)
    return np.divide(out, np.add.reduce(out, axis, None, None, True), out)


def into(i: Instruction) -> tuple[Callable[..., Any], int | None] | None:
    """The function that writes its result into an array, and the number of the argument for that.

    The number is that of the array if it is not the one called `out`. None where there is no such
    function.
    """
    f = _UFUNCS.get(i.function, i.function)
    if isinstance(f, np.ufunc) and f.nout == 1 and len(i.args) == f.nin:
        return f, None
    if f == np.add.reduce and len(i.args) == 5:  # made anew at each access
        return f, 3
    if f is sigmoid or f is softmax:
        return (_sigmoid if f is sigmoid else _softmax), None
    return (f, None) if f in (np.dot, np.concatenate, np.stack) else None


def _is_elementwise(i: Instruction) -> bool:
    f = _UFUNCS.get(i.function, i.function)
    return f is sigmoid or (isinstance(f, np.ufunc) and f.signature is None)


@dataclass
class Buffers:
    """Where values are kept, and the blocks of memory that hold them.

    Attributes
    ----------
    places : dict
        For each value that has one, the number of its buffer.
    inputs : dict
        For each value that is written into an input, that input.
    """

    places: dict[Value, int] = field(default_factory=dict)
    inputs: dict[Value, Value] = field(default_factory=dict)
    _made: dict[Any, int] = field(default_factory=dict)
    _sizes: list[int] = field(default_factory=list)
    _free: list[int] = field(default_factory=list)

    def take(self, value: Value, like: Any) -> int:
        """Give `value` a buffer like an array; returns the number of its block."""
        block = self._block(like.nbytes)
        key = block, like.shape, like.dtype, like.flags.c_contiguous
        self.places[value] = self._made.setdefault(key, len(self._made))
        return block

    def _block(self, size: int) -> int:
        fitting = [b for b in self._free if self._sizes[b] >= size]
        if self._free:
            # The last one that was freed, of those of the least size, is the likeliest in cache.
            block = min(reversed(fitting), key=self._sizes.__getitem__, default=self._free[-1])
            self._free.remove(block)
            self._sizes[block] = max(size, self._sizes[block])
            return block
        self._sizes.append(size)
        return len(self._sizes) - 1

    def give_back(self, block: int) -> None:
        """Let others have the block."""
        self._free.append(block)

    def arrays(self) -> list[np.ndarray]:
        """New memory: an array for each buffer."""
        blocks = [np.empty(size, np.uint8) for size in self._sizes]
        return [
            np.ndarray(shape, dtype, blocks[block], order="C" if in_rows else "F")
            for block, shape, dtype, in_rows in self._made
        ]


def planned(program: Program, found: dict[Value, Any], updates: dict[Value, Value]) -> Buffers:
    """Buffers for a program of which one run has `found` these values, all of them still there.

    Those of `updates` may be written into the inputs whose new values they are.
    """
    owners = {v: id(owner_of(x)) for v, x in found.items()}
    last = {owners[v]: k for k, i in enumerate(program.instructions) for v in i.inputs()}
    taken = {owners[v] for v in [*program.inputs, *values_in(program.outputs)]}
    plan, held = Buffers(), dict[int, tuple[int, Any]]()
    plan.inputs = _in_place(program, found, owners, last, updates)
    for k, i in enumerate(program.instructions):
        ending = [o for o in dict.fromkeys(owners[v] for v in i.inputs()) if last[o] == k]
        x = found.get(i.out[0]) if len(i.out) == 1 and not i.is_tuple else None
        if _may_have_one(i, x) and (owner := id(x)) not in taken:
            if _is_elementwise(i):  # which numpy does in place
                _free(plan, held, [o for o in ending if o in held and _alike(held[o][1], x)])
            held[owner] = plan.take(i.out[0], x), x
            ending += [] if owner in last else [owner]
        _free(plan, held, ending)
    return plan


def _in_place(
    program: Program, found: dict[Value, Any], owners: Any, last: Any, updates: dict[Value, Value]
) -> dict[Value, Value]:
    """Those of `updates` that can be written into the input itself: nothing needs its old value
    any more, and nothing stops the program any more."""
    outputs = [owners[v] for v in values_in(program.outputs)]
    stops = max((k for k, i in enumerate(program.instructions) if _may_stop(i)), default=-1)
    allowed = {}
    for k, i in enumerate(program.instructions[stops + 1 :], stops + 1):
        new = i.out[0] if len(i.out) == 1 else None
        if new is None or (old := updates.get(new)) is None:
            continue
        x, y, own = found[old], found[new], owners[old]
        is_free = own not in outputs and outputs.count(owners[new]) == 1
        if is_free and _fits(x, y) and _may_overwrite(i, old, last.get(own, -1) - k):
            allowed[new] = old
    return allowed


_NEVER_RAISE = {
    cast, copied, operator.getitem, operator.pos, sigmoid, softmax, replaced_rows, padded_rows,
    taken_or_zero, np.dot, np.where, np.concatenate, np.stack, np.reshape, np.ravel, np.transpose,
    np.swapaxes, np.moveaxis, np.expand_dims, np.squeeze, np.broadcast_to, np.flip, np.sum, np.prod,
    np.mean, np.max, np.min, np.any, np.all,
}  # fmt: skip
"""For whatever values: shapes and dtypes are those of the first run."""


def _may_stop(i: Instruction) -> bool:
    """Whether it can end the program, by an error or for eager mode."""
    if is_guard(i) or i.body is not None or may_miss(i) or any(v.weak for v in i.out):
        return True
    f = _UFUNCS.get(i.function, i.function)
    if f in (operator.pow, np.power):
        return not np.issubdtype(i.out[0].dtype, np.floating)
    is_reduction = getattr(f, "__name__", "") == "reduce"
    is_ufunc = isinstance(f.__self__ if is_reduction else f, np.ufunc)
    return not is_ufunc and f not in _NEVER_RAISE


def _fits(x: Any, y: Any) -> bool:
    """Whether `y` can be written into `x`."""
    if not type(x) is type(y) is np.ndarray or x.size < LEAST:
        return False
    owned = x.base is None and y.base is None and x.flags.writeable
    return owned and (x.shape, x.dtype) == (y.shape, y.dtype)


def _may_overwrite(i: Instruction, old: Value, lead: int) -> bool:
    """Whether an instruction can write into `old`, last read so many instructions later."""
    if i.function is replaced_rows:
        return i.args[0] is old and lead == 0
    return into(i) is not None and lead <= (0 if _is_elementwise(i) else -1)


def owner_of(x: Any) -> Any:
    """The array whose memory it is."""
    while isinstance(getattr(x, "base", None), np.ndarray):
        x = x.base
    return x


def _owner(x: Any) -> int:
    """Which array's memory it is; 0 for memory that may be of an array in ways unknown."""
    owner = owner_of(x)
    return id(owner) if owner.base is None else 0


def is_apart(x: Any, written: dict[int, list[np.ndarray]]) -> bool:
    """Whether nothing shows in `x` of what is written into arrays, listed by their owners."""
    owner = _owner(x)
    near = [y for o in (written if owner == 0 else (owner, 0)) for y in written.get(o, ())]
    return not any(np.may_share_memory(x, y) for y in near if y is not x)


def written_by_owner(arrays: list[Any], written: list[Any]) -> dict[int, list[np.ndarray]] | None:
    """The arrays of `written` by their owners; None if one shares memory with another array."""
    found: dict[int, list[np.ndarray]] = {}
    for x in written:
        found.setdefault(_owner(x), []).append(x)
    if found and not all(is_apart(x, found) for x in arrays if isinstance(x, np.ndarray)):
        return None
    return found


def _may_have_one(i: Instruction, x: Any) -> bool:
    return (
        type(x) is np.ndarray and x.base is None and x.size >= LEAST and into(i) is not None
        and (x.flags.c_contiguous or (x.flags.f_contiguous and i.function is not np.dot))
    )  # fmt: skip


def _alike(x: Any, y: Any) -> bool:
    return (x.shape, x.dtype, x.strides) == (y.shape, y.dtype, y.strides)


def _free(plan: Buffers, held: dict[int, tuple[int, Any]], owners: list[int]) -> None:
    for owner in owners:
        if owner in held:
            plan.give_back(held.pop(owner)[0])
