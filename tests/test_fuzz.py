"""Random expressions with reuse, on tensors, Scalars and both: all ways to a gradient agree."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import autodiff as ad
from autodiff.op import OPS
from autodiff.testing import check_gradients, op_cases
from autodiff.testing.expressions import OpCase
from tests import differences
from tests.differences import assert_close

ELEMENTWISE = [name for name, op in OPS.items() if op.partials is not None]
WEIGHTS = (1.0, 0.3, -0.7)

any_ops = op_cases()
on_numbers = op_cases(ops=ELEMENTWISE, shapes=[()])
on_both = op_cases(ops=ELEMENTWISE, shapes=[(), (3,), (2, 1), (2, 3)])


def total(case: OpCase) -> Callable[..., Any]:
    """One number: a weighted sum of all results."""

    def f(*inputs: Any) -> Any:
        out = case(*inputs)
        results = out if isinstance(out, tuple) else (out,)
        return sum(WEIGHTS[i % 3] * added_up(r) for i, r in enumerate(results))

    return f


def added_up(value: Any) -> Any:
    return value if isinstance(value, (float, ad.Scalar)) else ad.sum(value)


def value(case: OpCase) -> Callable[..., float]:
    """The number on plain arrays."""

    def f(*inputs: Any) -> float:
        with ad.no_grad():
            return float(total(case)(*inputs))

    return f


def gradient(case: OpCase, inputs: Any) -> list[Any]:
    wrt = tuple(range(len(inputs)))
    found = ad.grad(total(case), wrt, allow_unused=True)(*inputs)
    return [g.dense() if isinstance(g, ad.RowGrad) else g for g in found]


@given(any_ops)
def test_gradients_are_those_of_the_values(case: OpCase) -> None:
    check_gradients(case, *case.inputs)


@given(op_cases(max_inputs=2, max_steps=4))
def test_second_derivatives_are_those_of_the_gradients(case: OpCase) -> None:
    check_gradients(case, *case.inputs, order=2)


@given(on_numbers)
def test_scalars(case: OpCase) -> None:
    leaves = [ad.Scalar(float(x)) for x in case.inputs]
    out = total(case)(*leaves) + 0.0 * sum(leaves)  # so that each takes part
    assert type(out) is ad.Scalar
    out.backward()
    for leaf, expected in zip(leaves, differences.gradient(value(case), case.inputs), strict=True):
        assert type(leaf.grad) is float
        assert_close(leaf.grad, expected, 1e-5)


@given(on_both, st.integers(0, 7))
def test_scalars_and_tensors_in_one_graph(case: OpCase, which: int) -> None:
    leaves: list[Any] = [
        ad.Scalar(float(x)) if not x.ndim and which >> i & 1 else ad.Tensor(x, requires_grad=True)
        for i, x in enumerate(case.inputs)
    ]
    (total(case)(*leaves) + 0.0 * sum(map(added_up, leaves))).backward()
    for leaf, expected in zip(leaves, gradient(case, case.inputs), strict=True):
        assert_close(leaf.grad, expected, 1e-9)


@given(any_ops)
def test_forward_mode_agrees(case: OpCase) -> None:
    tangents = tuple(np.sin(np.arange(x.size) + 1.0).reshape(x.shape) for x in case.inputs)
    _, tangent = ad.jvp(total(case), case.inputs, tangents, allow_unused=True)
    slopes = gradient(case, case.inputs)
    expected = sum(np.sum(g * t) for g, t in zip(slopes, tangents, strict=True))
    assert_close(tangent, expected, 1e-9)


@given(op_cases(shapes=[(2, 3)]))
def test_one_leaf_in_two_places_gets_the_sum(case: OpCase) -> None:
    x, count = case.inputs[0], len(case.inputs)
    together = ad.grad(lambda x: total(case)(*[x] * count), allow_unused=True)(x)
    apart = gradient(case, [x] * count)
    assert_close(together, sum(apart), 1e-9)
