"""`check_gradients`: right gradients pass, wrong ones are named, bad input is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.testing import GradientError, check_gradients


def draw(*shape: int, seed: int = 0) -> np.ndarray:
    return np.asarray(np.random.default_rng(seed).normal(size=shape))


X, W, B = draw(2, 3), draw(3, 4, seed=1), draw(4, seed=2)


def affine(x: Any, w: Any, b: Any) -> Any:
    return x @ w + b


def affine_gradient(g: Any, x: Any, w: Any, b: Any) -> Any:
    return g @ w.T, x.T @ g, g.sum(axis=0)


def net(x: Any, w: Any, u: Any) -> Any:
    return np.tanh(x @ w) @ u


def net_gradient(g: Any, x: Any, w: Any, u: Any) -> Any:
    h = np.tanh(x @ w)
    inner = g @ u.T * (1 - h)  # instead of 1 - h**2
    return inner @ w.T, x.T @ inner, h.T @ g


def failure(*args: Any, **kwargs: Any) -> GradientError:
    with pytest.raises(GradientError) as caught:
        check_gradients(*args, **kwargs)
    return caught.value


RIGHT: list[tuple[Callable[..., Any], tuple[np.ndarray, ...]]] = [
    (np.tanh, (np.array([0.0, 0.5, -3.0, 1e-3, 1000.0]),)),
    (np.sin, (np.array([1e6, 1e3, 0.5]),)),
    (np.exp, (np.array([1e-30, 1.0, 0.0]),)),
    (lambda x: x**3, (np.array([0.0, 1.0, 1e6, 1e-6]),)),
    (lambda x: x * 1e-8, (np.array([0.0, 1.0, 1e6]),)),
    (ad.relu, (np.array([0.0, 1e-5, -2.0, 0.0]),)),
    (lambda x: ad.clip(x, -1, 1), (np.array([1.0, 1 - 1e-9, -1.0, 0.5]),)),
    (ad.max, (np.array([1.0, 1.0, 0.0, 1.0]),)),
    (ad.sort, (np.array([1.0, 1.0, 0.0, 1.0]),)),
    (ad.absolute, (np.zeros(6),)),
    (ad.linalg.norm, (np.zeros(4),)),
    (np.floor, (np.array([1.0, 1.5, 0.0]),)),
    (np.sqrt, (np.array([0.0, 1.0, 4.0, 9.0]),)),
    (np.arcsin, (np.array([1.0, 0.5, -0.3, 0.0]),)),
    (lambda x, y: np.minimum(np.abs(x), np.abs(y)), (np.zeros(1), np.zeros(1))),
    (affine, (X, W, B)),
    (np.matmul, (draw(0, 3), W)),
]


@pytest.mark.parametrize(("f", "inputs"), RIGHT)
def test_right_gradients_pass(f: Callable[..., Any], inputs: tuple[np.ndarray, ...]) -> None:
    report = check_gradients(f, *inputs)
    assert report.ok
    assert not report.causes
    assert not report.undecided


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_low_precision_is_judged_by_its_own_digits(dtype: Any) -> None:
    assert check_gradients(ad.softmax, X.astype(dtype)).ok
    wrong = lambda g, x: (g * np.cos(x) * dtype(1.2)).astype(dtype)  # noqa: E731
    assert "wrong in 6 of 6" in str(failure(np.sin, X.astype(dtype), vjp=wrong))


def test_second_order() -> None:
    assert check_gradients(ad.softmax, X, order=2).ok
    assert check_gradients(np.tanh, X, vjp=lambda g, x: g / np.cosh(x) ** 2, order=2).ok
    layer = ad.Linear(2, 3, rng=0)  # its parameters are inputs, too
    assert check_gradients(lambda layer, x: ad.tanh(layer(x)), layer, np.ones((1, 2)), order=2).ok
    square = ad.custom_op(lambda x: x * x, lambda g, x: 2 * g * ad.stop_gradient(x))
    assert check_gradients(square, X).ok
    assert "second derivative of" in str(failure(square, X, order=2))


def test_a_pair_and_a_gradient_of_a_number() -> None:
    forward = lambda x: (np.exp(x), x)  # noqa: E731
    assert check_gradients((forward, lambda g, x: g * np.exp(x)), X).ok
    assert check_gradients(lambda x: np.sum(x**2), X, grad=lambda x: 2 * x).ok
    assert "constant factor 2" in str(failure(lambda x: np.sum(x**2), X, grad=lambda x: 4 * x))


def test_every_input_is_looked_at_and_named() -> None:
    half = lambda g, x, w, b: (g @ w.T, x.T @ g / 2, g.sum(axis=0))  # noqa: E731
    error = failure(affine, X, W, B, vjp=half)
    assert "with respect to input 1 ('w', shape (3, 4)) is wrong in 12 of 12 entries" in str(error)
    assert "other inputs: x ok, b ok" in str(error)
    assert error.report.causes[0].kind == "constant factor"
    assert check_gradients(affine, X, W, B, vjp=half, wrt=["x", 2]).ok


def test_a_mistake_within_is_found_at_its_line() -> None:
    error = failure(net, X, W, draw(4, 2), vjp=net_gradient)
    assert error.report.causes[0].kind == "missing local factor"
    assert "`return np.tanh(x @ w) @ u`" in error.report.causes[0].text


def test_the_line_that_reproduces_runs() -> None:
    wrong = lambda g, x, w, b: (g @ w.T, -x.T @ g, g.sum(axis=0))  # noqa: E731
    wrong.__name__ = "wrong"
    error = failure(affine, X, W, B, vjp=wrong)
    line = error.report.reproduce
    names = {"np": np, "affine": affine, "wrong": wrong, "check_gradients": check_gradients}
    with pytest.raises(GradientError) as again:
        eval(line, names)
    assert str(again.value) == str(error)


MISTAKES: list[tuple[str, Any, Any, tuple[np.ndarray, ...]]] = [
    ("sign", np.sin, lambda g, x: -g * np.cos(x), (X,)),
    ("no gradient", np.sin, lambda g, x: 0 * g, (X,)),
    ("cotangent ignored", np.sin, lambda g, x: np.cos(x), (X,)),
    ("cotangent applied twice", np.sin, lambda g, x: g * g * np.cos(x), (X,)),
    ("wrong reduction", affine, lambda g, x, w, b: (g @ w.T, x.T @ g, g.copy()), (X, W, B)),
    ("missing transpose", np.matmul, lambda g, x, y: (g @ y, x.T @ g), (draw(3, 3), draw(3, 3))),
    ("swapped inputs", np.multiply, lambda g, x, y: (g * x, g * y), (X, draw(2, 3, seed=5))),
    ("duplicate index", lambda x: x[[0, 0, 1]], lambda g, x: np.stack([g[1], g[2]]), (X,)),
    ("permuted", np.cumsum, lambda g, x: np.cumsum(g), (B,)),
    ("derivative at the result", np.sin, lambda g, x: g * np.cos(np.sin(x)), (X,)),
    ("leak", lambda x: np.maximum(x, 0), lambda g, x: g.copy(), (X,)),
    ("ties", np.max, lambda g, x: g * (x == x.max()), (np.array([1.0, 1.0, 0.0]),)),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "f", "vjp", "inputs"), MISTAKES, ids=[m[0] for m in MISTAKES])
def test_the_cause_is_named_first(kind: str, f: Any, vjp: Any, inputs: Any) -> None:
    error = failure(f, *inputs, vjp=vjp)
    assert error.report.causes, str(error)
    assert error.report.causes[0].kind == kind


def writes(g: Any, x: Any) -> Any:
    g *= np.cos(x)
    return g.copy()


def counting() -> Any:
    total = np.zeros_like(X)

    def vjp(g: Any, x: Any) -> Any:
        nonlocal total
        total = total + g * np.cos(x)
        return total

    return vjp


BROKEN: list[tuple[str, str, Any]] = [
    ("mutation", "cotangent mutated", writes),
    ("determinism", "state", counting()),
    ("aliasing", "aliasing", lambda g, x: g),
    ("dtype", "wrong dtype", lambda g, x: (g * np.cos(x)).astype(np.float32)),
    ("shape", "wrong shape", lambda g, x: (g * np.cos(x)).ravel()),
]


@pytest.mark.parametrize(("check", "kind", "vjp"), BROKEN, ids=[b[0] for b in BROKEN])
def test_the_contract(check: str, kind: str, vjp: Any) -> None:
    f = np.positive if check == "aliasing" else np.sin
    error = failure(f, X, vjp=vjp)
    assert check in error.report.broken
    assert kind in [cause.kind for cause in error.report.causes]


def test_a_check_can_be_left_out() -> None:
    assert check_gradients(np.positive, X, vjp=lambda g, x: g, checks=["shape", "dtype"]).ok


def test_one_wrong_entry_of_many_is_found() -> None:
    def off(g: Any, x: Any) -> Any:
        out = g * np.cos(x)
        out[123, 45] *= 1.01
        return out

    error = failure(np.sin, draw(200, 100), vjp=off)
    assert "x[123, 45]" in str(error)
    assert check_gradients(np.sin, draw(200, 100)).ok


@pytest.mark.parametrize("peer", ["torch", "jax", "autograd"])
def test_other_libraries(peer: str) -> None:
    module = pytest.importorskip({"jax": "jax.numpy", "autograd": "autograd.numpy"}.get(peer, peer))
    f = lambda x, y: (x * module.sin(y)).sum()  # noqa: E731
    assert check_gradients(f, X, draw(2, 3, seed=5), vjp=peer).ok


BAD: list[tuple[type[Exception], str, Any]] = [
    (ad.errors.DTypeError, "complex", lambda: check_gradients(np.sin, X + 1j)),
    (ad.errors.DTypeError, "object", lambda: check_gradients(np.sin, np.array([None, 1.0]))),
    (ad.errors.DTypeError, "no floating input", lambda: check_gradients(np.sin, np.arange(3))),
    (ad.errors.DomainError, "NaN", lambda: check_gradients(np.sin, np.array([np.nan]))),
    (ad.errors.DomainError, "wrt names 'z'", lambda: check_gradients(affine, X, W, B, wrt="z")),
    (ad.errors.DomainError, "no check 'speed'", lambda: check_gradients(np.sin, X, checks="speed")),
    (ad.errors.DomainError, "known are", lambda: check_gradients(np.sin, X, vjp="tensorflow")),
    (ad.errors.DomainError, "not both",
     lambda: check_gradients(np.sin, X, vjp=np.cos, grad=np.cos)),
    (ad.errors.DomainError, "order=3", lambda: check_gradients(np.sin, X, order=3)),
    (ad.errors.ShapeError, "cotangents", lambda: check_gradients(np.sin, X, cotangent=B)),
    (GradientError, "raised ValueError", lambda: check_gradients(affine, X, X, B)),
    (GradientError, "raised ZeroDivisionError",
     lambda: check_gradients(np.sin, X, vjp=lambda g, x: 1 / 0)),
    (GradientError, "2 parts", lambda: check_gradients(np.sin, X, vjp=lambda g, x: (g, g))),
    (GradientError, "None", lambda: check_gradients(np.sin, X, vjp=lambda g, x: (None,))),
    (GradientError, "no floating result", lambda: check_gradients(np.argmax, X)),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text", "call"), BAD, ids=[b[1] for b in BAD])
def test_bad_input_is_named(error: type[Exception], text: str, call: Any) -> None:
    with pytest.raises(error, match=text):
        call()


def test_a_direction_without_slope_is_no_doubt() -> None:
    """As of pixels that are always dark: the whole gradient says what is small."""
    x = np.linspace(1.0, 2.0, 1000).reshape(10, 100)
    lit = np.ones((10, 100))
    lit[0] = lit[:, -1] = 0.0
    report = check_gradients(
        lambda x: np.sum((lit * x) ** 3), x, vjp=lambda g, x: g * 3 * lit * x**2
    )
    assert report.ok
    assert report.undecided == 0
