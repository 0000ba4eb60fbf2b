"""Paths of random programs, against enumeration, the chain rule by hand, and differences."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.nodes import Node
from tests import differences
from tests.inspect.test_paths import MATRIX, X, assert_adds_up, leaf, sizes


def assert_falling(norms: np.ndarray) -> None:
    assert np.all(norms[1:] <= norms[:-1] * (1 + 1e-6) + 1e-12)


def product(a: Any, b: Any) -> Any:
    return a @ b if np.ndim(a) and np.ndim(b) else a * b


def first(a: Any, _: Any) -> Any:
    return a[0] if np.ndim(a) else np.sin(a)


STEPS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: np.tanh(a),
    lambda a, b: np.sin(a) * b,
    lambda a, b: a / (2.0 + b * b),
]
ARRAY_STEPS = [*STEPS, product, first, lambda a, b: np.sum(a), lambda a, b: np.transpose(a) + b]
# All of these shapes broadcast to one another, and all but () can be multiplied as matrices.
INPUTS = [MATRIX, np.array([0.7, -0.4]), np.array(0.9)]

programs = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=6
)


def run(program: Any, steps: Any, *inputs: Any) -> Any:
    """Each step takes two of the last values there are, so that paths branch and meet."""
    values = list(inputs)
    for step, i, j in program:
        recent = values[-4:]
        values.append(steps[step % len(steps)](recent[i % len(recent)], recent[j % len(recent)]))
    return np.sum(values[-1]) if np.ndim(values[-1]) else values[-1]


def enumerated(node: Node, target: Node) -> Iterator[tuple[tuple[Node, ...], tuple[int, ...]]]:
    """All paths, by walking every one of them."""
    if node is target:
        yield (node,), ()
        return
    for i, parent in enumerate(node.parents):
        for nodes, indices in enumerated(parent, target) if parent is not None else ():
            yield (node, *nodes), (i, *indices)


def chained(path: Any) -> np.ndarray:
    """The product of the local derivatives along a path, by their shapes alone."""
    g = np.ones(path.nodes[0].spec[0])
    for node, child, local in zip(path.nodes, path.nodes[1:], path.partials, strict=False):
        g = np.tensordot(g, local, g.ndim) if node.op.partials is None else g * local
        g = summed(g, child.spec[0])
    return g


def summed(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return np.reshape(np.sum(g, tuple(range(g.ndim - len(shape)))), shape)


def check_program(steps: Any, inputs: list[Any], program: Any) -> None:
    result = run(program, steps, *inputs)
    if not isinstance(result, (ad.Tensor, ad.Scalar)):
        return
    plain = [np.asarray(x.data) for x in inputs]
    slopes = differences.gradient(partial(run, program, steps), plain)
    for x, slope in zip(inputs, slopes, strict=True):
        found = ad.paths(result, x, top=3)
        every = list(found.all())
        expected = list(enumerated(result._node, x._node))
        assert found.count == len(every) == len(expected)
        assert {(p.nodes, p.indices) for p in every} == set(expected)
        for path in every:
            np.testing.assert_allclose(chained(path), path.contribution, rtol=1e-9, atol=1e-12)
        assert found.is_exact
        assert_falling(sizes(found, found.count))
        assert_adds_up(found, found.total)
        differences.assert_close(found.total, slope, 1e-6)


@given(programs)
def test_paths_of_any_scalar_program_are_its_gradient(program):
    check_program(STEPS, [ad.Scalar(0.6), ad.Scalar(-1.3)], program)


@given(programs)
def test_paths_of_any_program_of_0d_tensors_are_its_gradient(program):
    check_program(STEPS, [leaf(0.6), leaf(-1.3)], program)


@given(programs)
def test_paths_of_any_array_program_are_its_gradient(program):
    check_program(ARRAY_STEPS, [leaf(x) for x in INPUTS], program)


@given(programs)
def test_scalars_and_tensors_mix(program):
    check_program(STEPS, [leaf(X), ad.Scalar(0.6)], program)
