"""What a `gradient_test` draws for each example: inputs, settings of the function, cotangents."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from autodiff.errors import DomainError, ShapeError
from autodiff.testing.domains import Domain, domains_of, find, lattices
from autodiff.testing.problem import Arrays
from autodiff.testing.strategies import grad_arrays, narrowed

__all__ = ["ARRAYS", "Inputs", "drawn", "inputs_for", "is_signature", "required"]

Shape = tuple[int, ...]

LIMITS = {"min_dims": 0, "max_dims": 3, "min_side": 1, "max_side": 3}
ARRAYS = tuple(inspect.signature(grad_arrays).parameters)[1:]
"""The settings of `grad_arrays`, which a `gradient_test` takes too."""
CORE = re.compile(r"\(\s*((?:\w+\s*(?:,\s*\w+\s*)*)?)\)")
SIDES = (3, 2, 5, 4, 7)
"""Lengths that tell axes apart."""
SPECIAL = {0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0}
"""Numbers at which different mistakes look alike."""


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
    result : callable, optional
        ``result(shapes)``, the shape that the results must have, by a signature.
    """

    strategy: st.SearchStrategy[tuple[Any, ...]]
    generic: Callable[[list[Shape]], Callable[[np.random.Generator], Arrays]] | None = None
    result: Callable[[list[Shape]], Shape] | None = None


def required(f: Any) -> list[str]:
    """Names of the arguments that a function has to be given by position."""
    if isinstance(f, np.ufunc):
        return ["x", "y", "z"][: f.nin] if f.nin < 4 else [f"x{i}" for i in range(f.nin)]
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    return [p.name for p in parameters if p.kind in kinds and p.default is p.empty]


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
    domains = _domains(arrays.get("domain", "real"), arity)
    limits = {name: arrays.get(name, value) for name, value in LIMITS.items()}
    rest = {k: v for k, v in arrays.items() if k not in limits and k != "domain"}
    if is_signature(shapes):
        signature = _Signature(shapes, arity)
        strategy = signature.shapes(max(limits["min_side"], 1), limits["max_side"] + 1)
        larger, result = signature.larger, signature.result
    else:
        strategy, larger, result = _shapes(shapes, arity, limits), _larger, None

    def generic(found: list[Shape]) -> Callable[[np.random.Generator], Arrays]:
        avoid = frozenset(map(float, rest.get("avoid", ())))
        wide = larger(found)
        return lambda rng: [_generic(s, d, avoid, rng) for s, d in zip(wide, domains, strict=False)]

    return Inputs(_of_shapes(strategy, domains, rest), generic, result)


def _given(inputs: Any, arity: int) -> st.SearchStrategy[tuple[Any, ...]]:
    if isinstance(inputs, st.SearchStrategy):
        return inputs.map(lambda x: (x,)) if arity == 1 else inputs.map(_tuple_of(arity))
    if not isinstance(inputs, (tuple, list)) or len(inputs) != arity:
        raise DomainError(f"inputs= is a strategy, or a tuple of {arity} of them, not {inputs!r}")

    @st.composite
    def each(draw: st.DrawFn) -> tuple[Any, ...]:
        values: list[Any] = []
        for one in inputs:
            values.append(drawn(draw, one, *values))
        return tuple(values)

    return each()


def _tuple_of(arity: int) -> Callable[[Any], tuple[Any, ...]]:
    def checked(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, (tuple, list)) or len(values) != arity:
            raise DomainError(f"inputs= has to draw a tuple of {arity} values, and drew {values!r}")
        return tuple(values)

    return checked


def _domains(domain: Any, arity: int) -> tuple[Domain, ...]:
    if isinstance(domain, str):
        return domains_of(domain, arity)
    if isinstance(domain, list):
        if len(domain) != arity:
            raise DomainError(f"domain= has {len(domain)} parts for {arity} arguments")
        return tuple(map(find, domain))
    return (find(domain),) * arity


def _shapes(shapes: Any, arity: int, limits: dict[str, int]) -> st.SearchStrategy[tuple[Any, ...]]:
    if isinstance(shapes, st.SearchStrategy):
        return shapes.map(lambda s: (s,) if all(isinstance(n, int) for n in s) else s)
    whole = hnp.array_shapes(**limits)
    if shapes == "same":
        return whole.map(lambda s: (s,) * arity)
    if shapes == "broadcast":
        return _broadcast(whole, arity)
    raise DomainError(
        f"shapes={shapes!r}: it is 'broadcast', 'same', a signature such as '(n,d),(d)->(n)', "
        "or a strategy of tuples of shapes"
    )


@st.composite
def _broadcast(draw: st.DrawFn, whole: st.SearchStrategy[Shape], arity: int) -> tuple[Shape, ...]:
    shape = draw(whole)
    return (shape,) if arity == 1 else tuple(draw(narrowed(shape)) for _ in range(arity))


@st.composite
def _of_shapes(
    draw: st.DrawFn,
    shapes: st.SearchStrategy[tuple[Any, ...]],
    domains: Sequence[Domain],
    settings: dict[str, Any],
) -> tuple[Any, ...]:
    """Arrays of these shapes; what is no shape, such as the subscripts of einsum, is handed on."""
    parts = iter(domains)
    return tuple(
        draw(grad_arrays(s, domain=next(parts, domains[-1]), **settings))
        if isinstance(s, tuple) else s
        for s in draw(shapes)
    )  # fmt: skip


class _Signature:
    """Shapes by letters, as numpy's generalized ufuncs state them: ``(n,d),(d,m)->(n,m)``."""

    def __init__(self, text: str, arity: int) -> None:
        self.text = text
        inputs, _, result = text.partition("->")
        self.inputs, self.results = self._cores(inputs), self._cores(result)
        if len(self.inputs) != arity:
            raise ShapeError(
                f"shapes={text!r} has {len(self.inputs)} inputs, and the function {arity}"
            )

    def _cores(self, text: str) -> list[list[str]]:
        if CORE.sub("", text).replace(",", "").strip():
            raise ShapeError(f"shapes={self.text!r} is no signature: write '(n,d),(d)->(n)'")
        return [re.findall(r"\w+", core) for core in CORE.findall(text)]

    @cached_property
    def letters(self) -> list[str]:
        """Each letter once; numbers stand for themselves."""
        names = dict.fromkeys(name for core in self.inputs for name in core)
        return [name for name in names if not name.isdigit()]

    def shapes(self, least: int, most: int) -> st.SearchStrategy[tuple[Shape, ...]]:
        sides = st.tuples(*[st.integers(least, most) for _ in self.letters])
        return sides.map(lambda found: self._filled(dict(zip(self.letters, found, strict=True))))

    def _filled(self, sides: dict[str, int]) -> tuple[Shape, ...]:
        return tuple(tuple(sides.get(n) or int(n) for n in core) for core in self.inputs)

    def larger(self, shapes: list[Shape]) -> list[Shape]:
        sides = {name: SIDES[i % len(SIDES)] for i, name in enumerate(self.letters)}
        return list(self._filled(sides))

    @cached_property
    def result(self) -> Callable[[list[Shape]], Shape] | None:
        """The shape of the result, if the signature states one."""
        if not self.results:
            return None
        (core,) = self.results

        def shape(shapes: list[Shape]) -> Shape:
            sides = {n: side for c, s in zip(self.inputs, shapes, strict=True)
                     for n, side in zip(c, s, strict=True)}  # fmt: skip
            return tuple(sides[n] if n in sides else int(n) for n in core)

        return shape


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


def _generic(
    shape: Shape, domain: Domain, avoid: frozenset[float], rng: np.random.Generator
) -> np.ndarray:
    size = int(np.prod(shape))
    table = lattices(domain, avoid, np.dtype(float), size if domain.distinct else 0)[0]
    plain = np.array([v for v in table if v not in SPECIAL and abs(v) <= 3])
    table = plain if len(plain) >= max(size, 1) else table
    x = rng.choice(table, size, replace=not domain.distinct).reshape(shape)
    return domain.matrix(x) if domain.matrix else x
