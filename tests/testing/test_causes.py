"""The causes that `check_gradients` names: the right one first, and none for what has none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from autodiff.testing import GradientError, check_gradients
from autodiff.testing.causes import KINDS, Cause
from tests.testing.wrong import (
    WRONG,
    Array,
    Wrong,
    convolution,
    convolution_vjp,
    draw,
    positive,
    residual,
    residual_without_skip,
    softmax,
)


def causes(f: Any, vjp: Any, inputs: tuple[Array, ...]) -> list[Cause]:
    with pytest.raises(GradientError) as caught:
        check_gradients(f, *(x.copy() for x in inputs), vjp=vjp)
    return caught.value.report.causes  # type: ignore[no-any-return]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: wrong.name)
def test_the_true_cause_is_named_first(wrong: Wrong) -> None:
    found = causes(wrong.f, wrong.vjp, wrong.inputs)
    assert found, wrong.name
    assert found[0].kind in wrong.kinds, [cause.text for cause in found]
    assert all(cause.kind in KINDS for cause in found)


def test_the_text_is_about_the_function() -> None:
    inputs = (draw(2, 3), draw(3, 3, seed=1))
    path, *_ = causes(residual, residual_without_skip, inputs)
    assert "argument 0 in line" in path.text and "`return x + np.tanh(x @ w)`" in path.text
    flipped, *_ = causes(convolution, convolution_vjp, (draw(7), draw(3, seed=1)))
    assert flipped.text == "x: it is the gradient for w reversed along axis 0"
    assert flipped.evidence == "holds for every entry on 3 generic probes"


def test_what_else_explains_it_is_not_left_out() -> None:
    found = causes(np.abs, lambda g, x: g.copy(), (draw(6),))
    assert {cause.kind for cause in found} >= {"missing local factor", "derivative at the result"}


def test_of_two_mistakes_each_is_named_with_its_input() -> None:
    both = lambda g, x, w: (-g @ w.T, x.T @ g * NUMBERS[:, :2])  # noqa: E731
    (found,) = causes(lambda x, w: x @ w, both, (draw(2, 3), draw(3, 2)))
    assert found.text == "x: the sign is wrong"
    assert found.evidence.startswith("holds for x alone")


# ---- what has no name


NUMBERS = np.random.default_rng(7).uniform(0.2, 3.0, (3, 4))


TRAPS: list[tuple[str, Any, Any, tuple[Array, ...]]] = [
    ("another function's gradient", np.tanh, lambda g, x: g * np.sin(3 * x + 1), (draw(3, 4),)),
    ("any numbers", np.sin, lambda g, x: g * np.cos(x) * NUMBERS, (draw(3, 4),)),
    ("something added", np.exp, lambda g, x: g * (np.exp(x) + NUMBERS), (draw(3, 4),)),
    ("a power that is no mistake of anyone", np.log, lambda g, x: g / x**1.37, (positive(6),)),
    ("a mixture", softmax, lambda g, x: g * softmax(x) ** 1.5 + 0.1 * g, (draw(3, 4),)),
    ("any matrix", np.matmul, lambda g, x, w: (g @ NUMBERS, x.T @ g), (draw(2, 4), draw(4, 3))),
    ("one number", lambda x: x**3, lambda g, x: g * (x + 0.7), (np.array(1.3),)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "f", "vjp", "inputs"), TRAPS, ids=[trap[0] for trap in TRAPS])
def test_no_cause_is_named_for_what_has_none(name: str, f: Any, vjp: Any, inputs: Any) -> None:
    assert not causes(f, vjp, inputs)
