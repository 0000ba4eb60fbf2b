"""Hooks on gradients, and gradients of inner values kept on request."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import DTypeError, GraphError, ShapeError

X = np.array([0.5, -1.0, 2.0])


def tracked(data: Any = X, **settings: Any) -> ad.Tensor:
    return ad.Tensor(data, requires_grad=True, **settings)


def test_hooks_see_and_replace_the_gradient() -> None:
    for x, one in ((tracked(2.0), np.float64(1)), (ad.Scalar(2.0), 1.0)):
        seen = []
        y = x * 3.0
        y.register_hook(seen.append)
        y.register_hook(lambda g: g * 10)
        remove = y.register_hook(lambda g: g + 1)
        (y * y).backward()
        assert seen == [12.0 * one]
        assert x.grad == (12 * 10 + 1) * 3
        remove()
        x.zero_grad()
        (y * 1.0).backward()
        assert x.grad == 30.0


def test_a_hook_on_a_leaf_and_on_the_result() -> None:
    x = tracked()
    x.register_hook(lambda g: -g)
    y = ad.sum(x)
    y.register_hook(lambda g: g * 5)
    y.backward()
    np.testing.assert_array_equal(x.grad, [-5.0] * 3)


def test_a_hook_sees_the_sum_over_all_paths_once() -> None:
    seen = []
    x = tracked()
    y = x * 1.0
    y.register_hook(seen.append)
    ad.sum(y * y + y).backward()
    (g,) = seen
    np.testing.assert_array_equal(g, 2 * X + 1)


def test_a_hook_runs_once_though_a_nan_makes_the_sweep_run_twice() -> None:
    seen = []
    x = tracked([0.0, 1.0])
    y = x * 1.0
    y.register_hook(seen.append)
    with np.errstate(divide="ignore"):
        ad.sum(ad.where(x > 0, np.log(y), 0.0)).backward()
    assert len(seen) == 1


def test_a_hook_must_keep_the_shape() -> None:
    y = tracked() * 2
    y.register_hook(lambda g: g[:2])
    with pytest.raises(ShapeError, match=r"hook returned float64\(2,\)"):
        ad.sum(y).backward()


def test_a_hook_cannot_change_a_gradient_by_writing() -> None:
    def vandal(g: np.ndarray) -> None:
        g[:] = 99.0

    x = tracked()
    y, z = x * 2, x * 3
    y.register_hook(vandal)
    try:
        ad.sum(y + z).backward()
    except ValueError as error:  # refused, or harmless; never a wrong number
        assert "read-only" in str(error)
    else:
        np.testing.assert_array_equal(x.grad, [5.0] * 3)


def test_gradients_of_inner_values_are_kept_on_request() -> None:
    for x in (tracked(2.0), ad.Scalar(2.0)):
        y = (x * 3.0).retain_grad()
        z = y * y
        z.backward()
        assert (x.grad, y.grad, z.grad) == (36.0, 12.0, None)


def test_only_what_is_tracked_has_hooks_and_gradients() -> None:
    for call in (lambda t: t.register_hook(print), lambda t: t.retain_grad()):
        with pytest.raises(GraphError, match="requires_grad=True"):
            call(ad.Tensor(X))


def test_a_hook_sees_the_gradient_with_strong_zeros() -> None:
    x, seen = tracked([0.0, 4.0]), []
    x.register_hook(lambda g: seen.append(g.copy()))
    with np.errstate(divide="ignore", invalid="ignore"):
        ad.sum(ad.where([False, True], ad.sqrt(x), 0.0)).backward()
    np.testing.assert_array_equal(seen, [[0.0, 0.25]])
    np.testing.assert_array_equal(x.grad, [0.0, 0.25])


def test_a_hook_registered_twice_runs_twice() -> None:
    x = tracked()
    first, _ = (x.register_hook(double) for double in [lambda g: 2 * g] * 2)
    ad.sum(x).backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 4.0))
    first()
    x.zero_grad()
    ad.sum(x).backward()
    np.testing.assert_array_equal(x.grad, np.full(3, 2.0))


@pytest.mark.parametrize(
    ("value", "error"),
    [("x", DTypeError), ([1.0, 2.0, 3.0], DTypeError), (X * 1j, DTypeError), (X > 0, DTypeError),
     (X[:2], ShapeError), (1.0, ShapeError)],
)  # fmt: skip
def test_a_gradient_given_by_hand_fits(value: Any, error: type) -> None:
    x = tracked()
    x.grad = given = np.ones(3)
    with pytest.raises(error, match="gradient"):
        x.grad = value
    assert x.grad is given
