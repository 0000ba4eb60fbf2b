"""Effects that a program would not have again: they are refused when a function is traced."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autodiff.compiler.refusals import TraceError
from autodiff.module import Module

__all__ = ["attributes_untouched", "random_untouched"]


@contextmanager
def random_untouched() -> Iterator[None]:
    """Refuse draws from numpy's global generator."""
    before = np.random.get_state()  # noqa: NPY002 - the user may still use it
    yield
    if str(np.random.get_state()) != str(before):  # noqa: NPY002
        np.random.set_state(before)  # noqa: NPY002
        raise TraceError(
            "the compiled function draws random numbers by itself, which would be the same ones at "
            "each call: use ad.dropout, or pass the numbers as an argument"
        )


@contextmanager
def attributes_untouched(trees: list[Any]) -> Iterator[None]:
    """Refuse functions that set attributes of modules, or draw from generators that they hold."""
    modules = [m for top in _modules(trees) for m in top.modules()]
    before = [dict(vars(m)) for m in modules]
    generators = {
        id(v): v for space in before for v in space.values() if isinstance(v, np.random.Generator)
    }
    states = {key: str(g.bit_generator.state) for key, g in generators.items()}
    yield
    for key, generator in generators.items():
        if str(generator.bit_generator.state) != states[key]:
            raise TraceError(
                "the compiled function draws from a generator of a module, which would give the "
                "same numbers at each call: use ad.dropout, or pass the numbers as an argument"
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
