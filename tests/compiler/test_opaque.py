"""Ops of the user's own in a trace: followed, or called as a single instruction."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.test_tracing_gaps import X, check, on_both


def bounded(x: Any) -> Any:
    return np.array([min(max(v, -1.0), 1.0) for v in x])


def bounded_rule(g: Any, x: Any) -> Any:
    out = np.zeros_like(x)
    for i, v in enumerate(x):
        if -1 < v < 1:
            out[i] = g[i]
    return out


def either(x: Any, y: Any) -> Any:
    return (x * y, x + y) if x[0] > 0 else (x - y, x * x)


def slope(x: Any) -> Any:
    return np.array([2 * v if v > 0 else 1.0 for v in x])


cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2)
clip = ad.custom_op(bounded, bounded_rule)
both = ad.custom_op(
    lambda x, y: (x * y, x + y),
    lambda g, y: g[0] * y + g[1], lambda g, x: g[0] * x + g[1], outputs=2,
)  # fmt: skip
switch = ad.custom_op(
    either, lambda g, x, y: g[0] * y + g[1], lambda g, x: g[0] * x + g[1], outputs=2
)
half = ad.custom_op(lambda x: np.where(x > 0, x * x, x), partials=(slope,))
product = ad.custom_op(lambda x, y: x * y, partials=("y", lambda x: x))
rounded = ad.custom_op(lambda x, digits=1.0: np.array(round(float(x), int(digits))), lambda g: g)

OWN: dict[str, tuple[Callable[[Any], Any], bool]] = {
    "traced through": (cube, True),
    "branches": (clip, False),
    "two results": (lambda x: ad.stack(both(x, 2 * x)), True),
    "two results that branch": (lambda x: ad.stack(switch(x, 2 * x)), True),
    "a partial that branches": (half, False),
    "partials": (lambda x: product(x, ad.sin(x)), True),
    "a setting": (lambda x: rounded(ad.sum(x * 1.2345), digits=2), True),
}


@on_both
@pytest.mark.parametrize("case", OWN)
def test_ops_of_the_users_own(backend: str, case: str) -> None:
    f, has_second = OWN[case]
    calls = [(X,), (-2 * X,), (X / 3,)]
    if backend == "numpy":
        check(f, backend, *calls)
    check(ad.value_and_grad(lambda x: ad.sum(f(x) * x)), backend, *calls)
    if has_second and (backend == "numpy" or f is cube):
        check(ad.hessian(lambda x: ad.sum(f(x) * x)), backend, *calls)


@on_both
def test_derivatives_of_a_rule_that_branches(backend: str) -> None:
    f = ad.custom_op(
        lambda x, y: x**3 * y if x.sum() > 0 else x**2 * y,
        lambda g, x, y: g * 3 * x**2 * y if np.sum(x) > 0 else g * 2 * x * y,
        lambda g, x: g * x**3 if np.sum(x) > 0 else g * x**2,
    )

    def first(x: Any) -> Any:
        return ad.sum(ad.grad(lambda x: ad.sum(f(x, ad.sin(x))))(x) ** 2)

    for g in (ad.grad(first), ad.hessian(first)) if backend == "numpy" else (ad.grad(first),):
        compiled = ad.compile(g, backend=backend)
        for x in (X, -X, 2 * X):  # of more than one derivative to rounding
            np.testing.assert_allclose(compiled(x), g(x), rtol=1e-12, atol=1e-12)
        assert compiled.programs == 1


def test_one_that_looks_at_values_is_one_instruction() -> None:
    names = {i.name for i in check(clip, "numpy", (X,)).program.instructions}
    assert "bounded" in names and "call" not in names
    text = str(check(cube, "numpy", (X,)).program)
    assert "pow" in text


def test_a_loop_over_many_entries_is_one_instruction() -> None:
    def doubled(x: Any) -> Any:
        out = np.zeros_like(x)
        for i in range(len(x)):
            out = out + np.where(np.arange(len(x)) == i, 2 * x, 0)
        return out

    f = ad.custom_op(doubled, lambda g: 2 * g)
    assert len(check(f, "numpy", (np.arange(3.0),)).program.instructions) > 3
    assert len(check(f, "numpy", (np.arange(99.0),)).program.instructions) == 1


@on_both
def test_numbers_keep_their_kind_within_one_call(backend: str) -> None:
    scale = ad.custom_op(lambda x, by: x * math.exp(by), lambda g, by: g * math.exp(by))
    check(lambda x, by: scale(x, by), backend, (X.astype("f4"), 0.5), (X.astype("f4"), 1.5))


@on_both
def test_other_shapes_than_at_first_are_left_to_eager_mode(backend: str) -> None:
    f = ad.custom_op(lambda x: x if x[0] > 0 else x[:2], lambda g: g)
    check(lambda x: f(x), backend, (X,), (-X,), (X,))


def test_an_op_of_the_users_own_may_not_write_into_arguments() -> None:
    def twice(x: Any) -> Any:
        x *= 2
        return x

    x = X.copy()
    with pytest.raises(ad.errors.ShapeError, match="read-only"):
        ad.compile(ad.custom_op(twice, lambda g: g), backend="numpy")(x)
    np.testing.assert_array_equal(x, X)


def test_errors_of_an_op_of_the_users_own() -> None:
    def picky(x: Any) -> Any:
        if x[0] < 0:
            raise ad.errors.DomainError("below zero")
        return x

    f = ad.compile(ad.custom_op(picky, lambda g: g), backend="numpy")
    f(X)
    with pytest.raises(ad.errors.DomainError, match="below zero"):
        f(-X)
