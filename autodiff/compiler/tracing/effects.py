"""Effects that a program would not have again: they are refused when a function is traced."""

from __future__ import annotations

import gc
import random
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
    "attributes_untouched", "hooks_apart", "random_untouched", "refuse_hooks", "refuse_kept",
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
    if str(np.random.get_state()) != str(before) or random.getstate() != pythons:  # noqa: NPY002
        np.random.set_state(before)  # noqa: NPY002
        random.setstate(pythons)
        raise TraceError(
            "the compiled function draws random numbers by itself, which would be the same ones at "
            "each call: use ad.dropout, or pass the numbers as an argument"
        )


@contextmanager
def attributes_untouched(trees: list[Any], generators: list[Any]) -> Iterator[None]:
    """Refuse functions that set attributes of modules, or draw from `generators` or from those
    that modules hold."""
    modules = [m for top in _modules(trees) for m in top.modules()]
    before = [dict(vars(m)) for m in modules]
    held = [v for space in before for v in space.values() if isinstance(v, np.random.Generator)]
    watched = list({id(v): v for v in [*held, *generators]}.values())
    states = [g.bit_generator.state for g in watched]
    yield
    for generator, state in zip(watched, states, strict=True):
        if str(generator.bit_generator.state) != str(state):
            generator.bit_generator.state = state
            raise TraceError(
                "the compiled function draws from a generator, which would give the same numbers "
                "at each call: use ad.dropout, or pass the numbers as an argument"
            )
    for module, old in zip(modules, before, strict=True):
        changed = [k for k, v in vars(module).items() if v is not old.get(k)]
        if changed or len(old) != len(vars(module)):
            raise TraceError(
                f"the compiled function sets {', '.join(changed) or 'attributes'} of "
                f"{type(module).__name__}, which later calls would not: return the value instead"
            )


def _modules(tree: Any) -> Iterator[Module]:
    if isinstance(tree, Module):
        yield tree
    elif isinstance(tree, dict):
        yield from _modules(list(tree.values()))
    elif isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _modules(part)
