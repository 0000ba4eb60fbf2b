"""What a compiled function returns is new at each call, unless it is the caller's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native import toolchain

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
pytestmark = [pytest.mark.parametrize("backend", BACKENDS), pytest.mark.usefixtures("cache")]

X, OWN, KEPT = np.array([1.0, -2.0, 3.0]), np.zeros(3), ad.Tensor([1.0])


def in_a_cycle(x: Any) -> Any:
    made: list[Any] = [np.zeros(3)]
    made.append(made)
    return made[0]


CONSTANTS: dict[str, Callable[..., Any]] = {
    "an array": lambda x: np.zeros(3),
    "one that is used, too": lambda x: [z := np.zeros(3), x + z][0],
    "one in a cycle": in_a_cycle,
    "a view": lambda x: np.zeros((2, 3))[1],
    "strings": lambda x: np.array(["a", "b", "c"]),
    "a constant gradient": ad.grad(lambda x: ad.sum(3 * x)),
    "several": lambda x: [x + 1, ad.RowGrad(np.arange(3), x[:, None], (3, 1)), np.zeros(3)][2],
}


@pytest.mark.parametrize("case", CONSTANTS)
def test_constant_results_are_new_at_each_call(backend: str, case: str) -> None:
    f = CONSTANTS[case]
    compiled = ad.compile(f, backend=backend)
    for _ in range(3):
        made = compiled(X)
        np.testing.assert_array_equal(made, f(X))
        made[...] = 5


def test_constants_in_their_places(backend: str) -> None:
    def f(x: Any, w: Any) -> Any:
        rows = ad.RowGrad(np.array([0, 2]), x[:2, None], (3, 1))
        return rows, np.zeros(3), x * 2, OWN, w, ad.Tensor(np.ones(2)), ad.Tensor(x), np.ones(2)

    compiled, w = ad.compile(f, backend=backend), ad.Tensor(X, requires_grad=True)
    for _ in range(3):
        found, wanted = compiled(X, w), f(X, w)
        np.testing.assert_array_equal(found[0].dense(), wanted[0].dense())
        for a, b in zip(found[1:], wanted[1:], strict=True):
            assert type(a) is type(b)
            np.testing.assert_array_equal(getattr(a, "data", a), getattr(b, "data", b))


def test_constant_gradients_are_new_at_each_call(backend: str) -> None:
    w = ad.Tensor([1.0, 2.0], requires_grad=True)
    backward = ad.compile(lambda w: ad.sum(3 * w).backward(), backend=backend)
    for _ in range(3):
        backward(w)
        np.testing.assert_array_equal(w.grad, [3.0, 3.0])
        w.grad *= 0.5
        w.zero_grad()


def test_constant_tensors_are_new_at_each_call(backend: str) -> None:
    f = ad.compile(lambda x: ad.Tensor(np.zeros(3)), backend=backend)
    first, second = f(X), f(X)
    assert first is not second and not np.shares_memory(first.data, second.data)


@pytest.mark.parametrize("own", [OWN, KEPT], ids=["an array", "a tensor"])
def test_what_is_the_users_own_is_returned_itself(backend: str, own: Any) -> None:
    holder = [own]
    f = ad.compile(lambda x: (x + 1, holder), backend=backend)
    assert all(f(X)[1][0] is own for _ in range(3))


class Line(ad.Module):
    def __init__(self) -> None:
        self.part = ad.Linear(3, 3, rng=0)

    def forward(self, x: Any) -> Any:
        return self.part(x)


def test_arguments_are_returned_themselves(backend: str) -> None:
    def step(model: Any, optimizer: Any, w: Any, x: Any) -> Any:
        optimizer.zero_grad()
        ad.sum(model(x) * w).backward()
        optimizer.step()
        return {"all": [model, (optimizer, w)], "part": model.part, "W": model.part.W}

    model = Line()
    optimizer = ad.optim.Adam(model.parameters(), 0.1)
    compiled = ad.compile(step, backend=backend)
    for w in [ad.Tensor([1.0], requires_grad=True)] * 3 + [ad.Scalar(2.0, requires_grad=True)]:
        out = compiled(model, optimizer, w, X)
        assert out["all"][0] is model and out["part"] is model.part
        assert out["all"][1][0] is optimizer and out["all"][1][1] is w
        assert out["W"] is model.part.W and out["W"].requires_grad
    assert optimizer.steps == 4


def test_a_gradient_goes_through_an_argument_that_is_returned(backend: str) -> None:
    w = ad.Tensor([1.0, 2.0], requires_grad=True)
    f = ad.compile(lambda w: w, backend=backend)
    for _ in range(3):
        (f(w) * 3.0).sum().backward()
        np.testing.assert_array_equal(w.grad, [3.0, 3.0])
        w.zero_grad()


# The argument itself


def test_arguments_come_back_themselves(backend: str) -> None:
    def f(x: Any, s: Any, n: Any) -> Any:
        x += 1
        return x, s, [n, x * s], {"x": x}

    compiled = ad.compile(f, backend=backend)
    for k in range(4):
        x, s, n = X + k, 1.5 + k, np.float32(k)
        a, b, (c, d), e = compiled(x, s, n)
        assert a is e["x"] is x and b is s and c is n
        np.testing.assert_array_equal(x, X + k + 1)
        np.testing.assert_array_equal(d, x * s)


# Scalars

SCALARS: dict[str, Callable[[Any, Any], Any]] = {
    "a product": lambda a, b: a * b,
    "functions": lambda a, b: [np.exp(a), ad.tanh(b) / 3, a.sigmoid() ** 2],
    "with numbers": lambda a, b: 2.0 * a + np.float64(1.5),
    "without a graph": lambda a, b: a.detach() * 2,
    "themselves": lambda a, b: (a, {"b": b}),
    "derivatives": lambda a, b: ad.value_and_grad(lambda a: a * a * b)(a),
    "tensors of them": lambda a, b: [ad.stack([a, b]), ad.sum(a), ad.Tensor([1.0]) * a],
}


@pytest.mark.parametrize("case", SCALARS)
def test_scalars(backend: str, case: str) -> None:
    compiled = ad.compile(SCALARS[case], backend=backend)
    for k in range(3):
        a, b = ad.Scalar(2.0 + k), ad.Scalar(3.0)
        found, wanted = (ad.tree.flatten(f(a, b))[0] for f in (compiled, SCALARS[case]))
        assert list(map(type, found)) == list(map(type, wanted))
        for x, y in zip(found, wanted, strict=True):
            np.testing.assert_allclose(x.data, y.data, rtol=1e-14)
            assert type(x.data) is type(y.data)


def test_gradients_of_scalars(backend: str) -> None:
    compiled, a = ad.compile(lambda a: (a * a).backward(), backend=backend), ad.Scalar(2.0)
    compiled(a)
    assert type(a.grad) is float and a.grad == 4.0
    product = ad.compile(lambda a, b: a * b, backend=backend)
    for f in (lambda c: c, lambda c: c * a, lambda c: ad.Tensor([1.0]) * c):
        with pytest.raises(ad.errors.GraphError, match="a gradient goes through the result of a"):
            f(product(a, ad.Scalar(3.0))).backward()
    with ad.no_grad():
        assert not product(a, 1.0).requires_grad
