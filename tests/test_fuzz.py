"""Random expression graphs with reuse, of Scalars and Tensors mixed: gradients against differences.

A graph is a list of steps; each takes earlier values, so that values meet again on many paths.
Every op is chosen so that values stay bounded and smooth, whatever comes before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from tests import differences
from tests.differences import assert_close

SHAPES = [(), (3,), (2, 3), (2, 1), (1, 3)]

UNARY: dict[str, Callable[[Any], Any]] = {
    "tanh": lambda x: np.tanh(x), "sin": lambda x: np.sin(x), "cos": lambda x: np.cos(x),
    "sigmoid": lambda x: ad.sigmoid(x), "arctan": lambda x: np.arctan(x),
    "root": lambda x: np.sqrt(x * x + 1.0) - 1.0, "log": lambda x: np.log(x * x + 1.0),
    "bell": lambda x: np.exp(-(x * x)), "negative": lambda x: -x, "half": lambda x: 0.5 * x,
    "inverse": lambda x: 1.0 / (2.0 + x * x), "square": lambda x: np.tanh(x) ** 2,
    "expm1": lambda x: np.expm1(np.sin(x)), "softplus": lambda x: ad.softplus(x) / 2,
    "power": lambda x: (1.5 + np.sin(x)) ** np.cos(x), "itself": lambda x: +x,
}  # fmt: skip
BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": lambda x, y: 0.5 * (x + y), "subtract": lambda x, y: 0.5 * (x - y),
    "multiply": lambda x, y: np.tanh(x) * y, "divide": lambda x, y: x / (2.0 + np.cos(y)),
    "hypot": lambda x, y: np.hypot(x, y * 0.5 + 3.0) - 3.0,
    "arctan2": lambda x, y: np.arctan2(x, y * y + 1.0),
    "logaddexp": lambda x, y: np.logaddexp(x, y) / 2,
}  # fmt: skip
WHOLE: dict[str, Callable[[Any], Any]] = {  # for tensors only
    "sum": lambda x: ad.sum(x) / 6, "mean of rows": lambda x: ad.mean(x, axis=-1, keepdims=True),
    "first": lambda x: x[0], "reversed": lambda x: x[::-1], "repeated": lambda x: x[[0, 0]],
    "turned": lambda x: np.transpose(x), "flat": lambda x: np.reshape(x, (-1,)),
    "softmax": lambda x: ad.softmax(x, axis=-1), "product": lambda x: x @ np.transpose(x) / 6,
    "stacked": lambda x: ad.sum(ad.stack([x, np.sin(x), x]), axis=0) / 3,
    "masked": lambda x: ad.where(np.indices(x.shape).sum(0) % 2 == 0, np.sin(x), x),
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One op, and how far back its arguments lie."""

    name: str
    back: tuple[int, ...]


steps = st.one_of(
    st.builds(Step, st.sampled_from(sorted(UNARY)), st.tuples(st.integers(0, 9))),
    st.builds(
        Step, st.sampled_from(sorted(BINARY)), st.tuples(st.integers(0, 9), st.integers(0, 9))
    ),
    st.builds(Step, st.sampled_from(sorted(WHOLE)), st.tuples(st.integers(0, 9))),
)
graphs = st.lists(steps, min_size=1, max_size=12)
numbers = st.floats(-2.0, 2.0).map(lambda x: round(x, 3))
arrays = st.sampled_from(SHAPES).flatmap(
    lambda shape: st.lists(numbers, min_size=6, max_size=6).map(
        lambda values: np.reshape(values[: int(np.prod(shape))], shape)
    )
)


def run(graph: list[Step], leaves: list[Any]) -> Any:
    """The value of a graph: a weighted sum of its last values."""
    values = list(leaves)
    for step in graph:
        args = [values[-1 - back % len(values)] for back in step.back]
        values.append(apply(step.name, args))
    return total(values[-1]) + 0.3 * total(values[-2]) + 0.1 * total(values[len(values) // 2])


def apply(name: str, args: list[Any]) -> Any:
    if name in UNARY:
        return UNARY[name](*args)
    if name in BINARY:
        return BINARY[name](*args) if broadcast(*args) else np.tanh(args[0])
    (x,) = args
    return WHOLE[name](x) if np.ndim(x) and x.shape[0] else np.sin(x)


def broadcast(x: Any, y: Any) -> bool:
    try:
        return len(np.broadcast_shapes(np.shape(x), np.shape(y))) <= 2
    except ValueError:
        return False


def total(value: Any) -> Any:
    return value if isinstance(value, (float, ad.Scalar)) else ad.sum(value)


def at(graph: list[Step]) -> Callable[..., float]:
    """The graph as a function of plain arrays."""

    def f(*leaves: Any) -> float:
        with ad.no_grad():
            return float(run(graph, [ad.Tensor(leaf) for leaf in leaves]))

    return f


def check_second_order(graph: list[Step], leaves: list[Any], arrays: list[np.ndarray]) -> None:
    every = tuple(range(len(arrays)))
    slopes = ad.grad(lambda *x: run(graph, list(x)), every, allow_unused=True)
    directions = [np.cos(np.arange(a.size) + 1.0).reshape(a.shape) for a in arrays]

    def along(*x: Any) -> Any:
        return sum(ad.sum(g * d) for g, d in zip(slopes(*x), directions, strict=True))

    for i, actual in enumerate(ad.grad(along, every, allow_unused=True)(*leaves)):
        slope = lambda *x, i=i: np.asarray(slopes(*x)[i])  # noqa: E731
        expected = differences.directional(slope, arrays, directions)
        assert_close(getattr(actual, "data", actual), expected, 1e-5, f"leaf {i}")


@given(graphs, st.lists(arrays, min_size=1, max_size=3))
def test_graphs_of_tensors(graph: list[Step], data: list[np.ndarray]) -> None:
    leaves = [ad.Tensor(x, requires_grad=True) for x in data]
    (run(graph, leaves) + 0.0 * sum(map(ad.sum, leaves))).backward()  # so that each takes part
    for leaf, expected in zip(leaves, differences.gradient(at(graph), data), strict=True):
        assert_close(leaf.grad, expected, 1e-6)


@given(graphs, st.lists(numbers, min_size=1, max_size=3))
def test_graphs_of_scalars(graph: list[Step], data: list[float]) -> None:
    leaves = [ad.Scalar(x) for x in data]
    out = run(graph, leaves) + 0.0 * sum(leaves)
    assert type(out) is ad.Scalar
    out.backward()
    expected = differences.gradient(at(graph), [*map(np.array, data)])
    for leaf, e in zip(leaves, expected, strict=True):
        assert type(leaf.grad) is float
        assert_close(leaf.grad, e, 1e-6)


@given(graphs, st.lists(st.one_of(numbers, arrays), min_size=2, max_size=4))
def test_mixed_graphs(graph: list[Step], data: list[Any]) -> None:
    leaves = [
        ad.Scalar(x) if isinstance(x, float) else ad.Tensor(x, requires_grad=True) for x in data
    ]
    (run(graph, leaves) + 0.0 * sum(map(total, leaves))).backward()
    expected = differences.gradient(at(graph), [*map(np.array, data)])
    for leaf, e in zip(leaves, expected, strict=True):
        assert_close(leaf.grad, e, 1e-6)


@given(graphs, st.lists(st.one_of(numbers, arrays), min_size=1, max_size=3))
def test_second_order_of_mixed_graphs(graph: list[Step], data: list[Any]) -> None:
    leaves = [ad.Scalar(x) if isinstance(x, float) else x for x in data]
    check_second_order(graph, leaves, [*map(np.array, data)])


@given(graphs, st.lists(st.one_of(numbers, arrays), min_size=1, max_size=3))
def test_forward_mode_agrees(graph: list[Step], data: list[Any]) -> None:
    primals = [ad.Scalar(x) if isinstance(x, float) else x for x in data]
    tangents = [np.sin(np.arange(np.size(x)) + 1.0).reshape(np.shape(x)) for x in data]
    f = lambda *x: run(graph, list(x))  # noqa: E731
    _, tangent = ad.jvp(f, tuple(primals), tuple(tangents), allow_unused=True)
    slopes = ad.grad(f, tuple(range(len(data))), allow_unused=True)(*primals)
    expected = sum(np.sum(g * t) for g, t in zip(slopes, tangents, strict=True))
    assert_close(tangent, expected, 1e-9)


@given(graphs, arrays)
def test_one_leaf_in_two_places_gets_the_sum(graph: list[Step], x: np.ndarray) -> None:
    together = ad.grad(lambda x: run(graph, [x, x]), allow_unused=True)(x)
    apart = ad.grad(lambda x, y: run(graph, [x, y]), (0, 1), allow_unused=True)(x, x)
    assert_close(together, apart[0] + apart[1], 1e-9)
