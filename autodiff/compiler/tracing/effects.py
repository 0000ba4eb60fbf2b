"""Effects that a program would not have again: they are refused when a function is traced."""

from __future__ import annotations

import gc
import random
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import CellType, FrameType
from typing import Any
from weakref import ref

import numpy as np

from autodiff.compiler.tracing.program import Instruction, Program
from autodiff.compiler.tracing.refusals import TraceError, user_line
from autodiff.module import Module
from autodiff.nodes import Node, topological
from autodiff.tracked import Tracked

__all__ = [
    "arguments_untouched", "hooks_apart", "random_untouched", "refuse_hooks", "refuse_kept",
]  # fmt: skip


@contextmanager
def hooks_apart(nodes: list[Node]) -> Iterator[None]:
    """Without the hooks of nodes outside of a loop, which are called outside of it, once."""
    kept = [(n.info, n.info.hooks) for n in nodes if n.info is not None]
    for info, _ in kept:
        info.hooks = ()
    try:
        yield
    finally:
        for info, hooks in kept:
            info.hooks = hooks


def refuse_hooks(results: Iterable[Node], start: int) -> None:
    """Refuse hooks on nodes after `start` that lead to `results`."""
    nodes = topological(*results)
    if any(n.order >= start and n.info is not None and n.info.hooks for n in nodes):
        raise TraceError(
            f"{user_line()} goes back through a hook within the cell of a scan, which a compiled "
            "function does not call at each step: register hooks outside of the cell"
        )


def refuse_kept(arrays: list[ref[Any]], program: Program) -> None:
    """Refuse functions after which somebody still holds what has stood for an array.

    Parameters
    ----------
    arrays : list of weakref
    program : Program
        Where they come from.
    """
    for generation in (1, 2):  # what is left may be garbage in a cycle, a young one mostly
        if all(r() is None for r in arrays):
            return
        gc.collect(generation)
    kept = [array for r in arrays if (array := r()) is not None]
    if not kept:
        return
    value, holder = kept[-1].value, _holder(kept[-1], kept)
    origin = next((i.origin for i in _all(program) if value in i.out), "")
    raise TraceError(
        f"{origin or 'the compiled function'} makes an array that {holder} still holds after the "
        "call, where it has no value: a compiled function has no effect but on its arguments; "
        "return the array instead"
    )


def _all(program: Program) -> Iterator[Instruction]:
    for i in program.instructions:
        yield i
        yield from _all(i.body) if i.body else ()


def _holder(array: Any, own: list[Any]) -> str:
    """The kind of what holds an array, itself or by a tensor."""
    passed = [own]
    for _ in range(2):
        found = [
            h for h in gc.get_referrers(array)
            if not isinstance(h, (FrameType, CellType)) and not any(h is p for p in passed)
        ]  # fmt: skip
        if not found or not isinstance(found[0], Tracked):
            break
        array, passed = found[0], [own, found, passed]
    return f"a {type(found[0]).__name__}" if found else "something"


@contextmanager
def random_untouched() -> Iterator[None]:
    """Refuse draws from the generators that are everybody's: numpy's, and Python's."""
    before, pythons = np.random.get_state(), random.getstate()  # noqa: NPY002
    yield
    after = np.random.get_state()  # noqa: NPY002
    if not all(map(np.array_equal, before, after)) or random.getstate() != pythons:
        raise TraceError(
            "the compiled function draws random numbers by itself, which would be the same ones at "
            "each call, or another thread did meanwhile: use ad.dropout, or pass the numbers as an "
            "argument"
        )


@contextmanager
def arguments_untouched(trees: list[Any], generators: list[Any]) -> Iterator[None]:
    """Refuse functions that change what they are given.

    They may not set attributes of modules, nor items of lists and dicts that they are given or
    modules hold; nor draw from `generators` or from those that modules hold.
    """
    boxes = list(_boxes(trees, {}, "among the arguments"))
    held = [v for _, _, old in boxes for v in old.values() if isinstance(v, np.random.Generator)]
    watched = list({id(v): v for v in [*held, *generators]}.values())
    states = [g.bit_generator.state for g in watched]
    yield
    for generator, state in zip(watched, states, strict=True):
        if not _is_same(generator.bit_generator.state, state):
            generator.bit_generator.state = state
            raise TraceError(
                "the compiled function draws from a generator, which would give the same numbers "
                "at each call: use ad.dropout, of an argument or of what is made of one and not of "
                "a constant, or pass the numbers as an argument"
            )
    for title, box, old in boxes:
        new = _parts(box)
        if changed := [k for k in {**old, **new} if old.get(k, boxes) is not new.get(k, boxes)]:
            names = changed if isinstance(box, Module) else [f"[{k!r}]" for k in changed]
            raise TraceError(
                f"the compiled function sets {', '.join(names)} of {title}, which later calls "
                "would not: return the new value instead"
            )


_LISTS = (list, tuple, set, deque)


def _boxes(box: Any, seen: dict[int, Any], place: str) -> Iterator[tuple[str, Any, dict[Any, Any]]]:
    """Modules, lists, sets and dicts, each once: what they are called, and what is in them now."""
    if id(box) in seen or not isinstance(box, (Module, dict, *_LISTS)):
        return
    seen[id(box)], parts, title = box, _parts(box), type(box).__name__
    is_module = isinstance(box, Module)
    yield title if is_module else f"a {title} {place}", box, parts
    for part in parts.values():
        yield from _boxes(part, seen, f"in {title}" if is_module else place)


def _parts(box: Any) -> dict[Any, Any]:
    if isinstance(box, (Module, dict)):
        return dict(box if isinstance(box, dict) else vars(box))
    return dict(enumerate(box)) if isinstance(box, _LISTS) else {}


def _is_same(state: Any, other: Any) -> bool:
    if isinstance(state, dict):
        return all(_is_same(part, other[key]) for key, part in state.items())
    return bool(np.array_equal(state, other))
