"""Scans in C beside the steps done one by one in eager mode: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native.runner import Native
from autodiff.compiler.replay import replayed
from tests.compiler.near import InC, assert_near, assert_runs_in_c, needs_compiler

pytestmark = [needs_compiler, pytest.mark.usefixtures("cache", "built_fast")]

T, B, D, H = 4, 2, 3, 3
LIMIT = 64
"""ULPs: a gradient is a sum over steps, in another order."""
rng = np.random.default_rng(0)
W, U, C = (0.4 * rng.normal(size=(H, H)) for _ in range(3))
XS, H0 = rng.normal(size=(T, B, D)), rng.normal(size=(B, H))
IDS = rng.integers(0, 5, (T, B))
TABLE = rng.normal(size=(5, D))
MASK = np.array([[True, True], [True, False], [False, True], [True, True]])


def rnn(xs: Any, h0: Any, w: Any, u: Any) -> Any:
    def cell(h: Any, x: Any) -> Any:
        h = np.tanh(x @ w + h @ u)
        return h, h

    return ad.scan(cell, h0, xs)


def backwards(xs: Any, h0: Any, w: Any, u: Any) -> Any:
    h, ys = rnn(xs[::-1], h0, w, u)
    return h, ys[::-1]


def both_ways(xs: Any, h0: Any, w: Any, u: Any) -> Any:
    return np.concatenate([rnn(xs, h0, w, u)[1], backwards(xs, h0, u, w)[1]], axis=-1)


def swapped(xs: Any, a: Any, b: Any) -> Any:
    """The new states are the old ones in the other order."""
    return ad.scan(lambda h, x: ((h[0] + x, h[0]), h[1]), (a, b), xs)


def exchanged(xs: Any, a: Any, b: Any) -> Any:
    return ad.scan(lambda h, x: ((h[1], h[0] * x), None), (a, b), xs)


def turned_over(xs: Any, h0: Any) -> Any:
    return ad.scan(lambda h, x: (h[..., ::-1], h * x), h0, xs)


def seen_again(xs: Any, h0: Any) -> Any:
    """The old state is looked at, in another way, after the new one is there."""

    def cell(h: Any, x: Any) -> Any:
        turned = h.T
        new = np.tanh(h + x)
        return new, turned @ new

    return ad.scan(cell, h0, xs)


def with_its_transpose(a: Any, h0: Any) -> Any:
    return ad.scan(lambda h, x: (0.5 * h + h.T, h * x), h0, a)


def added_to_its_transpose(a: Any, h0: Any) -> Any:
    return ad.scan(lambda h, x: (h + h.T, h * x), h0, a)


def side_by_side(xs: Any, h0: Any, w: Any, u: Any) -> Any:
    """Products of which the entries do not lie one after the other in the result."""

    def cell(h: Any, x: Any) -> Any:
        pair = np.stack([h @ w, x @ u], axis=-1)
        return np.tanh(pair.sum(axis=-1)), pair

    return ad.scan(cell, h0, xs)


def lstm(xs: Any, h0: Any, c0: Any, w: Any, u: Any, v: Any) -> Any:
    def cell(state: Any, x: Any) -> Any:
        h, c = state
        gate = ad.sigmoid(x @ w + h @ u)
        c = gate * c + (1 - gate) * np.tanh(x @ v)
        return (gate * np.tanh(c), c), h

    return ad.scan(cell, (h0, c0), xs)


def nested(xs: Any, h0: Any, w: Any) -> Any:
    def outer(h: Any, x: Any) -> Any:
        h, ys = ad.scan(lambda g, y: (np.tanh(g @ w + y), g * y), h, x)
        return h, ys

    return ad.scan(outer, h0, np.stack([xs, xs[::-1]]))


def without_results(xs: Any, h0: Any) -> Any:
    return ad.scan(lambda h, x: (np.sin(h) + x, None), h0, xs)[0]


def one_step(xs: Any, h0: Any, w: Any, u: Any) -> Any:
    return rnn(xs[:1], h0, w, u)


def masked(xs: Any, h0: Any, w: Any) -> Any:
    def cell(h: Any, step: Any) -> Any:
        x, is_there = step
        h = np.where(is_there[:, None], np.tanh(x + h @ w), h)
        return h, h

    return ad.scan(cell, h0, (xs, MASK))


def embedded(table: Any, h0: Any, w: Any) -> Any:
    def cell(h: Any, ids: Any) -> Any:
        h = np.tanh(ad.embedding(table, ids) + h @ w)
        return h, h.sum(-1)

    return ad.scan(cell, h0, IDS)


def classified(xs: Any, h0: Any, w: Any) -> Any:
    """Integers within the cell choose entries."""

    def cell(h: Any, step: Any) -> Any:
        x, classes = step
        h = np.tanh(x + h @ w)
        return h, ad.cross_entropy(h, classes, reduction="none")

    return ad.scan(cell, h0, (xs, IDS % H))


def attention(xs: Any, h0: Any, keys: Any) -> Any:
    def cell(h: Any, x: Any) -> Any:
        weights = ad.softmax(h @ keys.T, axis=-1)
        return np.tanh(weights @ keys + x), weights

    return ad.scan(cell, h0, xs)


def normalised(xs: Any, h0: Any, w: Any) -> Any:
    def cell(h: Any, x: Any) -> Any:
        h = ad.layer_norm(h @ w + x)
        return h, np.max(h, axis=-1)

    return ad.scan(cell, h0, xs)


def running_sums(xs: Any, h0: Any) -> Any:
    return ad.scan(lambda h, x: (np.cumsum(h, axis=-1) + x, h), h0, xs)


def sorted_steps(xs: Any, h0: Any) -> Any:
    """No form in C: numpy does the loop."""
    return ad.scan(lambda h, x: (np.sort(h, axis=-1) * x, h), h0, xs)


CASES: dict[str, tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = {
    f.__name__: (f, args) for f, args in [
        (rnn, (XS, H0, W, U)), (backwards, (XS, H0, W, U)), (both_ways, (XS, H0, W, U)),
        (swapped, (XS, H0, C[:B])), (exchanged, (XS, H0, C[:B])), (turned_over, (XS, H0)),
        (side_by_side, (XS, H0, W, U)), (seen_again, (XS, H0)), (with_its_transpose, (XS[:, 0], W)),
        (added_to_its_transpose, (XS[:, 0], W)),
        (lstm, (XS, H0, C[:B], W, U, C)), (nested, (XS, H0, W)), (without_results, (XS, H0)),
        (one_step, (XS, H0, W, U)), (masked, (XS, H0, W)), (embedded, (TABLE, H0, W)),
        (classified, (XS, H0, W)), (attention, (XS, H0, C)), (normalised, (XS, H0, W)),
        (running_sums, (XS, H0)), (sorted_steps, (XS, H0)),
    ]
}  # fmt: skip


def leaves(result: Any) -> list[Any]:
    return [x for x in ad.tree.flatten(result)[0] if x is not None]


def with_gradient(f: Callable[..., Any], args: tuple[Any, ...]) -> Callable[..., Any]:
    source = np.random.default_rng(1)
    vs = [source.normal(size=v.shape) for v in leaves(f(*args))]

    def total(*xs: Any) -> Any:
        return sum(np.sum(v * y) for v, y in zip(vs, leaves(f(*xs)), strict=True))

    gradient = ad.grad(total, tuple(range(len(args))))
    return lambda *xs: (leaves(f(*xs)), gradient(*xs))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_scans(dtype: str) -> None:
    fs = {k: with_gradient(f, args) for k, (f, args) in CASES.items()}
    given = {k: tuple(a.astype(dtype) for a in args) for k, (_, args) in CASES.items()}
    together = InC(lambda given: {k: f(*given[k]) for k, f in fs.items()})
    for turn in range(2):
        args = {k: tuple(np.roll(a, turn) for a in xs) for k, xs in given.items()}
        found = together(args)
        for name, f in fs.items():
            assert_near(found[name], f(*args[name]), LIMIT, name, least=1.0)
    assert together.calls == 1, "eager mode had to help out"
    assert set(together.numpy_calls) <= {"loop", "sort", "argsort", "take_along_axis"}


def test_loops_have_a_form_in_c() -> None:
    names = [k for k in CASES if k != "sorted_steps"]
    fs = {k: with_gradient(*CASES[k]) for k in names}
    together = InC(lambda given: {k: f(*given[k]) for k, f in fs.items()})
    together({k: CASES[k][1] for k in names})
    assert together.numpy_calls == []


@pytest.mark.parametrize("step", [np.matmul, np.linalg.solve])
def test_what_a_loop_on_numpy_reads_is_there(step: Any) -> None:
    """It is made in C, and read within the loop alone."""

    def f(w: Any, h0: Any, xs: Any) -> Any:
        u = np.tanh(w) + 2 * np.eye(H)
        return ad.scan(lambda h, x: (0.1 * step(u, h + x), np.sort(h)), h0, xs)

    assert_runs_in_c(f, (W, H0[0], XS[:, 0]), limit=LIMIT)


def test_a_state_that_is_a_constant_after_each_step() -> None:
    made = InC(lambda h, xs: ad.scan(lambda h, x: ((h[1] + x, h[0]), h[0]), (h, h), xs))
    made(H0, XS)
    program = made.program
    loop = next(i for i in program.instructions if i.body is not None)
    assert loop.body is not None
    loop.body.outputs[0] = np.full((B, H), 2.0)
    assert_near(Native(program, {}, cache=False)(H0, XS), replayed(program)(H0, XS))


@pytest.mark.parametrize("name", ["rnn", "lstm", "masked"])
def test_training_through_a_scan(name: str) -> None:
    f, args = CASES[name]

    def step(parameters: list[Any], optimizer: Any) -> Any:
        loss = sum(np.sum(y * y) for y in leaves(f(args[0], *parameters)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    apart = [[ad.Parameter(a.copy()) for a in args[1:]] for _ in range(2)]
    optimizers = [ad.optim.SGD(ps, 0.01) for ps in apart]
    compiled = InC(step)
    for _ in range(3):
        assert_near(compiled(apart[0], optimizers[0]), step(apart[1], optimizers[1]), LIMIT)
    assert_near([p.data for p in apart[0]], [p.data for p in apart[1]], LIMIT)
    assert compiled.calls == 1
