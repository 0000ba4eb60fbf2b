"""What a `gradient_test` draws for each example: inputs, settings of the function, cotangents."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

from autodiff.errors import DomainError, ShapeError
from autodiff.testing.arrays import (
    LIMITS,
    Entries,
    Shape,
    arrays_of,
    broadcast_shapes,
    entries_of,
    shapes_within,
)
from autodiff.testing.domains import domains_of
from autodiff.testing.problem import Arrays
from autodiff.testing.strategies import grad_arrays

__all__ = [
    "ARRAYS", "Inputs", "drawn", "inputs_for", "is_signature", "require_known", "required",
]  # fmt: skip

ARRAYS = tuple(inspect.signature(grad_arrays).parameters)[1:]
"""The settings of `grad_arrays`, which a `gradient_test` takes too."""
CORE = re.compile(r"\(\s*((?:\w+\s*(?:,\s*\w+\s*)*)?)\)")
SIDES = (3, 2, 5, 4, 7)
"""Lengths that tell axes apart."""


@dataclass(frozen=True)
class Inputs:
    """The arguments that a test draws.

    Attributes
    ----------
    strategy : strategy of tuple
        One value for each argument.
    generic : callable, optional
        ``generic(shapes)`` gives a function that draws arrays like these, but larger and without
        special numbers, from a generator.
    results : callable, optional
        ``results(shapes)``, the shapes that the results must have, by a signature.
    """

    strategy: st.SearchStrategy[tuple[Any, ...]]
    generic: Callable[[list[Shape]], Callable[[np.random.Generator], Arrays]] | None = None
    results: Callable[[list[Shape]], list[Shape]] | None = None


def required(f: Any) -> list[str]:
    """Names of the arguments that a function has to be given by position."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):  # an older numpy does not say it of its ufuncs
        return [f"x{i}" for i in range(getattr(f, "nin", 0))]
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


def require_known(f: Any, settings: Mapping[str, Any]) -> None:
    """Raise a `DomainError` if a function does not take one of these settings by name."""
    try:
        parameters = inspect.signature(f).parameters
    except (TypeError, ValueError):
        return  # there is no telling
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return
    if unknown := [name for name in settings if name not in parameters]:
        raise DomainError(
            f"{unknown[0]}= is neither a setting of gradient_test nor one of the function, which "
            f"takes {', '.join(parameters)}"
        )


def drawn(draw: st.DrawFn, given: Any, *earlier: Any) -> Any:
    """A setting's value: that of a strategy, of a function of the inputs, or itself."""
    if callable(given) and not isinstance(given, type):
        given = given(*earlier)
    return draw(given) if isinstance(given, st.SearchStrategy) else given


def is_signature(shapes: Any) -> bool:
    """Whether these are shapes by letters: ``(n,d),(d)->(n)``."""
    return isinstance(shapes, str) and "(" in shapes


def inputs_for(inputs: Any, shapes: Any, arity: int, arrays: Mapping[str, Any]) -> Inputs:
    """What to draw for `arity` arguments, by the `inputs` or `shapes` of a `gradient_test`.

    Raises
    ------
    DomainError, ShapeError
        If these cannot be understood, or do not go together.
    """
    if inputs is not None:
        if arrays:
            raise DomainError(f"inputs= is given, so {', '.join(arrays)} would have no effect")
        return Inputs(_given(inputs, arity))
    settings = dict(arrays)
    limits = {name: settings.pop(name) for name in LIMITS if name in settings}
    domains = _domains(settings.pop("domain", "real"), arity)
    entries = [entries_of(domain=domain, **settings) for domain in domains]
    if is_signature(shapes):
        signature = _Signature(shapes, arity)
        strategy, larger = signature.shapes(limits), signature.larger
        results = signature.results if signature.outputs else None
    else:
        strategy, larger, results = _shapes(shapes, arity, entries, limits), _larger, None

    def generic(found: list[Shape]) -> Callable[[np.random.Generator], Arrays]:
        wide = larger(found)
        return lambda rng: [e.generic(s, rng) for e, s in zip(entries, wide)]

    return Inputs(arrays_of(strategy, entries), generic, results)


def _given(inputs: Any, arity: int) -> st.SearchStrategy[tuple[Any, ...]]:
    if isinstance(inputs, st.SearchStrategy):
        return inputs.map(lambda x: (x,)) if arity == 1 else inputs.map(_tuple_of(arity, "inputs"))
    if not isinstance(inputs, (tuple, list)) or len(inputs) != arity:
        raise DomainError(f"inputs= is a strategy, or a tuple of {arity} of them, not {inputs!r}")

    @st.composite
    def each(draw: st.DrawFn) -> tuple[Any, ...]:
        values: list[Any] = []
        for one in inputs:
            values.append(drawn(draw, one, *values))
        return tuple(values)

    return each()


def _tuple_of(arity: int, what: str) -> Callable[[Any], tuple[Any, ...]]:
    def checked(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, (tuple, list)) or len(values) != arity:
            raise DomainError(f"{what}= has to draw a tuple of {arity}, and drew {values!r}")
        return tuple(values)

    return checked


def _domains(domain: Any, arity: int) -> Sequence[Any]:
    if isinstance(domain, str):
        return domains_of(domain, arity)
    if not isinstance(domain, list):
        return [domain] * arity
    if len(domain) != arity:
        raise DomainError(f"domain= has {len(domain)} parts for {arity} arguments")
    return domain


def _shapes(
    shapes: Any, arity: int, entries: Sequence[Entries], limits: dict[str, int]
) -> st.SearchStrategy[tuple[Any, ...]]:
    if isinstance(shapes, st.SearchStrategy):
        several = shapes.map(lambda s: (s,) if all(isinstance(n, int) for n in s) else s)
        return several.map(_tuple_of(arity, "shapes"))
    whole = entries[0].shapes(**limits)
    if shapes == "same":
        return whole.map(lambda s: (s,) * arity)
    if shapes == "broadcast":
        return broadcast_shapes(whole, arity)
    raise DomainError(
        f"shapes={shapes!r}: it is 'broadcast', 'same', a signature such as '(n,d),(d)->(n)', "
        "or a strategy of tuples of shapes"
    )


class _Signature:
    """Shapes by letters, as numpy's generalized ufuncs state them: ``(n,d),(d,m)->(n,m)``."""

    def __init__(self, text: str, arity: int) -> None:
        self.text = text
        inputs, _, outputs = text.partition("->")
        self.inputs, self.outputs = self._cores(inputs), self._cores(outputs)
        if len(self.inputs) != arity:
            raise ShapeError(
                f"shapes={text!r} has {len(self.inputs)} inputs, and the function {arity}"
            )
        names = {name for core in self.outputs for name in core if not name.isdigit()}
        if unknown := names.difference(self.letters):
            raise ShapeError(f"shapes={text!r}: no input has an axis {sorted(unknown)[0]}")

    def _cores(self, text: str) -> list[list[str]]:
        if CORE.sub("", text).replace(",", "").strip():
            raise ShapeError(f"shapes={self.text!r} is no signature: write '(n,d),(d)->(n)'")
        return [re.findall(r"\w+", core) for core in CORE.findall(text)]

    @cached_property
    def letters(self) -> list[str]:
        """Each letter once; numbers stand for themselves."""
        names = dict.fromkeys(name for core in self.inputs for name in core)
        return [name for name in names if not name.isdigit()]

    def shapes(self, limits: dict[str, int]) -> st.SearchStrategy[tuple[Shape, ...]]:
        """Shapes of the inputs, whose axes have these limits."""
        count = len(self.letters)
        sides = shapes_within(**{**limits, "min_dims": count, "max_dims": count})
        return sides.map(lambda found: tuple(_filled(self.inputs, zip(self.letters, found))))

    def larger(self, shapes: list[Shape]) -> list[Shape]:
        """Shapes in which each letter has another length."""
        sides = (SIDES[i % len(SIDES)] for i in range(len(self.letters)))
        return _filled(self.inputs, zip(self.letters, sides))

    def results(self, shapes: list[Shape]) -> list[Shape]:
        """The shapes of the results."""
        cores = zip(self.inputs, shapes)
        return _filled(self.outputs, (pair for core, shape in cores for pair in zip(core, shape)))


def _filled(cores: list[list[str]], sides: Iterable[tuple[str, int]]) -> list[Shape]:
    """Shapes with lengths for letters."""
    known = dict(sides)
    return [tuple(known[n] if n in known else int(n) for n in core) for core in cores]


def _larger(shapes: list[Shape]) -> list[Shape]:
    """The same shapes with longer axes, each of its own length; what is broadcast still is."""
    try:
        common = np.broadcast_shapes(*shapes)
    except ValueError:
        return shapes
    if not common:
        return [SIDES[:2]] * len(shapes)

    def longer(shape: Shape) -> Shape:
        axes = range(-len(shape), 0)
        return tuple(SIDES[-a % len(SIDES)] if shape[a] == common[a] else 1 for a in axes)

    return [longer(s) for s in shapes]
