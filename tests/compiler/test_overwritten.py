"""Programs that write over arrays while others still read them: in C beside eager mode."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from tests.compiler.near import InC, assert_near, needs_compiler

pytestmark = [needs_compiler, pytest.mark.usefixtures("cache", "built_fast")]

N, M = 4, 3
TOGETHER = 20
SMALL = 64  # entries
rng = np.random.default_rng(0)
A, B = rng.normal(size=(N, M)), rng.normal(size=(N, M))
XS = rng.normal(size=(5, N, M))
Values = list[Any]


def shares(x: Any) -> Any:
    return x / np.sum(x, axis=1, keepdims=True)


def softmax(x: Any) -> Any:
    return shares(np.exp(x - np.max(x, axis=-1, keepdims=True))) if x.ndim > 1 else np.tanh(x)


def argument(w: Any, x: Any, xs: Any) -> Any:
    """Read after the sums of the rows, and so in another pass than it is written in."""
    p = shares(x) + w
    w *= 0.5
    return p


def swapped(a: Any, b: Any, xs: Any) -> Any:
    return ad.scan(lambda s, x: ((s[1], s[0]), shares(s[0])), (a, b), xs)


def both_read(a: Any, b: Any, xs: Any) -> Any:
    return ad.scan(lambda s, x: ((s[1], s[0]), shares(s[0]) + s[1]), (a, b), xs)


def state_before(a: Any, b: Any, xs: Any) -> Any:
    def cell(s: Any, x: Any) -> Any:
        y = softmax(s[0]) + s[1]
        return (np.tanh(x @ (a.T @ b) + 0.1 * y), s[0]), y

    return ad.scan(cell, (a, b), xs)


def steps_needed_later(a: Any, b: Any, xs: Any) -> Any:
    """A part of a step's input, which is a view, is copied and then written."""
    xs = np.tanh(xs)

    def cell(h: Any, x: Any) -> Any:
        y = np.transpose(x).copy()
        y[0] = h[:, 0]
        return h * 0.5 + y.T, y

    return ad.scan(cell, a, xs), xs * 2


def part_of_a_stack(a: Any, b: Any, xs: Any) -> Any:
    """It is all that one nest needs, row by row, but not all of its memory."""
    return shares(np.stack([a, np.exp(b)])[1]), np.cumsum(a, axis=0)


def added_to_a_part(a: Any, b: Any, xs: Any) -> Any:
    y = np.stack([np.tanh(a), b])[0]
    np.add.at(y, (np.arange(N), np.array([2, 0, 1, 1])), 0.3)
    return shares(y)


CASES = [argument, swapped, both_read, state_before, steps_needed_later, part_of_a_stack,
         added_to_a_part]  # fmt: skip


@pytest.mark.parametrize("f", CASES, ids=lambda f: f.__name__)
def test_what_is_read_later_is_not_overwritten(f: Callable[..., Any]) -> None:
    given, same = ([A.copy(), B.copy(), XS.copy()] for _ in range(2))
    assert_near([InC(f)(*given), given], [f(*same), same], 64)


# ---------------------------------------------------------------- random programs


def one_of(source: Any, values: Values) -> Any:
    return values[source.integers(len(values))]


def partner(source: Any, shape: tuple[int, ...], values: Values) -> Any:
    """Something that broadcasts to a shape."""
    fitting = [v for v in values if v.shape == shape[len(shape) - len(v.shape) :]]
    fitting += [v for v in values if v.shape == (N, 1) and shape == (N, M)]
    return one_of(source, fitting) if fitting and source.random() < 0.9 else source.normal()


def some_index(source: Any, x: Any) -> Any:
    parts = [0, -1, slice(1, None), slice(None, None, 2), slice(0, 2), ...]
    columns = [
        (slice(None), 1),
        (slice(1, None), slice(0, 2)),
        (slice(None), slice(None, None, -1)),
    ]
    return one_of(source, parts + (columns if x.shape == (N, M) else []))


def made(source: Any, values: Values, ids: Any) -> Any:
    """A new value."""
    x = one_of(source, values)
    y, axis = partner(source, x.shape, values), int(source.integers(x.ndim)) if x.ndim else None
    square = x.shape == (N, M)
    ways: list[Callable[[], Any]] = [
        lambda: np.tanh(x) + y,
        lambda: x * y,
        lambda: x / (1.5 + np.sum(np.abs(x), axis=axis, keepdims=True)) + y,
        lambda: softmax(x) * y,
        lambda: 0.3 * np.sum(x, axis=axis, keepdims=bool(source.integers(2))),
        lambda: np.mean(x) + y,
        lambda: x - np.max(x, axis=axis, keepdims=True),
        lambda: np.where(x > y, x, y) * 0.5,
        lambda: x[::-1] * 0.5 if x.ndim else -x,
        lambda: x.T * 0.7,
        lambda: (x @ x.T) @ x * 0.1 if square else np.sin(x),
        lambda: np.concatenate([x[1:], x[:1]]) if x.ndim else x * 0.5,
        lambda: np.stack([x, np.tanh(x)])[1],
        lambda: x[np.arange(N), ids] * 0.5 if square else x + 0.1,
        lambda: x[some_index(source, x)] + 0.0 if x.ndim else x * y,
    ]
    return one_of(source, ways)()


def change(source: Any, x: Any, values: Values, ids: Any) -> None:
    """Write into an array."""
    way, y = source.integers(6), partner(source, x.shape, values)
    index = some_index(source, x)
    part = partner(source, np.empty(x.shape)[index].shape, values)
    if way == 0:
        x *= 0.5
    elif way == 1:
        x += y
    elif way == 2:
        x -= 0.1 * np.sum(x, axis=-1, keepdims=True)
    elif way == 3:
        x[index] = np.tanh(part)
    elif way == 4:
        x[index] += 0.5 * part
    elif x.shape == (N, M):
        np.add.at(x, (np.arange(N), ids), 0.3)


def scanned(source: Any, values: Values, ids: Any) -> Values:
    """A loop with several states."""
    seed, count = int(source.integers(1 << 30)), int(source.integers(1, 4))
    wide = [v for v in values if v.shape == (N, M)]
    state = tuple(one_of(source, wide) * 1.0 for _ in range(count))
    xs = np.stack([one_of(source, wide) * c for c in (0.5, -1.0, 0.3)])
    free = [v * 1.0 for v in values if source.random() < 0.3]

    def cell(state: Any, x: Any) -> Any:
        again = np.random.default_rng(seed)
        inner = [*state, x, *free]
        work(again, inner, [], ids, int(again.integers(2, 9)), 0.0)
        states = [v for v in inner if v.shape == (N, M)]
        return tuple(one_of(again, states) for _ in state), tuple(inner[-2:])

    last, ys = ad.scan(cell, state, xs)
    return [*last, *ys]


def work(
    source: Any, values: Values, mine: Values, ids: Any, count: int, scans: float = 0.1
) -> None:
    """Add values, and change those that are `mine` at times."""
    for _ in range(count):
        way = source.random()
        if way < scans:
            values.extend(scanned(source, values, ids))
        elif way < 0.4 and mine:
            change(source, one_of(source, mine), values, ids)
        else:
            new = made(source, values, ids)
            if int(np.prod(new.shape)) <= SMALL:
                if new.ndim and source.random() < 0.3 and not isinstance(new, ad.Tensor):
                    mine.append(new := new * 1.0)
                values.append(new)


def random_program(seed: int) -> Callable[..., Any]:
    def f(a: Any, b: Any, w: Any, u: Any, ids: Any) -> Any:
        source = np.random.default_rng(seed)
        values = [a, b, w, u]
        work(source, values, [w, u], ids, int(source.integers(4, 20)))
        return [one_of(source, values) * 1.0 for _ in range(3)], values[-1] * 1.0

    return f


def inputs(seed: int) -> list[np.ndarray]:
    source = np.random.default_rng(seed)
    shapes = [(N, M), (M,), (N, M), (N, 1)]
    return [*(source.normal(size=shape) for shape in shapes), source.integers(0, M, N)]


def compare(seeds: range) -> None:
    """Programs that write into arrays of which there are views are refused."""
    fs = [random_program(seed) for seed in seeds]
    given = [inputs(seed) for seed in seeds]
    fs, given = zip(
        *((f, g) for f, g in zip(fs, given, strict=True) if is_taken(f, g)), strict=True
    )
    assert len(fs) > 0.7 * len(seeds)
    same = copy.deepcopy(given)
    together = InC(lambda args: [f(*xs) for f, xs in zip(fs, args, strict=True)])
    found = together(given)
    for f, seed, result, after, xs in zip(fs, seeds, found, given, same, strict=False):
        assert_near([result, after], [f(*xs), xs], 2**16, f"one of the programs at {seed}", least=1)
    assert together.calls == 1, "eager mode had to help out"


def is_taken(f: Callable[..., Any], args: list[Any]) -> bool:
    try:
        ad.compile(f, backend="numpy")(*copy.deepcopy(args))
    except TraceError:
        return False
    return True


@pytest.mark.parametrize("first", [0, 100])
def test_random_programs_that_write(first: int) -> None:
    compare(range(first, first + TOGETHER))
