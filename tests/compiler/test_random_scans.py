"""Random scans in compiled functions beside eager mode: values and derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError, compile
from tests.compiler.near import needs_compiler

N = 3  # entries of each vector


class Pool:
    """Values to go on with; all are vectors or single numbers."""

    def __init__(self, rng: Any, values: list[Any]) -> None:
        self.rng, self.values = rng, values

    def chance(self, p: float) -> bool:
        return bool(self.rng.random() < p)

    def one(self, shape: tuple[int, ...]) -> Any:
        """A value of this shape, one of the last ones rather."""
        fitting = [v for v in self.values if np.shape(v) == shape]
        k = self.rng.geometric(0.3)
        return fitting[-min(k, len(fitting))]

    def grow(self) -> Any:
        """Another vector, made of some of those there are."""
        a, b, s = self.one((N,)), self.one((N,)), self.one(())
        k = self.rng.integers(6)
        made = [
            lambda: ad.tanh(a * b), lambda: a * s + 0.3, lambda: ad.sin(a) - b,
            lambda: ad.maximum(a, 0.1 * b), lambda: ad.sum(a) * b * 0.3,
            lambda: ad.where(a > 0.2, a, s * b),
        ][k]()  # fmt: skip
        self.values.append(made)
        return made


def new_state(pool: Pool, kind: str, old: Any, states: list[tuple[str, Any]]) -> Any:
    """What a state becomes: made of others, from outside, another state, or the same as before."""
    if kind == "int":
        return old + 1 if pool.chance(0.7) else old
    shape = () if kind == "number" else (N,)
    if pool.chance(0.15):
        return next(s for k, s in states if k == kind)
    if pool.chance(0.15):
        return old
    if pool.chance(0.3):
        return pool.one(shape)
    return ad.sum(pool.grow()) * 0.2 if kind == "number" else pool.grow()


def new_y(pool: Pool, states: list[tuple[str, Any]]) -> Any:
    parts = [pool.one((N,)), pool.one(()), states[0][1], pool.grow()]
    pool.rng.shuffle(parts)
    how = pool.rng.integers(4)
    return [None, parts[0], {"a": parts[0], "b": parts[1]}, (parts[0], [parts[1]])][how]


def start_of(pool: Pool, kind: str) -> Any:
    if kind == "int":
        return int(pool.rng.integers(3))
    if pool.chance(0.4):
        return 0.25 if kind == "number" else np.full(N, 0.25)
    return pool.one(() if kind == "number" else (N,))


def add_scan(pool: Pool, xs: Any, depth: int = 0) -> None:
    """A scan over vectors; what it gives is added to the pool."""
    kinds = [["vector", "number", "int"][k] for k in pool.rng.choice(3, pool.rng.integers(1, 5))]
    names, by_name = [f"s{k}" for k in range(len(kinds))], pool.chance(0.5)
    seed, turned = int(pool.rng.integers(1 << 30)), pool.rng.permutation(len(kinds))
    starts = [start_of(pool, kind) for kind in kinds]
    outside = list(pool.values)

    def cell(h: Any, x: Any) -> Any:
        old = [h[name] for name in names] if by_name else list(h)
        states = list(zip(kinds, old, strict=True))
        old_ones = [s for k, s in states if k != "int"]
        inner = Pool(np.random.default_rng(seed), [*outside, *old_ones, x["x"]])
        if depth == 0 and inner.chance(0.3):
            rows = ad.stack([inner.one((N,)) for _ in range(2)])
            add_scan(inner, rows, depth + 1)
        new = [new_state(inner, k, s, states) for k, s in states]
        y = new_y(inner, states)
        return ({names[k]: new[k] for k in turned} if by_name else tuple(new)), y

    h, ys = ad.scan(cell, dict(zip(names, starts)) if by_name else tuple(starts), {"x": xs})
    last = [h[name] for name in names] if by_name else h
    pool.values += [s for k, s in zip(kinds, last, strict=True) if k != "int"]
    for y in [] if ys is None else ad.tree.flatten(ys)[0]:
        y = y * 1.0
        pool.values += [ad.sum(y, axis=0), y[0]]


def random_scans(seed: int) -> Callable[..., Any]:
    """A function of two vectors, a number and some rows, in which there are scans."""

    def f(v: Any, w: Any, s: Any, xs: Any) -> Any:
        pool = Pool(np.random.default_rng(seed), [np.float64(0.5), s, v, w])
        for _ in range(1 + pool.chance(0.5)):
            pool.grow()
            rows = [xs, xs * pool.one((N,)), ad.stack([pool.one((N,)) for _ in range(2)])]
            add_scan(pool, rows[pool.rng.integers(3)])
        if pool.chance(0.5):
            pool.grow()
        return sum(ad.sum(v) * k for k, v in enumerate(pool.values[-4:], 1))

    return f


def inputs(seed: int) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in [(N,), (N,), (), (1 + seed % 3, N)]]


def gradients(f: Callable[..., Any]) -> Callable[..., Any]:
    """The value, and the gradients that there are."""

    def call(*tensors: Any) -> Any:
        value = f(*tensors)
        value.backward()
        return value.detach(), [t.grad for t in tensors]

    return call


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: ad.hvp(f, xs, tuple(np.cos(x) for x in xs))


def jvp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *xs: ad.jvp(f, xs, tuple(np.cos(x) for x in xs), allow_unused=True)


def outcome(f: Callable[..., Any], args: list[Any]) -> Any:
    try:
        return ad.tree.flatten(f(*args))[0]
    except (ad.errors.GraphError, TraceError):  # nothing leads to the loss
        return None


def assert_same(f: Callable[..., Any], args: Callable[[], list[Any]], backend: str) -> None:
    found, wanted = outcome(compile(f, backend=backend), args()), outcome(f, args())
    assert (found is None) == (wanted is None)
    for a, e in zip(found or (), wanted or (), strict=True):
        assert (a is None) == (e is None)
        if e is not None:
            np.testing.assert_allclose(a, e, rtol=1e-9, atol=1e-11)


def check(seed: int, backend: str) -> None:
    f, xs = random_scans(seed), inputs(seed)
    assert_same(gradients(f), lambda: [ad.Tensor(x, requires_grad=True) for x in xs], backend)
    assert_same(hvp(f), lambda: xs, backend)
    assert_same(jvp(f), lambda: xs, backend)


@pytest.mark.parametrize("seed", [*range(25), 280, 3915])
def test_random_scans(seed: int) -> None:
    check(seed, "numpy")


@needs_compiler
@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("seed", range(100, 103))
def test_random_scans_in_c(seed: int) -> None:
    check(seed, "c")
