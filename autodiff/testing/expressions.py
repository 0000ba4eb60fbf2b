"""Random expressions of our ops, in which values are used again: to test an engine as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from hypothesis import strategies as st

import autodiff as ad
from autodiff.errors import DomainError
from autodiff.settings import no_grad
from autodiff.testing.recipes import RECIPES, SETTINGS, TAMED, Recipe
from autodiff.testing.strategies import grad_arrays

__all__ = ["OpCase", "op_cases"]

Shape = tuple[int, ...]

SHAPES: tuple[Shape, ...] = ((), (3,), (2, 3), (2, 1), (1, 3), (2, 2))
LARGEST = 48
"""No value has more entries."""
MORE = 30
"""How much likelier another step is than the end."""
BOUND = 3.0
"""A value larger than that is tamed before it is used."""
ALL = tuple(sorted(RECIPES))
PLACE = re.compile(r"{(\w*)}")


@dataclass(frozen=True, repr=False)
class OpCase:
    """A function of arrays, as lines of code, and inputs for it.

    Attributes
    ----------
    inputs : tuple of ndarray
    lines : tuple of str
        One step each: ``v2 = ad.tanh(v0)``.
    ops : tuple of str
        The op of each step.
    results : tuple of str
        The values that no step uses: what the function returns.
    """

    inputs: tuple[Any, ...]
    lines: tuple[str, ...]
    ops: tuple[str, ...]
    results: tuple[str, ...]

    @property
    def code(self) -> str:
        """The whole function."""
        names = ", ".join(f"v{i}" for i in range(len(self.inputs)))
        body = [*self.lines, f"return {', '.join(self.results)}"]
        return "\n    ".join([f"def case({names}):", *body])

    @cached_property
    def _function(self) -> Any:
        space: dict[str, Any] = {"ad": ad, "np": np}
        exec(self.code, space)
        return space["case"]

    def __call__(self, *inputs: Any) -> Any:
        """The values that are not used again: one, or a tuple."""
        return self._function(*inputs)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))  # Hypothesis would print the fields

    def __repr__(self) -> str:
        given = [f"v{i} = np.array({x.tolist()})" for i, x in enumerate(self.inputs)]
        return "\n".join(["", *given, self.code])


def op_cases(
    *, max_inputs: int = 3, max_steps: int = 6, ops: Iterable[str] | None = None,
    shapes: Iterable[Shape] = SHAPES,
) -> st.SearchStrategy[OpCase]:  # fmt: skip
    """Random expressions of our ops, in which values meet again on many paths.

    Each step takes one or two of all values before it, the inputs among them, so that there are
    diamonds. Values stay bounded and away from kinks, by functions such as ``1.5 + ad.sin(v1)``
    under a logarithm.

    Parameters
    ----------
    max_inputs, max_steps : int
    ops : iterable of str, optional
        Of the op table. Default: all that `RECIPES` knows.
    shapes : iterable of shape
        Those of the inputs.

    Returns
    -------
    strategy of OpCase
        A function with its ``.inputs``: ``check_gradients(case, *case.inputs)``. It prints as
        code. It shrinks towards one step on one input, with the first of the shapes, of zeros.

    Raises
    ------
    DomainError
        If an op is not known, or there is none.
    """
    names = ALL if ops is None else tuple(ops)
    unknown = [name for name in names if name not in RECIPES]
    if unknown or not names:
        raise DomainError(
            f"no recipe for {', '.join(unknown) or 'no ops'}; there are {', '.join(ALL)}"
        )
    arrays = st.sampled_from(list(shapes)).flatmap(lambda s: grad_arrays(s, domain=(-4.0, 4.0)))
    inputs = st.lists(arrays, min_size=1, max_size=max_inputs)
    return _cases(inputs, names, max_steps)


@st.composite
def _cases(
    draw: st.DrawFn, arrays: st.SearchStrategy[list[Any]], names: tuple[str, ...], max_steps: int
) -> OpCase:
    inputs = draw(arrays)
    growing = _Growing(list(inputs))
    for i in range(max_steps + 1):
        if not draw(_one_step(growing, names, i == 0, i == max_steps)):
            break
    results = [f"v{i}" for i in range(len(growing.values)) if i not in growing.used]
    return OpCase(tuple(inputs), tuple(growing.lines), tuple(growing.ops), tuple(results))


@st.composite
def _one_step(
    draw: st.DrawFn, growing: _Growing, names: tuple[str, ...], is_first: bool, is_over: bool
) -> bool:
    """One more step, or the end: drawn as one, so that a failing case can do without it."""
    goes_on = draw(st.integers(int(is_first), 0 if is_over else MORE))
    if goes_on:
        growing.step(draw, names)
    return bool(goes_on)


class _Growing:
    """An expression to which steps are added; `used` are the numbers of the values they take."""

    def __init__(self, values: list[Any]) -> None:
        self.values = values
        self.lines: list[str] = []
        self.ops: list[str] = []
        self.used: set[int] = set()

    def step(self, draw: st.DrawFn, names: tuple[str, ...]) -> None:
        """Add one op to what there is, if one fits."""
        x = self.pick(draw, lambda shape: True)
        shape = np.shape(self.values[x])
        fitting = [name for name in names if RECIPES[name].fits(shape)]
        if not fitting:
            return
        name = draw(st.sampled_from(fitting))
        recipe = RECIPES[name]
        others = {"y": lambda s: _together(s, shape), "t": lambda s: s == shape}
        taken = {p: fits for p, fits in others.items() if f"{{{p}}}" in recipe.code}
        places = {"x": x} | {p: self.pick(draw, fits) for p, fits in taken.items()}
        code = self.filled(draw, recipe, places, shape)
        value = self.value(code)
        if 0 < np.size(value) <= LARGEST:
            self.used |= {*places.values()}
            self.lines.append(f"v{len(self.values)} = {code}")
            self.ops.append(name)
            self.values.append(value)

    def pick(self, draw: st.DrawFn, fits: Any) -> int:
        """A value that fits, towards the first: then no step stands in the way of another."""
        fitting = [i for i, v in enumerate(self.values) if fits(np.shape(v))]
        return draw(st.sampled_from(fitting))

    def filled(self, draw: st.DrawFn, recipe: Recipe, places: dict[str, int], shape: Shape) -> str:
        """The recipe's code with values and settings."""
        settings: dict[str, str] = {}

        def text(match: re.Match[str]) -> str:
            place = match[1]
            if place in places:
                return self.argument(places[place], recipe.wrapped.get(place))
            if place not in settings:  # a setting that is named twice is the same
                settings[place] = _written(draw(SETTINGS[place](shape)))
            return settings[place]

        return PLACE.sub(text, recipe.code)

    def argument(self, number: int, wrapped: str | None) -> str:
        name, value = f"v{number}", self.values[number]
        if wrapped:
            size, shape = str(np.size(value)), _written(np.shape(value))
            return wrapped.replace("{size}", size).replace("{shape}", shape).format(name)
        return TAMED.format(name) if np.max(np.abs(value)) > BOUND else name

    def value(self, code: str) -> np.ndarray:
        space = {f"v{i}": v for i, v in enumerate(self.values)}
        with no_grad():
            return np.asarray(eval(code, {"ad": ad, "np": np}, space))


def _together(x: Shape, y: Shape) -> bool:
    """Whether the shapes broadcast."""
    return all(a == b or 1 in (a, b) for a, b in zip(x[::-1], y[::-1], strict=False))


def _written(value: Any) -> str:
    """Code for a setting: arrays as lists, which index in the same way."""
    if isinstance(value, np.ndarray):
        return repr(value.tolist())
    if isinstance(value, tuple):
        return f"({''.join(f'{_written(v)}, ' for v in value).rstrip() if value else ''})"
    if isinstance(value, slice):
        return f"slice({value.start}, {value.stop}, {value.step})"
    return "..." if value is Ellipsis else repr(value)
