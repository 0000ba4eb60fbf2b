"""What a scan depends on: its derivatives of any order beside those of eager mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError, compile

W = np.array(0.3)
XS = np.array([1.0, 2.0, 3.0])
ZERO = np.zeros(())


def assert_as_in_eager_mode(f: Callable[..., Any], *args: Any) -> None:
    np.testing.assert_allclose(compile(f, backend="numpy")(*args), f(*args), rtol=1e-12)


def hvp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda w: ad.hvp(f, (w,), (np.ones_like(w),))[0]


def steps(w: Any, u: Any, h0: Any, xs: Any) -> Any:
    return ad.scan(lambda h, x: (ad.tanh(h * w + u * x), h), h0, xs)[0]


@pytest.mark.parametrize("f", [
    lambda w: steps(w, ad.sin(w), ZERO, XS),
    lambda w: steps(w, 1.0, ad.sin(w), XS),
    lambda w: steps(w, 1.0, ZERO, w * XS),
], ids=["captured", "state", "xs"])  # fmt: skip
def test_what_is_made_of_a_captured_tensor_counts_once(f: Callable[..., Any]) -> None:
    assert_as_in_eager_mode(hvp(f), W)
    assert_as_in_eager_mode(ad.grad(ad.grad(ad.grad(f))), W)


def gives_it_as_y(w: Any) -> Any:
    h, ys = ad.scan(lambda h, x: (ad.tanh(h + w * x), w), ZERO, XS)
    return h + ad.sum(ys) + w * w


def gives_an_unused_y(w: Any) -> Any:
    return ad.scan(lambda h, x: (ad.tanh(h + w * x), w), ZERO, XS)[0] + w * w


def gives_it_as_a_state(w: Any) -> Any:
    (h, k), _ = ad.scan(lambda s, x: ((s[0] + s[1] * x, w), None), (ZERO, np.ones(())), XS)
    return h + k + w * w


@pytest.mark.parametrize("f", [gives_it_as_y, gives_an_unused_y, gives_it_as_a_state])
def test_a_cell_that_gives_a_captured_tensor(f: Callable[..., Any]) -> None:
    assert_as_in_eager_mode(ad.grad(f), W)
    assert_as_in_eager_mode(hvp(f), W)


def test_states_by_name_in_another_order() -> None:
    def f(w: Any) -> Any:
        def cell(s: Any, x: Any) -> Any:
            h, c = ad.tanh(s["h"] * w + x), s["c"] * w + s["h"]
            return {"c": c, "h": h}, h

        s, ys = ad.scan(cell, {"h": np.array(0.1), "c": np.array(0.2)}, XS)
        return s["c"] ** 2 + ad.sum(ys)

    assert_as_in_eager_mode(hvp(f), W)


def test_second_derivatives_from_a_number_of_pythons() -> None:
    assert_as_in_eager_mode(hvp(lambda w: steps(w, 1.0, 0.0, XS)), W)


def test_a_state_that_becomes_a_number_of_pythons() -> None:
    def f(w: Any) -> Any:
        h, ys = ad.scan(lambda h, x: (0.25, ad.where(x > 1.5, w, h)), np.float64(1.0), XS)
        return ad.sum(ys) * h

    assert_as_in_eager_mode(f, W)
    assert_as_in_eager_mode(ad.grad(f), W)


def test_second_derivatives_are_of_the_cell_as_it_was() -> None:
    """The cells of the layers differ in a variable, which has its last value when they go back."""

    def f(ws: Any) -> Any:
        h = XS
        for k in range(2):
            h = ad.scan(lambda s, x: (ad.tanh(x * ws[k] + s),) * 2, 0.0, h)[1]  # noqa: B023
        return ad.sum(h)

    assert_as_in_eager_mode(hvp(f), np.array([0.3, -0.7]))


def test_the_program_of_a_second_derivative_does_not_grow_with_the_steps() -> None:
    f = compile(lambda w, xs: hvp(lambda w: steps(w, w, ZERO, xs))(w), backend="numpy")
    f(W, XS)
    short = len(str(f.program).splitlines())
    f(W, np.concatenate([XS] * 5))
    assert len(str(f.program).splitlines()) == short


def first_state_unused(h0: Any, w: Any) -> Any:
    def cell(h: Any, x: Any) -> Any:
        y = ad.tanh(x * w)
        return (h[0] * 0.5, y), y

    return ad.sum(ad.scan(cell, (h0, ZERO), XS)[1])


def delayed(h0: Any, w: Any) -> Any:
    """The third state would reach the loss in one step more."""
    (a, _, _, _), _ = ad.scan(lambda h, x: ((*h[1:], h[3]), None), (w, w, w, h0), XS[:2])
    return ad.sum(a)


@pytest.mark.parametrize("f", [first_state_unused, delayed])
def test_what_does_not_reach_the_loss_has_no_gradient(f: Callable[..., Any]) -> None:
    def step(h0: Any, w: Any) -> Any:
        f(h0, w).backward()

    for run in (compile(step, backend="numpy"), step):
        h0, w = (ad.Tensor(np.ones(()), requires_grad=True) for _ in range(2))
        run(h0, w)
        assert h0.grad is None
        assert w.grad is not None
    with pytest.raises(ad.errors.GraphError):
        compile(ad.grad(f), backend="numpy")(W, W)


@pytest.mark.parametrize("f", [np.linalg.inv, np.linalg.cholesky])
def test_examples_of_what_a_scan_gives_are_no_zeros(f: Callable[..., Any]) -> None:
    xs = np.random.default_rng(0).normal(size=(4, 3, 3))

    def sums(xs: Any) -> Any:
        h, ys = ad.scan(lambda h, x: (h + x @ x.T, h), np.eye(3), xs)
        return f(h) + np.sum(f(ys), axis=0)

    assert_as_in_eager_mode(sums, xs)


def test_a_hook_within_the_cell_is_refused_also_for_second_derivatives() -> None:
    def cell(h: Any, x: Any) -> Any:
        z = h * x
        z.register_hook(lambda g: g * 2)
        return z, None

    f = hvp(lambda w: ad.scan(cell, w, XS)[0])
    with pytest.raises(TraceError, match="hook within the cell"):
        compile(f, backend="numpy")(W)


@pytest.mark.parametrize("last", [False, True])
def test_what_a_step_has_kept_is_refused_as_a_result(last: bool) -> None:
    def keeps(xs: Any) -> Any:
        kept: list[Any] = []

        def cell(h: Any, x: Any) -> Any:
            kept.append(x * 2 if last else x)
            return h + x, None

        return ad.scan(cell, 0.0, xs)[0], kept[-1]

    with pytest.raises(TraceError, match="carry it in the state"):
        compile(keeps, backend="numpy")(XS)
