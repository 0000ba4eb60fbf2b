"""Effects that a program would not have again: they are refused when a function is traced."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.compiler.refusals import TraceError
from autodiff.module import Module

__all__ = ["attributes_untouched", "random_untouched"]


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
