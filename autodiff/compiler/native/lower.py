"""From numpy's calls to the few kinds of work that are written in C.

Views cost nothing: they are other places in the same storage. What remains are maps over an index
space, reductions, matrix products, entries taken and added at places, loops, and calls of numpy
for all the rest.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff.compiler.native import indexing, products, reductions, views
from autodiff.compiler.native.elements import has_c_types, is_elementwise, name_of
from autodiff.compiler.native.operations import Lowered, Operation, Translation, single
from autodiff.compiler.native.storage import Place, Storage, contiguous
from autodiff.compiler.tracing.copies import added_at, cast, written
from autodiff.compiler.tracing.loop import loop
from autodiff.compiler.tracing.program import Instruction, Program, Value, values_in
from autodiff.compiler.tracing.simplify import is_guard, is_random
from autodiff.ops.index import scatter_add
from autodiff.ops.neural import lookup
from autodiff.sparse import replaced_rows

__all__ = ["lowered"]


def lowered(program: Program, updates: dict[Value, Value]) -> Lowered:
    """Translate each instruction.

    Parameters
    ----------
    program : Program
    updates : dict
        New values of inputs, and which ones; where it does no harm they are written in place.
    """
    made = _lowered(program, updates, set())
    calls = {id(o.instruction) for o in made.operations if o.kind == "call" and not _draws(o)}
    if calls and made.in_place:  # these may raise, and nothing is to be written before
        made = _lowered(program, updates, calls)
    return made


def _lowered(program: Program, updates: dict[Value, Value], calls: set[int]) -> Lowered:
    made = Lowered()
    for i, value in enumerate(program.inputs):
        made.places[value] = contiguous(Storage("input", value.size, value.dtype, i), value.shape)
    made.note_uses(program)
    _prepare_updates(made, program, updates, calls)
    _prepare_joins(made, program)
    _translate_all(made, program)
    if not any(o.kind == "call" and o.instruction.body for o in made.operations):
        made.operations.sort(key=lambda o: not _draws(o))  # they wait for nothing
    return made


def _draws(operation: Operation) -> bool:
    return is_random(operation.instruction)


def _ended(made: Lowered, program: Program) -> Callable[[Value, int], bool]:
    """Whether instruction k may write over a value: as the last to use it, entry by entry."""
    seen: dict[Value, int] = {}  # by whom it is used in another way
    for i in reversed(program.instructions):
        if i.function in views.VIEWS or i.function in (np.reshape, np.ravel, operator.getitem):
            used = max(seen.get(i.out[0], -1), made.last_use.get(i.out[0], -1))
            for x in values_in(i.args[:1]):
                seen[x] = max(seen.get(x, -1), used)
    return lambda x, k: made.last_use.get(x, -1) <= k and seen.get(x, -1) < k


def _prepare_updates(
    made: Lowered, program: Program, updates: dict[Value, Value], calls: set[int]
) -> None:
    """A new value lies where the old one was, if that is not needed any more."""
    ends = (
        k for k, i in enumerate(program.instructions)
        if is_guard(i) or indexing.may_miss(i) or id(i) in calls
    )  # fmt: skip
    last = max(ends, default=0)
    makers = {v: k for k, i in enumerate(program.instructions) for v in i.out}
    ended = _ended(made, program)
    for new, old in updates.items():
        k = makers.get(new, -1)
        if k < last or not ended(old, k):
            continue
        alike = new.shape == old.shape and new.dtype == old.dtype and not old.weak
        maker = program.instructions[k]
        puts_rows = maker.function is replaced_rows and maker.args[0] is old
        is_result = sum(v is new for v in program.outputs) > 1
        if alike and not is_result and (is_elementwise(maker) or puts_rows):
            made.places[new] = made.places[old]
            made.in_place.add(new)


def _prepare_joins(made: Lowered, program: Program) -> None:
    """What is only joined to an array is worked out in its place there."""
    makers = {v: i for i in program.instructions for v in i.out}
    for instruction in program.instructions:
        if instruction.function not in (np.concatenate, np.stack):
            continue
        parts, axis, out = views.joined(instruction)
        if axis is None:
            continue
        whole = made.new(out)
        for part, where in zip(parts, views.slots(parts, axis, instruction), strict=True):
            maker = makers.get(part) if isinstance(part, Value) else None
            fits = maker is not None and part.dtype == out.dtype and part not in made.places
            if fits and _can_be_put(maker):
                target = whole.view(operator.getitem, where)
                if target is not None and target.shape == part.shape:
                    made.places[part] = target


def _can_be_put(maker: Any) -> bool:
    """Whether it can write its result anywhere."""
    is_total = maker.function in reductions.REDUCTIONS and not maker.out[0].shape
    return is_elementwise(maker) or products.is_product(maker) or is_total


def _translate_all(made: Lowered, program: Program) -> None:
    for k, instruction in enumerate(program.instructions):
        _translate(Translation(made, instruction, k))


def _translate(t: Translation) -> None:
    """Add what it takes to the operations."""
    i = t.instruction
    if not (has_c_types(i) and any(way(t) for way in _ways(i))):
        _call(t)


def _ways(i: Instruction) -> list[Callable[[Translation], bool]]:
    """What may be tried."""
    if is_guard(i):
        return [_guard]
    if i.function in views.VIEWS:
        return [views.moved]
    if i.function in reductions.REDUCTIONS:
        return [reductions.reduced]
    if i.function in reductions.ALONG:
        return [reductions.along]
    if products.is_product(i):
        return [products.matmul]
    if i.function in indexing.ROWS:
        return [indexing.rows]
    return _BY_FUNCTION.get(i.function, []) + ([_map] if is_elementwise(i) else [])


def _map(t: Translation) -> bool:
    """An elementwise function."""
    args = t.args[:1] if t.instruction.function is cast else t.args
    return t.add("map", name_of(t.instruction), args)


def _guard(t: Translation) -> bool:
    """A look at values that may end the program."""
    (x, *_) = t.args
    name = {"not_negative": "negative", "rare": "true"}.get(t.instruction.name, "nan")
    if name == "negative":
        t.made.places[t.out] = t.made.place(x)
    if not isinstance(x, Value) or (name == "true" and x.dtype != bool):
        return False
    return not x.size or t.add("guard", name, (x,), out=None, level="all")


def _call(t: Translation) -> None:
    """Leave it to numpy."""
    i = t.instruction
    for v in i.out:
        t.made.new(v)
    args = tuple(dict.fromkeys(i.inputs()))  # also what the body of a loop reads
    t.made.operations.append(
        Operation("call", i.name, None, args, i, extra={"random": is_random(i)})
    )


def _loop(t: Translation) -> bool:
    """The body, with the parts of a step in the places of the whole."""
    made, i = t.made, t.instruction
    length, reverse, carries, xs = i.args
    body, before = i.body, dict(made.places)
    assert body is not None
    variable, n = f"t{Value((), bool).number}", len(carries)
    held = [made.new(value) for value in body.inputs[:n]]
    for value, x in zip(body.inputs[n:], xs, strict=True):
        made.places[value] = made.place(x).slice_of(variable)
    ends = [made.new(out).slice_of(variable) for out in i.out[n:]]
    inner = made.inner(body)
    _place_results(inner, body, n, ends)
    _prepare_joins(inner, body)
    _translate_all(inner, body)
    if any(o.kind == "call" for o in inner.operations):
        made.places.clear()
        made.places.put(before.items())
        return False
    _close_step(inner, i, n, held, ends)
    for start, place in zip(carries, held, strict=True):
        out = made.value_at(place)
        made.operations.append(Operation("map", "copied", out, (single(start),), i))
    made.places.put(zip(i.out[:n], held, strict=True))
    extra = {"length": length, "reverse": reverse, "variable": variable, "carries": held}
    made.operations.append(Operation("loop", "loop", None, (), i, body=inner, extra=extra))
    return True


def _place_results(inner: Lowered, body: Program, n: int, ends: list[Place]) -> None:
    """What is worked out for a stack, or for the next step, is worked out in its place there."""
    made = enumerate(body.instructions)
    makers: dict[Any, tuple[int, Any]] = {v: (k, i) for k, i in made for v in i.out}
    ended = _ended(inner, body)
    outputs = [v if isinstance(v, Value) else None for v in body.outputs]  # others are constants
    for value, target in zip(outputs[n:], ends, strict=True):
        _, maker = makers.get(value, (0, None))
        if maker and value not in inner.places and _can_be_put(maker):
            inner.places[value] = target
    for value, old in zip(outputs[:n], body.inputs[:n], strict=True):
        k, maker = makers.get(value, (0, None))
        if maker and value not in inner.places and is_elementwise(maker) and ended(old, k):
            inner.places[value] = inner.places[old]


def _close_step(
    inner: Lowered, i: Instruction, n: int, held: list[Place], ends: list[Place]
) -> None:
    """Copies at the end of a step: to the stacks, then to the state of the next one."""
    assert i.body is not None
    places = [inner.place(value) for value in i.body.outputs]
    for place, end in zip(places[n:], ends, strict=True):
        _copied(inner, i, place, end)
    # A state that is another one of the old states is saved before that gets its new value.
    states = {place.storage for place in held}
    for k, (place, state) in enumerate(zip(places[:n], held, strict=True)):
        if place.storage in states and not place.is_at(state):
            apart = inner.new(Value(place.shape, place.array.dtype))
            _copied(inner, i, place, apart)
            places[k] = apart
    for place, state in zip(places[:n], held, strict=True):
        _copied(inner, i, place, state)


def _copied(made: Lowered, i: Instruction, source: Place, target: Place) -> None:
    if not source.is_at(target):
        x, out = made.value_at(source), made.value_at(target)
        made.operations.append(Operation("map", "copied", out, (x,), i))


_BY_FUNCTION: dict[Any, list[Callable[[Translation], bool]]] = {
    np.reshape: [views.reshape],
    np.ravel: [views.reshape],
    operator.getitem: [views.getitem, indexing.take],
    np.concatenate: [views.join],
    np.stack: [views.join],
    np.ascontiguousarray: [views.in_order],
    written: [views.written],
    added_at: [indexing.add_at],
    scatter_add: [indexing.scatter_add],
    lookup: [indexing.lookup],
    loop: [_loop],
}
