"""What people get wrong in a gradient, as data: what it would be with each mistake made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from autodiff.testing.probes import Probe, is_near

__all__ = ["Guess", "guesses"]


@dataclass(frozen=True)
class Guess:
    """The gradient for one input, had a mistake been made.

    Attributes
    ----------
    kind : str
        One of `autodiff.testing.causes.KINDS`.
    text : str
    value : ndarray
    """

    kind: str
    text: str
    value: np.ndarray


def guesses(p: Probe, i: int) -> Iterator[Guess]:
    """All guesses for input `i` that differ from the right gradient, the likeliest first."""
    right = p.numeric(i)
    for family in _FAMILIES:
        for guess in family(p, i, right):
            if guess.value.shape != right.shape or not is_near(guess.value, right):
                yield guess


Family = Callable[[Probe, int, np.ndarray], Iterator[Guess]]


def _simple(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    yield Guess("no gradient", "no gradient at all: the path is cut (detached)", np.zeros_like(n))
    yield Guess("sign", "the sign is wrong", -n)
    ones = np.ones_like(p.v)
    yield Guess("cotangent ignored", "the cotangent is left out", _pulled(p, i, ones))
    yield Guess("cotangent applied twice", "the cotangent is applied twice", _pulled(p, i, p.v**2))
    if p.v.size == 1 or n.shape == p.cotangents[0].shape:
        twice = n * p.cotangents[0].reshape(n.shape if p.v.size > 1 else (1,) * n.ndim)
        yield Guess("cotangent applied twice", "the cotangent is applied twice", twice)


def _pulled(p: Probe, i: int, v: np.ndarray) -> np.ndarray:
    return (v @ p.blocks[i]).reshape(p.inputs[i].shape)


def _swapped(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    for j in range(len(p.inputs)):
        other = p.numeric(j)
        if j != i and other.shape == n.shape:
            yield Guess(
                "swapped inputs", f"it is the gradient of input {j}: they are swapped", other
            )


def _transposed(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    if n.ndim >= 2:
        yield Guess("result transposed", "the result is transposed", np.swapaxes(n, -1, -2))
    for j, other in enumerate(p.inputs):
        if j != i and other.ndim >= 2 and len(p.cotangents) == 1 and p.cotangents[0].ndim >= 1:
            yield from _products(f"input {j}", other, p.cotangents[0], n)


def _products(name: str, w: np.ndarray, g: np.ndarray, n: np.ndarray) -> Iterator[Guess]:
    """All products of the cotangent and another input that have the right shape."""
    factors = [(name, w), (f"{name}.T", np.swapaxes(w, -1, -2)), ("g", g)]
    factors += [("g.T", np.swapaxes(g, -1, -2))] if g.ndim >= 2 else []
    made = []
    for (one, a), (two, b) in product(factors, factors):
        if ("g" in one) == ("g" in two):
            continue
        try:
            made.append((f"{one} @ {two}", a @ b))
        except ValueError:
            continue
    true = next((text for text, value in made if is_near(value, n)), None)
    for text, value in made if true else ():
        if value.shape == n.shape:
            yield Guess("missing transpose", f"a transpose is missing: {text}, not {true}", value)


def _reductions(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Sums over other axes than those along which the input was broadcast, and the reverse."""
    if len(p.results) != 1:
        return
    out = p.results[0]
    uses = p.v[:, None] * p.blocks[i]  # what each result gives to each entry
    by_result = uses.sum(axis=1).reshape(out.shape)
    yield Guess(
        "wrong reduction", "not summed over the axes along which it was broadcast", by_result
    )
    for count in range(1, out.ndim + 1):
        for axes in combinations(range(out.ndim), count):
            for name, reduce in (("sum", np.sum), ("mean", np.mean), ("max", np.max)):
                yield from _reshaped(f"{name} over {_axes(axes)}", reduce(by_result, axis=axes), n)
            first = by_result[tuple(0 if a in axes else slice(None) for a in range(out.ndim))]
            yield from _reshaped(f"only the first along {_axes(axes)} is taken", first, n)
    local = p.blocks[i].sum(axis=0).reshape(n.shape)
    g = p.cotangents[0]
    for axes in (
        combinations(range(n.ndim), n.ndim - np.squeeze(g).ndim)
        if g.ndim < n.ndim or g.size < n.size
        else ()
    ):
        try:
            value = local * np.expand_dims(np.squeeze(g), axes)
        except ValueError:
            continue
        if value.shape == n.shape:
            text = (
                f"the cotangent is spread over {_axes(axes)}, not over the axes that were reduced"
            )
            yield Guess("wrong reduction", text, value)


def _reshaped(text: str, value: np.ndarray, n: np.ndarray) -> Iterator[Guess]:
    if np.size(value) == n.size:
        yield Guess("wrong reduction", f"reduced wrongly: {text}", np.reshape(value, n.shape))


def _axes(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {axes}"


def _masked(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Where the derivative is zero, something passes all the same."""
    dead = ~np.any(p.blocks[i], axis=0).reshape(n.shape)
    a = p.analytic[i]
    if dead.any() and not dead.all() and a.shape == n.shape and np.any(a[dead]):
        text = "it leaks where the derivative is zero: a mask or clip is forgotten"
        yield Guess("leak", text, np.where(dead, a, n))
    for g in p.cotangents:
        if g.shape == n.shape and dead.any() and not dead.all():
            text = "it leaks where the derivative is zero: a mask or clip is forgotten"
            yield Guess("leak", text, np.where(dead, g, n))


def _arranged(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The right values in wrong places."""
    if p.blocks[i].shape[0] == p.blocks[i].shape[1] and n.size > 1:
        j = p.blocks[i]
        turned = (j @ p.v).reshape(n.shape)
        if np.all((j == 0) | (np.abs(j - 1) < 1e-9)):
            text = "the places are those of the forward, not of its inverse (J g, not J' g)"
            yield Guess("permuted", text, turned)
        diagonal = (np.diag(j) * p.v).reshape(n.shape)
        if np.any(j - np.diag(np.diag(j))):
            text = "only the Jacobian's diagonal: how each result depends on the others is missing"
            yield Guess("diagonal only", text, diagonal)
    for axis in range(n.ndim):
        yield Guess("permuted", f"the right values, reversed along axis {axis}", np.flip(n, axis))
        for shift in range(1, min(n.shape[axis], 6)):
            for s in (shift, -shift):
                text = f"the right values, shifted by {s} along axis {axis}"
                yield Guess("permuted", text, np.roll(n, s, axis))
    a = p.analytic[i]
    if a.shape == n.shape and n.size > 1 and is_near(np.sort(a, None), np.sort(n, None)):
        yield Guess("permuted", "the right values in wrong places", a)
    if n.ndim >= 2:
        for axes in combinations(range(n.ndim), 2):
            turned = np.swapaxes(n, *axes)
            if turned.shape != n.shape:
                yield Guess("permuted", "in the wrong memory order", turned.reshape(n.shape))


def _duplicates(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    uses = p.v[:, None] * p.blocks[i]
    several = np.count_nonzero(p.blocks[i], axis=0)
    if not uses.size or several.max(initial=0) < 2:
        return
    for name, order in (("last", uses[::-1]), ("first", uses)):
        which = np.argmax(order != 0, axis=0)
        value = np.take_along_axis(order, which[None], axis=0)[0].reshape(n.shape)
        text = f"of several uses only the {name} counts: an index that occurs twice is overwritten"
        yield Guess("duplicate index", text, value)


def _quantities(p: Probe, i: int, n: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
    """What local derivatives are made of, broadcast to the input's shape."""
    out = p.results[0]
    named = {"the input": p.inputs[i], "the result": out}
    named |= {f"input {j}": x for j, x in enumerate(p.inputs) if j != i}
    for name, q in named.items():
        for shaped in _spread(q, n.shape):
            yield name, shaped
            yield f"(1 - {name})", 1 - shaped
            yield f"(1 + {name})", 1 + shaped
            yield f"(1 - {name}**2)", 1 - shaped**2
            yield f"{name} * (1 - {name})", shaped * (1 - shaped)
            yield f"{name}**2", shaped**2
            yield f"sqrt({name})", np.sqrt(shaped)
            yield f"exp({name})", np.exp(shaped)
            yield f"2 * {name}", 2 * shaped


def _spread(q: np.ndarray, shape: tuple[int, ...]) -> Iterator[np.ndarray]:
    if q.size == 1:
        yield np.broadcast_to(q.reshape(()), shape)
        return
    lost = len(shape) - q.ndim
    for axes in combinations(range(len(shape)), lost) if lost >= 0 else ():
        candidate = np.expand_dims(q, axes)
        if all(n in (1, m) for n, m in zip(candidate.shape, shape, strict=True)):
            yield np.broadcast_to(candidate, shape)


def _factors(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    for g in p.cotangents:
        if g.shape == n.shape:
            yield Guess(
                "missing local factor", "the local derivative is missing: it is the cotangent", g
            )
        elif g.size == 1:
            text = "the local derivative is missing: it is the cotangent"
            yield Guess("missing local factor", text, np.broadcast_to(g.reshape(()), n.shape))
    for name, q in _quantities(p, i, n):
        yield Guess("missing local factor", f"a factor {name} is missing", n / q)
        yield Guess("missing local factor", f"a factor {name} is one too many", n * q)
        yield Guess("missing local factor", f"it divides by {name} twice, or not at all", n / q**2)


def _at_result(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """Elementwise: the derivative at the result instead of at the input, and the reverse."""
    out, x = p.results[0], p.inputs[i]
    if out.shape != x.shape or len(p.cotangents) != 1:
        return
    g = p.cotangents[0]
    local = np.diag(p.blocks[i]).reshape(n.shape)
    given = [out if j == i else y for j, y in enumerate(p.inputs)]
    step = 2.0**-10
    try:
        above, below = (
            p.call(*(y + s * step if j == i else y for j, y in enumerate(given)))[0]
            for s in (1, -1)
        )
    except Exception:
        above = below = np.full(n.shape, np.nan)
    text = "the derivative is taken at the result, not at the input"
    yield Guess("derivative at the result", text, g * (above - below) / (2 * step))
    for formula in _IN_THE_RESULT:
        if is_near(formula(out), local):
            text = "the derivative's formula is in the result, and is given the input"
            yield Guess("derivative at the result", text, g * formula(x))
        if is_near(formula(x), local):
            text = "the derivative's formula is in the input, and is given the result"
            yield Guess("derivative at the result", text, g * formula(out))


_IN_THE_RESULT: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
    lambda y: 1 - y**2, lambda y: y * (1 - y), lambda y: y, lambda y: 1 / (2 * y),
    lambda y: -(y**2), lambda y: 1 + y**2, lambda y: np.exp(-y), lambda y: 1 - np.exp(-y),
    lambda y: 2 * y, lambda y: 1 / y, np.cos, lambda y: -np.sin(y), lambda y: 1 / (1 + y**2),
)  # fmt: skip


def _constants(p: Probe, i: int, n: np.ndarray) -> Iterator[Guess]:
    """The right gradient times a number."""
    lengths = sorted({k for x in (*p.inputs, *p.results) for k in (*x.shape, x.size) if k > 1})
    named: dict[float, str] = {2.0: "2", 0.5: "1/2: one of two equal paths, or a 2 is missing"}
    for k in lengths:
        named.setdefault(float(k), f"{k}: a division by the length {k} is missing")
        named.setdefault(1 / k, f"1/{k}: a division by the length {k} too many")
        named.setdefault((k - 1) / k, f"{k - 1}/{k}: divided by n, not by n - 1")
        named.setdefault(k / (k - 1), f"{k}/{k - 1}: divided by n - 1, not by n")
    for factor, text in named.items():
        yield Guess("constant factor", f"off by a constant factor {text}", factor * n)
    a = p.analytic[i]
    where = np.unravel_index(int(np.argmax(np.abs(n))), n.shape) if n.size else None
    if where is not None and a.shape == n.shape and n[where] != 0:
        factor = float(a[where] / n[where])
        if factor not in (0.0, 1.0, -1.0):
            rounded = float(f"{factor:.6g}")
            yield Guess("constant factor", f"off by a constant factor {rounded:g}", rounded * n)


_FAMILIES: tuple[Family, ...] = (
    _simple, _swapped, _transposed, _reductions, _masked, _duplicates, _arranged, _at_result,
    _constants, _factors,
)  # fmt: skip
