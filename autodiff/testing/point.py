"""A problem at one point and for one cotangent, as functions of one vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from autodiff.errors import DomainError
from autodiff.op import sum_to
from autodiff.testing.complex_step import complex_slopes
from autodiff.testing.failure import GradientError
from autodiff.testing.line import Line, Slopes
from autodiff.testing.numeric import slopes, slopes_closely
from autodiff.testing.problem import Arrays, Problem

__all__ = ["CANCELLED", "Point", "joined"]

CANCELLED = 16
"""So many times what a gradient moves by rounding may lie between two ways to compute it."""
ROUGH = 1e-2
"""What moves by more, relatively, is not rounded off."""
ROUNDING = 1e-2
"""Two forwards in different precision that differ by more do not compute the same."""


def joined(arrays: Sequence[np.ndarray], dtype: type = np.float64) -> np.ndarray:
    """All entries in one vector."""
    parts = [np.asarray(a, dtype).ravel() for a in arrays]
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


class Point:
    """Where gradients are compared.

    Attributes
    ----------
    problem : Problem
    inputs, cotangents : list of ndarray
        In their own dtypes.
    z, v : ndarray
        All entries of the inputs, of the cotangents, in float64.
    """

    def __init__(self, problem: Problem, inputs: Arrays, cotangents: Arrays) -> None:
        self.problem = problem
        self.inputs: list[np.ndarray] = list(inputs)
        self.cotangents: list[np.ndarray] = list(cotangents)
        self.z: np.ndarray = joined(inputs)
        self.v: np.ndarray = joined(cotangents)
        self.shapes: list[tuple[int, ...]] = [x.shape for x in inputs]
        self.edges: list[int] = [0, *np.cumsum([x.size for x in inputs]).tolist()]
        self.evaluations: int = 0
        self.allowed: float = np.inf

    def moved(self, z: np.ndarray) -> Point:
        """The same at other inputs, in float64."""
        return Point(self.problem, self.split(z), [np.asarray(v, float) for v in self.cotangents])

    def split(self, z: np.ndarray) -> list[np.ndarray]:
        """A vector as the inputs."""
        edges = zip(self.edges, self.edges[1:], self.shapes, strict=False)
        return [z[a:b].reshape(shape) for a, b, shape in edges]

    def place(self, index: int) -> tuple[int, tuple[int, ...]]:
        """The input and the place in it of an entry of `z`."""
        which = int(np.searchsorted(self.edges, index, "right")) - 1
        place = np.unravel_index(index - self.edges[which], self.shapes[which])
        return which, tuple(map(int, place))

    @property
    def is_spent(self) -> bool:
        """Whether the function may not be called again."""
        return self.evaluations >= self.allowed

    def values(self, z: np.ndarray) -> np.ndarray:
        """All results in one vector; NaN where there are none."""
        self.evaluations += 1
        if self.evaluations > self.allowed:
            return np.full(self.v.size, np.nan)
        results = self.problem.quiet_values(self.split(z.astype(self.dtype, copy=False)))
        if results is not None and len(results) == 1:
            vector = results[0].ravel()
        else:
            vector = np.concatenate([r.ravel() for r in results]) if results else np.zeros(0)
        return vector if vector.size == self.v.size else np.full(self.v.size, np.nan)

    def complex_values(self, z: np.ndarray) -> np.ndarray:
        """The same of complex inputs."""
        self.evaluations += 1
        results = self.problem.quiet_values(self.split(z)) or []
        return (
            joined(results, complex) if any(r.dtype.kind == "c" for r in results) else np.zeros(0)
        )

    def gradient(self) -> np.ndarray:
        """What is to be checked, as one vector in float64; NaN where it does not fit the inputs."""
        return self._gradient(self.inputs, self.cotangents)

    def _gradient(self, inputs: Arrays, cotangents: Arrays) -> np.ndarray:
        found = self.fitted(self.problem.gradients(inputs, cotangents))
        return np.full(self.z.size, np.nan) if found is None else found

    def fitted(self, gradients: Arrays) -> np.ndarray | None:
        """Gradients in one vector, summed to the inputs' shapes; None if they do not fit.

        So the values can be compared also where the shapes are wrong.
        """
        parts = [_fitted(g, x.shape) for g, x in zip(gradients, self.inputs, strict=True)]
        return None if any(part is None for part in parts) else joined(parts)

    def rounding(self, rng: np.random.Generator) -> np.ndarray:
        """How far each entry of the gradient moves when all inputs are rounded otherwise.

        More cannot be asked of one that is computed in their precision. Zero where it is no
        rounding: where the gradient jumps, or differs from call to call.
        """
        shakes = (0.0, 0.0, self.eps, self.eps, self.eps)
        try:
            first, again, *others = (self._shaken(s, rng) for s in shakes)
        except GradientError:  # beyond the end of the domain
            return np.zeros(self.z.size)
        spread = np.max(np.abs(np.array(others) - first), axis=0)
        is_rounding = (spread <= ROUGH * np.abs(first)) & (first == again)
        return np.where(is_rounding, spread, 0.0)

    def cancelled(self, order: int) -> np.ndarray:
        """Rounding of derivatives of an order, where large parts cancel.

        Parts as large as the results do so without a trace that shaking would show.
        """
        parts = np.max(np.abs(self.v), initial=0.0) * np.sum(np.abs(self.line.base))
        return np.asarray(self.eps * parts / self.scales[1] ** order)

    @cached_property
    def eps(self) -> float:
        """Rounding of the coarsest input's dtype."""
        return max(float(np.finfo(x.dtype).eps) for x in self.inputs)

    def _shaken(self, scale: float, rng: np.random.Generator) -> np.ndarray:
        """The gradient of inputs and cotangents that are off by so much, relatively, computed in
        their precision."""
        moved, turned = (
            x + scale * size * rng.choice([-1.0, 1.0], x.size)
            for x, size in ((self.z, self.scales[0]), (self.v, np.abs(self.v)))
        )
        inputs = [np.asarray(x, y.dtype) for x, y in zip(self.split(moved), self.inputs)]
        edges = np.cumsum([v.size for v in self.cotangents])[:-1]
        cotangents = [
            np.asarray(part, v.dtype).reshape(v.shape)
            for part, v in zip(np.split(turned, edges), self.cotangents, strict=True)
        ]
        return self._gradient(inputs, cotangents)

    @cached_property
    def in_double(self) -> bool:
        """Whether the function computes the same in float64, which then is the reference."""
        if all(x.dtype == np.float64 for x in self.inputs):
            return True
        own = joined(self.problem.values(self.inputs))
        more = joined(self.problem.quiet_values(self.split(self.z)) or [])
        same = own.shape == more.shape and np.allclose(own, more, ROUNDING, ROUNDING, True)
        return bool(same)

    @cached_property
    def dtype(self) -> np.dtype[np.floating]:
        """In which the function is evaluated for differences."""
        if self.in_double:
            return np.dtype(np.float64)
        return np.dtype(np.result_type(*self.inputs))

    @cached_property
    def line(self) -> Line:
        """Values and cotangent for difference quotients."""
        eps = float(np.finfo(self.dtype).eps)
        return Line(self.values, self.z, self.v, self.values(self.z), eps)

    @cached_property
    def scales(self) -> list[np.ndarray]:
        """Sizes of steps for each entry: its own size, that of its input, and one."""
        whole = np.concatenate(
            [np.full(x.size, _power_of_two(np.max(np.abs(x), initial=0.0))) for x in self.inputs]
        )
        # An entry of zero may stand beside one that is tiny.
        least = np.min(whole, initial=1.0)
        own = np.where(self.z == 0, np.minimum(whole, least), _power_of_two(self.z))
        return [own, whole, np.ones_like(own)]

    def entries(self, which: np.ndarray, rng: np.random.Generator, method: str) -> Slopes:
        """Derivatives by the entries `which`, in the fastest way.

        Raises
        ------
        DomainError
            If `method` is "complex" and the function does not take complex arrays, or is not
            analytic there.
        """
        rows, scales = self._along(which)
        if method != "differences" and self.in_double and len(which):
            found: Slopes | None = complex_slopes(
                self.line, self.complex_values, rows, scales[0], rng
            )
            if found is not None:
                return found
        if method == "complex":
            raise DomainError(
                f"{self.problem.name}() has no complex step here: it does not take complex arrays, "
                "or differences do not confirm it"
            )
        return slopes(self.line, rows, scales, together=True)

    def entries_alone(self, which: np.ndarray) -> Slopes:
        """Derivatives by the entries `which`, each by differences of its own."""
        return slopes(self.line, *self._along(which))

    def entry_closely(self, index: int) -> list[Slopes]:
        """The derivative by one entry, by steps of every size; see `slopes_closely`."""
        return slopes_closely(self.line, *self._along(np.array([index])))

    def _along(self, which: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """A direction for each entry, and the sizes of its steps."""
        rows = np.zeros((len(which), self.z.size))
        rows[np.arange(len(which)), which] = 1.0
        return rows, [scale[which] for scale in self.scales]


def _fitted(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    if g.shape == shape:
        return g
    try:
        if np.broadcast_shapes(g.shape, shape) == g.shape:
            return np.asarray(sum_to(g, shape))
        return np.array(np.broadcast_to(g, shape)) if g.ndim else None
    except ValueError:
        return None


def _power_of_two(x: np.ndarray) -> np.ndarray:
    """The power of two at or below each size (1 for zero), so that steps are exact."""
    _, exponent = np.frexp(np.abs(x))
    return np.where(x == 0, 1.0, np.ldexp(1.0, np.maximum(exponent - 1, -1000)))
