"""What people get wrong in a gradient, as data: what it would be with each mistake made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from itertools import chain, combinations, permutations, product
from typing import Any

import numpy as np

from autodiff.testing import factors
from autodiff.testing.point import joined
from autodiff.testing.probes import Call, Family, Guess, Probe, is_near, jacobian, slope
from autodiff.testing.trace import Trace

__all__ = ["LOCAL", "WHOLE", "guesses"]


def guesses(p: Probe, i: int, families: tuple[Family, ...]) -> Iterator[Guess]:
    """All guesses for input `i`, the likeliest first."""
    right = p.numeric(i)
    return chain.from_iterable(family(p, i, right) for family in families)


def _scaled(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    yield Guess("no gradient", "no gradient at all: the path is cut (detached)", np.zeros_like(n))
    yield Guess("sign", "the sign is wrong", -n)


def _cotangents(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    if not n.size:
        return
    ones = np.ones_like(p.v)
    yield Guess("cotangent ignored", "the cotangent is left out", _pulled(p, i, ones))
    yield Guess("cotangent applied twice", "the cotangent is applied twice", _pulled(p, i, p.v**2))
    if p.v.size == 1 or n.shape == p.cotangents[0].shape:
        twice = n * p.cotangents[0].reshape(n.shape if p.v.size > 1 else (1,) * n.ndim)
        yield Guess("cotangent applied twice", "the cotangent is applied twice", twice)


def _left_out(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The cotangent of one of several results is left out."""
    for k in range(len(p.cotangents) if len(p.cotangents) > 1 else 0):
        v = joined([g * (number != k) for number, g in enumerate(p.cotangents)])
        text = f"the cotangent of result {k} is left out"
        yield Guess("dropped path", text, _pulled(p, i, v))


def _pulled(p: Probe, i: int, v: np.ndarray) -> np.ndarray:
    return (v @ p.blocks[i]).reshape(p.inputs[i].shape)


def _swapped(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    for j in range(len(p.inputs)):
        other = p.numeric(j)
        if j != i and other.shape == n.shape:
            text = f"it is the gradient for {p.names[j]}: they are swapped"
            yield Guess("swapped inputs", text, other)


def _transposed(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    if n.ndim >= 2:
        yield Guess("result transposed", "the result is transposed", np.swapaxes(n, -1, -2))
    for j, other in enumerate(p.inputs):
        if j != i and other.ndim >= 2 and len(p.cotangents) == 1 and p.cotangents[0].ndim >= 1:
            yield from _products(p.names[j], other, p.cotangents[0], n)


def _turned_cotangent(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    for how, turned in _transposes(p.cotangents[0]) if len(p.cotangents) == 1 else ():
        text = f"the cotangent is {how}: a transpose too few or too many"
        yield Guess("missing transpose", text, _pulled(p, i, turned.ravel()))


def _products(name: str, w: np.ndarray, g: np.ndarray, n: np.ndarray) -> Iterator[Guess]:
    """All products of the cotangent and another input that have the right shape."""
    others = [(name, w), (f"{name}.T", np.swapaxes(w, -1, -2))]
    cotangents = [("g", g)] + ([("g.T", np.swapaxes(g, -1, -2))] if g.ndim >= 2 else [])
    made = []
    for (one, a), (two, b) in [*product(others, cotangents), *product(cotangents, others)]:
        with suppress(ValueError):
            made.append((f"{one} @ {two}", a @ b))
    true = next((text for text, value in made if is_near(value, n)), None)
    for text, value in made if true else ():
        yield Guess("missing transpose", f"a transpose is missing: {text}, not {true}", value)


def _reductions(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Not the sum over the axes along which the input was broadcast."""
    if len(p.results) != 1:
        return
    uses = p.v[:, None] * p.blocks[i]  # what each result gives to each entry
    by_result = uses.sum(axis=1).reshape(p.results[0].shape)
    text = "not summed over the axes along which it was broadcast"
    if by_result.shape != n.shape:
        yield Guess("wrong reduction", text, by_result)
    for ways in product((None, *_REDUCE), repeat=by_result.ndim):
        value = by_result
        for axis, way in enumerate(ways):
            value = _REDUCE[way](value, axis) if way else value
        if any(ways) and value.size in (1, n.size):
            names = [f"{way} along axis {axis}" for axis, way in enumerate(ways) if way]
            text = f"reduced wrongly: {', '.join(names)}"
            yield Guess("wrong reduction", text, np.resize(value, n.shape))


_REDUCE: dict[str, Callable[[np.ndarray, int], np.ndarray]] = {
    "sum": lambda x, axis: x.sum(axis=axis, keepdims=True),
    "mean": lambda x, axis: x.mean(axis=axis, keepdims=True),
    "the first": lambda x, axis: x.take([0], axis=axis),
    "the last": lambda x, axis: x.take([-1], axis=axis),
}


def _spread(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The cotangent of a reduction, spread over other axes than those that were reduced."""
    g = np.squeeze(p.cotangents[0])
    if len(p.cotangents) > 1 or p.cotangents[0].size >= n.size:
        return
    local = p.blocks[i].sum(axis=0).reshape(n.shape)
    for axes in combinations(range(n.ndim), n.ndim - g.ndim):
        spread = np.expand_dims(g, axes)
        if all(m in (1, k) for m, k in zip(spread.shape, n.shape, strict=True)):
            text = f"the cotangent is spread over {_axes(axes)}, not over the axes reduced"
            yield Guess("wrong reduction", text, local * spread)


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def _masked(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Where the derivative is zero, something passes all the same."""
    dead = ~np.any(p.blocks[i], axis=0).reshape(n.shape)
    if dead.any() and not dead.all():
        text = "it leaks where the derivative is zero: a mask or clip is forgotten"
        for g in (p.analytic[i], *p.cotangents):
            if g.shape == n.shape:
                yield Guess("leak", text, np.where(dead, g, n))


def _duplicates(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Where each result is one entry of the input: an entry taken several times."""
    is_selection = np.all(np.count_nonzero(p.blocks[i], axis=1) <= 1)
    if not is_selection or np.count_nonzero(p.blocks[i], axis=0).max(initial=0) < 2:
        return
    uses = p.v[:, None] * p.blocks[i]
    for name, order in (("last", uses[::-1]), ("first", uses)):
        which = np.argmax(order != 0, axis=0)
        value = np.take_along_axis(order, which[None], axis=0)[0].reshape(n.shape)
        text = f"of several uses only the {name} counts: an index that occurs twice is overwritten"
        yield Guess("duplicate index", text, value)


def _moved(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The right values in wrong places."""
    for axis in range(n.ndim):
        yield Guess("permuted", f"the right values, reversed along axis {axis}", np.flip(n, axis))
        for shift in range(1, min(n.shape[axis], 6)):
            for s in (shift, -shift):
                text = f"the right values, shifted by {s} along axis {axis}"
                yield Guess("permuted", text, np.roll(n, s, axis))
    for one, two in combinations(range(n.ndim), 2):
        turned = np.swapaxes(n, one, two)
        if turned.shape != n.shape:
            yield Guess("permuted", "in the wrong memory order", turned.reshape(n.shape))
    a = p.analytic[i]
    if a.shape == n.shape and n.size > 1 and is_near(np.sort(a, None), np.sort(n, None)):
        yield Guess("permuted", "the right values in wrong places", a)


def _jacobian(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """What is left of a square Jacobian, or made of it."""
    j = p.blocks[i]
    if j.shape[0] != j.shape[1] or n.size < 2:
        return
    if np.all((np.abs(j) < 1e-9) | (np.abs(j - 1) < 1e-9)):
        text = "the places are those of the forward, not of its inverse (J g, not J' g)"
        yield Guess("permuted", text, (j @ p.v).reshape(n.shape))
    if np.any(j - np.diag(np.diag(j))):
        text = "only the Jacobian's diagonal: how each result depends on the others is missing"
        yield Guess("diagonal only", text, (np.diag(j) * p.v).reshape(n.shape))


def _elsewhere(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The gradient of a function nearby: at a transposed input, or with one step otherwise."""
    for kind, text, call, inputs in _variants(p):
        value = _gradient_if(p, i, call, inputs)
        if value is not None:
            yield Guess(kind, text, value)


Variant = tuple[str, str, Call, list[np.ndarray]]


def _variants(p: Probe) -> Iterator[Variant]:
    for j, x in enumerate(p.inputs):
        for kind, how, turned in _turned(x):
            text = f"it is the gradient for {p.names[j]} {how}"
            yield kind, text, p.call, [*p.inputs[:j], turned, *p.inputs[j + 1 :]]
    for number, step in enumerate(p.trace.steps):
        for axis in p.trace.other_axes(number):
            text = f"{step.place} is taken along axis {axis}"
            for numbers in ([number], p.trace.alike(number)):
                calls = {k: partial(p.trace.steps[k].call, axis=axis) for k in numbers}
                yield "wrong reduction", text, _replayed(p.trace, calls), p.inputs
        if added := p.trace.added(number):
            text = f"{added:g} in {step.where} is left out of the gradient"
            yield "epsilon", text, _replayed(p.trace, {number: lambda x: x}), p.inputs


def _turned(x: np.ndarray) -> Iterator[tuple[str, str, np.ndarray]]:
    """An input with its axes in another order that leaves its shape, or reversed along some."""
    for how, turned in _transposes(x):
        yield "missing transpose", f"{how}: a transpose too few or too many", turned
    for count in range(1, x.ndim + 1):
        for axes in combinations(range(x.ndim), count):
            yield "permuted", f"reversed along {_axes(axes)}", np.flip(x, axes)


def _transposes(x: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    for axes in permutations(range(x.ndim)):
        turned = np.transpose(x, axes)
        if turned.shape == x.shape and axes != tuple(range(x.ndim)):
            yield "transposed" if x.ndim == 2 else f"with its axes in the order {axes}", turned


def _replayed(trace: Trace, calls: Mapping[int, Any]) -> Call:
    """The function with other steps."""
    return lambda *xs: [trace.values(xs, calls)[r] for r in trace.results]


def _gradient_if(p: Probe, i: int, call: Call, inputs: list[np.ndarray]) -> np.ndarray | None:
    """The gradient of another function for input `i`, if the one to check is near it along one
    direction."""
    a = p.analytic[i]
    along = np.cos(np.arange(1.0, p.inputs[i].size + 1)).reshape(p.inputs[i].shape)

    def product_with(*xs: np.ndarray) -> list[np.ndarray]:
        found = joined(call(*xs))
        return [p.v @ found] if found.size == p.v.size else []

    if a.shape != along.shape or not is_near(
        slope(product_with, inputs, i, along, 1), np.array([np.sum(a * along)])
    ):
        return None
    return jacobian(product_with, inputs, i, 1).reshape(a.shape)


LOCAL: tuple[Family, ...] = (
    _cotangents, _swapped, _transposed, _reductions, _spread, _masked, _duplicates, _jacobian,
    _moved, _turned_cotangent, factors.undone, factors.at_result, factors.missing,
)  # fmt: skip
"""What can be wrong at any step."""

WHOLE: tuple[Family, ...] = (
    _scaled, factors.constants, _left_out, *LOCAL, factors.within_sum, factors.other_axis,
    factors.epsilons, factors.misplaced, _elsewhere,
)  # fmt: skip
"""What can be wrong of a function as a whole, the likeliest first."""
