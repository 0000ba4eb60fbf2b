"""The forms in which gradients may be given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autodiff.testing import GradientError, check_gradients

rng = np.random.default_rng(0)
X, W, B = rng.normal(size=(2, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
LABELS = np.array([0, 2])


def affine(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def chosen(x: Any, w: Any, b: Any, labels: Any) -> Any:
    """A pair's forward with a constant among its inputs."""
    return affine(x, w, b)[np.arange(len(x)), labels], (x, w, labels)


def chosen_backward(g: Any, cache: Any) -> Any:
    x, w, labels = cache
    d = np.zeros((len(x), w.shape[1]))
    d[np.arange(len(x)), labels] = g
    return d @ w.T, x.T @ d, d.sum(axis=0)


FORMS: dict[str, Callable[..., Any]] = {
    "tuple": lambda g, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0)),
    "list": lambda g, x, w, b: [g @ w.T, x.T @ g, g.sum(axis=0)],
    "generator": lambda g, x, w, b: (d for d in (g @ w.T, x.T @ g, g.sum(axis=0))),
    "dict in another order": lambda g, x, w, b: {"b": g.sum(axis=0), "w": x.T @ g, "x": g @ w.T},
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_gradients_may_come_as(form: str) -> None:
    assert check_gradients(affine, X, W, B, vjp=FORMS[form]).ok


def test_names_that_are_no_inputs_are_refused() -> None:
    with pytest.raises(GradientError, match="'dx' is none of these"):
        check_gradients(affine, X, W, B, vjp=lambda g, x, w, b: {"dx": x, "w": w, "b": b})


@pytest.mark.parametrize("wrt", [None, "w", ["w", "b"], [0, 2]])
def test_a_pair_beside_constants_and_with_some_inputs_only(wrt: Any) -> None:
    assert check_gradients((chosen, chosen_backward), X, W, B, LABELS, wrt=wrt).ok


def test_a_dict_of_parameters_is_matched_by_key() -> None:
    swapped = lambda g, p: {"b": g * p["a"], "a": g * p["b"]}  # noqa: E731
    assert check_gradients(lambda p: p["a"] * p["b"], {"a": X, "b": X + 1}, vjp=swapped).ok


def test_a_wrong_shape_is_summed_to_compare_the_values_beside_a_kink() -> None:
    def relu_of_sum(g: Any, x: Any, b: Any) -> Any:
        d = g * (x + b > 0)
        return d, d.copy()

    with pytest.raises(GradientError) as caught:
        check_gradients(lambda x, b: np.maximum(x + b, 0), np.array([[0.0, 1], [2, -1]]),
                        np.array([0.0, 1.0]), vjp=relu_of_sum)  # fmt: skip
    assert not caught.value.report.wrong.size
    assert "has shape (2, 2), and b has (2,)" in str(caught.value)
