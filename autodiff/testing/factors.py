"""Wrong gradients that are the right one times something: a number, a factor, an epsilon."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, product

import numpy as np

from autodiff.testing.probes import Guess, Probe, is_near

__all__ = ["POWERS", "at_result", "constants", "epsilons", "misplaced", "missing", "other_axis",
           "undone", "within_sum"]  # fmt: skip

POWERS = (1.0, 0.5, 2.0)
"""In which an epsilon is tried: `1 / (q + e)` to this power for `1 / q` to it."""

Named = tuple[str, np.ndarray]


def constants(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The right gradient times a number."""
    for factor, text in _numbers(p).items():
        yield Guess("constant factor", f"off by a constant factor {text}", factor * n)
    if p.analytic[i].shape == n.shape and n.size:
        largest = np.unravel_index(int(np.argmax(np.abs(n))), n.shape)
        factor = float(p.analytic[i][largest] / n[largest])
        if float(f"{factor:.6g}") in (-1.0, 0.0, 1.0):
            return  # these have names of their own
        text = f"off by a constant factor {factor:.6g}"
        yield Guess("constant factor", text, factor * n)


def _numbers(p: Probe) -> dict[float, str]:
    """Factors that have a reason."""
    named = {2.0: "2", 0.5: "1/2: one of two equal paths, or a 2 is missing"}
    for k in sorted({k for x in (*p.inputs, *p.results) for k in (*x.shape, x.size) if k > 1}):
        named.setdefault(float(k), f"{k}: a division by the length {k} is missing")
        named.setdefault(1 / k, f"1/{k}: a division by the length {k} too many")
        named.setdefault((k - 1) / k, f"{k - 1}/{k}: divided by n, not by n - 1")
        named.setdefault(k / (k - 1), f"{k}/{k - 1}: divided by n - 1, not by n")
    return named


def undone(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The local derivative is missing as a whole."""
    for g in p.cotangents:
        if g.shape == n.shape or g.size == 1:
            text = "the local derivative is missing: it is the cotangent"
            yield Guess("missing local factor", text, np.resize(g, n.shape))


def missing(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """A factor of the local derivative is missing, or one too many."""
    for name, q in _formulas(p, i, n.shape):
        yield Guess("missing local factor", f"a factor {name} is missing", n / q)
        yield Guess("missing local factor", f"a factor {name} is one too many", n * q)
    for name, q in _quantities(p, i, n.shape):
        for text, x in ((name, q), (f"{name}**2", q**2)):
            yield Guess("sign", f"(1 + {text}) in place of (1 - {text})", n * (1 + x) / (1 - x))
            yield Guess("sign", f"(1 - {text}) in place of (1 + {text})", n * (1 - x) / (1 + x))


def within_sum(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """What each result gives to an entry lacks a factor, and is summed then."""
    if len(p.results) != 1 or p.results[0].size <= n.size:
        return
    for name, q in _quantities(p, i, p.results[0].shape):
        for text, x in ((f"{name} is missing", 1 / q), (f"{name} is one too many", q)):
            value = ((p.v * x.ravel()) @ p.blocks[i]).reshape(n.shape)
            yield Guess("missing local factor", f"before the sum, a factor {text}", value)


def _formulas(p: Probe, i: int, shape: tuple[int, ...]) -> Iterator[Named]:
    """What local derivatives are made of."""
    for name, q in _quantities(p, i, shape):
        yield name, q
        yield f"(1 - {name})", 1 - q
        yield f"(1 + {name})", 1 + q
        yield f"(1 - {name}**2)", 1 - q**2
        yield f"{name} * (1 - {name})", q * (1 - q)
        yield f"{name}**2", q**2
        yield f"sqrt({name})", np.sqrt(q)
        yield f"exp({name})", np.exp(q)


def _quantities(p: Probe, i: int, shape: tuple[int, ...]) -> Iterator[Named]:
    """Inputs, results and all between, broadcast to a shape."""
    named = [(p.names[i], p.inputs[i]), ("the result", p.results[0])]
    named += [(name, x) for j, (name, x) in enumerate(zip(p.names, p.inputs)) if j != i]
    named += [(f"`{step.place}`", step.value) for step in p.trace.steps[len(p.inputs) :]]
    for name, q in named:
        for spread in _spread(q, shape):
            yield name, spread


def _spread(q: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    """All ways to broadcast an array to a shape by new axes."""
    if q.size == 1:
        yield np.broadcast_to(q.reshape(()), shape)
        return
    for axes in combinations(range(len(shape)), max(len(shape) - q.ndim, 0)):
        spread = np.expand_dims(q, axes)
        if len(shape) == spread.ndim and all(
            k in (1, m) for k, m in zip(spread.shape, shape, strict=True)
        ):
            yield np.broadcast_to(spread, shape)


def at_result(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Elementwise: the derivative at the result instead of at the input, and the reverse."""
    out, x = p.results[0], p.inputs[i]
    if out.shape != x.shape or len(p.cotangents) != 1:
        return
    g, local = p.cotangents[0], np.diag(p.blocks[i]).reshape(n.shape)
    text = "the derivative is taken at the result, not at the input"
    yield Guess("derivative at the result", text, g * _derivative(p, i, out))
    for formula in _IN_THE_RESULT:
        if is_near(formula(out), local):
            text = "the derivative's formula is in the result, and is given the input"
            yield Guess("derivative at the result", text, g * formula(x))
        if is_near(formula(x), local):
            text = "the derivative's formula is in the input, and is given the result"
            yield Guess("derivative at the result", text, g * formula(out))


def _derivative(p: Probe, i: int, x: np.ndarray) -> np.ndarray:
    """The derivative of an elementwise function at `x`."""
    step = 2.0**-10
    try:
        above, below = (
            p.call(*p.inputs[:i], x + move, *p.inputs[i + 1 :])[0] for move in (step, -step)
        )
    except Exception:
        return np.full(x.shape, np.nan)
    return np.asarray((above - below) / (2 * step))


_IN_THE_RESULT: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda y: 1 - y**2, lambda y: y * (1 - y), lambda y: y, lambda y: 1 / (2 * y),
    lambda y: -(y**2), lambda y: 1 + y**2, lambda y: np.exp(-y), lambda y: 1 - np.exp(-y),
    lambda y: 2 * y, lambda y: 1 / y, np.cos, lambda y: -np.sin(y), lambda y: 1 / (1 + y**2),
)  # fmt: skip


def other_axis(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """A factor that a step reduces along one axis is reduced along another one."""
    for number, step in enumerate(p.trace.steps):
        for axis in p.trace.other_axes(number):
            other = step.call(*(p.trace.steps[k].value for k in step.parents), axis=axis)
            text = f"{step.place} is taken along axis {axis}"
            for right, wrong in product(_spread(step.value, n.shape), _spread(other, n.shape)):
                yield Guess("wrong reduction", text, n * right / wrong)
                yield Guess("wrong reduction", text, n * wrong / right)


def epsilons(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Something small is added to a factor in the gradient only: as much as fits an entry."""
    where = np.unravel_index(int(np.argmax(np.abs(n))), n.shape) if n.size else ()
    if p.analytic[i].shape != n.shape or not n.size:
        return
    ratio = float(n[where] / p.analytic[i][where])
    for (name, q), power in product(_quantities(p, i, n.shape), POWERS):
        added = float(f"{q[where] * (ratio ** (1 / power) - 1):.3g}") if ratio > 0 else 0.0
        if 0 < abs(added) < 0.1 * np.max(np.abs(q)):
            text = f"{added:g} is added to {name} in the gradient only"
            yield Guess("epsilon", text, n * (q / (q + added)) ** power)


def misplaced(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """What the forward adds within a root, the gradient leaves out or adds outside."""
    for root in p.trace.steps:
        added = p.trace.added(root.parents[0]) if len(root.parents) == 1 else 0.0
        if not added:
            continue
        inner = p.trace.steps[root.parents[0]]
        bare = root.call(p.trace.steps[inner.parents[0]].value)
        text = f"{added:g} is within {root.place} in the forward"
        for right, wrong in zip(_spread(root.value, n.shape), _spread(bare, n.shape), strict=True):
            left_out, outside = n * right / wrong, n * right / (wrong + added)
            yield Guess("epsilon", f"{text}, and left out of the gradient", left_out)
            yield Guess("epsilon", f"{text}, and added outside in the gradient", outside)
