"""Second derivatives: the gradient's own gradient, symmetry, and Taylor's remainder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.testing.point import Point
from autodiff.testing.problem import Problem, copies, make_problem
from autodiff.testing.sources import as_arrays
from autodiff.transforms import vjp

__all__ = ["second_order", "symmetry", "taylor"]

HALVINGS = 3
RATE = 1.9
"""At a right gradient the remainder falls by a power of two of the step, or faster."""


def second_order(point: Point) -> Problem:
    """The gradient as a function of inputs and cotangents, to be checked like any other."""
    problem = point.problem
    count = len(point.inputs)

    def gradient(*arrays: Any) -> Any:
        inputs, cotangents = arrays[:count], arrays[count:]
        _, pullback = vjp(_results(problem), *inputs, allow_unused=True)
        return pullback(tuple(cotangents))

    made = make_problem(gradient, [*point.inputs, *point.cotangents], None, None, {}, None)
    cotangents = [f"first cotangent{i or ''}" for i in range(len(point.cotangents))]
    names = (*problem.names, *cotangents)
    return replace(made, name=problem.name, names=names, what="second derivative")


def _results(problem: Problem) -> Any:
    def call(*inputs: Any) -> tuple[Any, ...]:
        out = problem.source.function(*problem.filled(inputs), **problem.source.kwargs)
        return tuple(r for r in tree.flatten(out)[0] if as_arrays(r))

    return call


def symmetry(second: Problem, point: Point, rng: np.random.Generator) -> str | None:
    """Whether ``u' H w`` is ``w' H u`` for two random directions."""
    u, w = ([rng.normal(size=x.shape) for x in point.inputs] for _ in range(2))

    def both(inputs: list[np.ndarray]) -> tuple[np.ndarray, float]:
        """The two products, and the size of what they are sums of."""
        terms = [
            [h * d for h, d in zip(second.gradients(copies(inputs), one), other, strict=False)]
            for one, other in ((u, w), (w, u))
        ]
        sizes = [sum(float(np.sum(np.abs(t))) for t in each) for each in terms]
        return np.array([sum(float(np.sum(t)) for t in each) for each in terms]), max(sizes)

    inputs = [np.asarray(x, float) for x in second.inputs]
    products, size = both(inputs)
    apart = abs(products[0] - products[1])
    if not np.all(np.isfinite(products)) or apart <= 1e-8 * size:
        return None
    # Where large parts cancel, what is left is rounding, at most that of the gradient.
    eps = float(np.finfo(float).eps)
    rounded, _ = both([x * (1 + eps * rng.choice([-1.0, 1.0], x.shape)) for x in inputs])
    own = sum(
        float(np.sum(np.abs(g)))
        for g in point.problem.gradients(copies(point.inputs), copies(point.cotangents))
    ) / max(1.0, np.max(np.abs(point.z)))
    if apart <= 64 * max(float(np.max(np.abs(rounded - products))), eps * own):
        return None
    return f"the Hessian is not symmetric: u' H w = {products[0]:.6g}, w' H u = {products[1]:.6g}"


def taylor(point: Point, a: np.ndarray, rng: np.random.Generator) -> bool | None:
    """Whether the remainder of the first-order expansion falls as the square of the step.

    Returns None where it is all rounding, as for a linear function. Needs no tolerance: the
    test of Farrell, Ham, Funke and Rognes, SIAM J. Sci. Comput. 35, 2013.
    """
    direction = point.scales[0] * rng.uniform(0.5, 1.0, a.size) * rng.choice([-1.0, 1.0], a.size)
    line = point.line
    noise = line.eps * float(np.abs(line.v) @ np.abs(np.nan_to_num(line.base)))
    for start in (-20, -17, -14, -11, -8, -5, -2):  # the finest that shows above the rounding
        steps = 2.0 ** (start - np.arange(HALVINGS + 1.0))
        rests = np.array([
            abs(float(line.difference(line.values(point.z + h * direction), line.base))
                - h * float(a @ direction))
            for h in steps
        ])  # fmt: skip
        if not np.all(np.isfinite(rests)) or rests[-1] < 1e3 * noise:
            continue
        rates = np.log2(rests[:-1] / rests[1:])
        if np.all(rates > RATE):
            return True
        if np.all(np.abs(rates - 1) < 0.1):
            return False
    return None
