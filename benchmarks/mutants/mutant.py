"""What a wrong gradient of the corpus is, and where its inputs are drawn from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "Array", "Inputs", "Mutant", "Vjp", "away", "distinct", "normal", "positive"]

Array: TypeAlias = NDArray[Any]
Vjp: TypeAlias = Callable[..., Any]
"""Takes the cotangent and the inputs; gives one gradient, or a tuple of one for each input."""
Inputs: TypeAlias = Callable[[np.random.Generator], tuple[Array, ...]]

KINDS = frozenset({
    "sign", "constant factor", "no gradient", "dropped path", "wrong reduction",
    "missing transpose", "result transposed", "permuted", "swapped inputs", "duplicate index",
    "diagonal only", "missing local factor", "derivative at the result", "leak",
    "cotangent ignored", "cotangent applied twice", "cotangent mutated", "input mutated", "state",
    "nondeterministic", "epsilon", "float32 inside", "nan", "ties", "few entries", "aliasing",
    "wrong shape", "wrong dtype",
})  # fmt: skip
"""The words for what is wrong."""


@dataclass(frozen=True)
class Mutant:
    """A right function, its right gradient, and one with a mistake.

    Attributes
    ----------
    name : str
        The function and what is wrong with the gradient.
    kinds : tuple of str
        What is wrong, from `KINDS`; several only where they are words for the same mistake.
    forward : callable
        Takes the inputs, gives one array.
    right, wrong : callable
        ``vjp(cotangent, *inputs)``. A `wrong` that remembers is an object: use a deep copy.
    inputs : callable
        Draws, from a generator, inputs at which the mistake shows.
    """

    name: str
    kinds: tuple[str, ...]
    forward: Callable[..., Array]
    right: Vjp
    wrong: Vjp
    inputs: Inputs


Shape: TypeAlias = tuple[int, ...]


def normal(*shapes: Shape) -> Inputs:
    """Standard normal numbers."""
    return lambda rng: tuple(np.asarray(rng.standard_normal(shape)) for shape in shapes)


def positive(*shapes: Shape) -> Inputs:
    """Numbers between 0.5 and 2."""
    return lambda rng: tuple(np.asarray(rng.uniform(0.5, 2.0, shape)) for shape in shapes)


def away(*shapes: Shape) -> Inputs:
    """Numbers of both signs, at least 0.3 from 0, and neither sign missing."""

    def draw(rng: np.random.Generator, shape: Shape) -> Array:
        count = int(np.prod(shape))
        signs = rng.permutation(np.where(np.arange(count) % 2 == 0, 1.0, -1.0))
        return (signs * rng.uniform(0.3, 2.0, count)).reshape(shape)

    return lambda rng: tuple(draw(rng, shape) for shape in shapes)


def distinct(*shapes: Shape) -> Inputs:
    """Numbers no two of which, in any of the arrays, are nearer than 0.1."""

    def draw(rng: np.random.Generator) -> tuple[Array, ...]:
        sizes = [int(np.prod(shape)) for shape in shapes]
        count = sum(sizes)
        steps = (rng.permutation(count) - count / 2) * 0.2 + rng.uniform(0, 0.1, count)
        parts = np.split(steps, np.cumsum(sizes)[:-1])
        return tuple(part.reshape(shape) for part, shape in zip(parts, shapes))

    return draw
