"""Random programs in C beside eager mode: values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.near import InC, assert_near, needs_compiler

pytestmark = [needs_compiler, pytest.mark.usefixtures("cache")]

TOGETHER, STEPS = 12, 12
LIMIT = 256
"""ULPs of 1, or of the largest entry: terms may cancel, as in the gradient of a sum of softmax."""
MOST = 400  # entries

Step = Callable[[Any, Any, list[Any]], Any]


def unary(f: Callable[..., Any]) -> Step:
    return lambda rng, x, others: f(x)


def partner(rng: Any, x: Any, others: list[Any]) -> Any:
    """Another value that broadcasts with `x`, or a number."""
    fitting = [y for y in others if _fits(x, y)]
    return fitting[rng.integers(len(fitting))] if fitting else 0.75


def _fits(x: Any, y: Any) -> bool:
    try:
        return int(np.prod(np.broadcast_shapes(x.shape, y.shape))) <= MOST
    except ValueError:
        return False


def binary(f: Callable[..., Any]) -> Step:
    return lambda rng, x, others: f(x, partner(rng, x, others))


def some_axis(rng: Any, x: Any) -> Any:
    """One axis, several, or all."""
    axes = [None, *range(x.ndim), *((0, a) for a in range(1, x.ndim))]
    return axes[rng.integers(len(axes))]


def reduction(f: Callable[..., Any]) -> Step:
    return lambda rng, x, others: f(x, axis=some_axis(rng, x), keepdims=bool(rng.integers(2)))


def sliced(rng: Any, x: Any, others: list[Any]) -> Any:
    parts = [slice(None), slice(None, None, -1), slice(1, None), slice(None, None, 2), slice(0, 1)]
    return x[tuple(parts[k] for k in rng.integers(len(parts), size=x.ndim))]


def turned(rng: Any, x: Any, others: list[Any]) -> Any:
    return np.transpose(x, tuple(rng.permutation(x.ndim).tolist()))


def product(rng: Any, x: Any, others: list[Any]) -> Any:
    fitting = [y for y in others if x.ndim and y.ndim == 2 and y.shape[0] == x.shape[-1]]
    if fitting:
        return x @ fitting[rng.integers(len(fitting))]
    return x @ np.swapaxes(x, -1, -2) if x.ndim > 1 else np.dot(x, x) if x.ndim else x


def widened(rng: Any, x: Any, others: list[Any]) -> Any:
    return np.broadcast_to(x, (2, *x.shape)) if x.size * 2 <= MOST else x


def doubled(rng: Any, x: Any, others: list[Any]) -> Any:
    if not x.ndim or x.size * 2 > MOST:
        return x
    return np.concatenate([x, np.tanh(x)], axis=int(rng.integers(x.ndim)))


def taken(rng: Any, x: Any, others: list[Any]) -> Any:
    if not x.ndim or not x.shape[0]:
        return x
    return x[rng.integers(-x.shape[0], x.shape[0], size=2)]


def along_last(f: Callable[..., Any]) -> Step:
    return lambda rng, x, others: f(x, axis=-1) if x.ndim and x.size else x


def of_matrix(f: Callable[..., Any]) -> Step:
    return lambda rng, x, others: f(x) if x.ndim > 1 else x


STEPS_THERE_ARE: list[Step] = [
    unary(np.tanh), unary(np.sin), unary(lambda x: np.exp(-x * x)), unary(np.abs),
    unary(lambda x: np.reshape(x, (-1,))), unary(lambda x: x[np.newaxis]), unary(ad.sigmoid),
    unary(lambda x: np.roll(x, 1)), unary(lambda x: np.clip(x, -0.5, 0.5)),
    binary(np.add), binary(np.subtract), binary(np.multiply), binary(np.maximum),
    binary(lambda x, y: np.where(x > 0.1, x, y)), binary(lambda x, y: x / (2 + np.abs(y))),
    reduction(np.sum), reduction(np.mean), sliced, sliced, turned, turned, product, product,
    widened, doubled, taken, along_last(np.cumsum), along_last(ad.softmax),
    along_last(ad.logsumexp), of_matrix(np.tril),
]  # fmt: skip


def random_program(seed: int, steps: int = STEPS) -> Callable[..., Any]:
    """A function of arrays: each step goes on with some of the values so far."""

    def f(*xs: Any) -> list[Any]:
        rng, values = np.random.default_rng(seed), list(xs)
        for _ in range(steps):
            recent = values[-1] if rng.random() < 0.5 else values[rng.integers(len(values))]
            step = STEPS_THERE_ARE[rng.integers(len(STEPS_THERE_ARE))]
            made = step(rng, recent, values)
            values.append(made if made.size <= MOST and made.ndim < 5 else recent[..., :1])
        return values[len(xs) :]

    return f


def with_gradient(f: Callable[..., Any], count: int) -> Callable[..., Any]:
    def total(*xs: Any) -> Any:
        return sum(np.sum(v) for v in f(*xs)[-4:])

    every = tuple(range(count))
    return lambda *xs: (f(*xs), ad.grad(total, every, allow_unused=True)(*xs))


def inputs(rng: Any) -> list[np.ndarray]:
    shapes = [(3, 4), (4,), (4, 2), (2, 3, 4), ()]
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("seed", range(3))
def test_random_programs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    fs = [with_gradient(random_program(100 * seed + k), 5) for k in range(TOGETHER)]
    together = InC(lambda args: [f(*xs) for f, xs in zip(fs, args, strict=True)])
    for _ in range(2):
        args = [inputs(rng) for _ in fs]
        for k, (f, xs, found) in enumerate(zip(fs, args, together(args), strict=True)):
            assert_near(found, f(*xs), LIMIT, f"program {100 * seed + k}", least=1.0)
    assert together.calls == 1, "eager mode had to help out"
