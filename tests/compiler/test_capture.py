"""What a compiled function reaches by itself: looked up at each call, however it is called."""

from __future__ import annotations

import functools
from functools import partial
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.training import BACKENDS, X, close

pytestmark = pytest.mark.parametrize("backend", BACKENDS)
WEIGHT = ad.Tensor([1.0, 1.0])


def scaled(x: Any, power: int = 1) -> Any:
    return WEIGHT**power * x


class Net(ad.Module):
    def __init__(self) -> None:
        self.w = ad.Parameter(np.array([1.0, 1.0]))

    def forward(self, x: Any) -> Any:
        return self.w * x


WAYS = {
    "a partial": lambda backend: partial(scaled, power=1),
    "a partial of a partial": lambda backend: partial(partial(scaled), power=1),
    "a compiled function": lambda backend: ad.compile(scaled, backend=backend),
    "a partial of one": lambda backend: partial(ad.compile(scaled, backend=backend), power=1),
}


@pytest.mark.parametrize("way", WAYS)
def test_functions_that_are_called_in_other_ways(
    backend: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = WAYS[way](backend)
    for f in (ad.compile(lambda x: inner(x) + 1, backend=backend),
              ad.compile(inner, backend=backend)):  # fmt: skip
        for factor in (2.0, 2.0, 5.0):
            monkeypatch.setitem(globals(), "WEIGHT", ad.Tensor([factor, 1.0]))
            plus = 0.0 if f.f is inner else 1.0
            close(f(X).data, X * [factor, 1.0] + plus)
        assert f.programs == 1


def test_methods_and_partials_of_models(backend: str) -> None:
    for way in (lambda net: net.forward, lambda net: partial(Net.forward, net),
                lambda net: partial(lambda x, net: net(x), net=net)):  # fmt: skip
        net = Net()
        call = way(net)
        f = ad.compile(lambda x, call=call: call(x) * 2, backend=backend)
        for factor in (1.0, 1.0, 3.0):
            net.w.data = [factor, 1.0]
            close(f(X).data, 2 * X * [factor, 1.0])
        assert f.programs == 1


def test_attributes_and_names_of_functions_stay(backend: str) -> None:
    weight = ad.Tensor([2.0, 3.0])

    def helper(x: Any) -> Any:
        return weight * x * helper.factor

    helper.factor = 4.0  # type: ignore[attr-defined]
    names = []

    @partial(ad.compile, backend=backend)
    def f(x: Any) -> Any:
        names.append((helper.__name__, helper.__qualname__, helper.__module__))
        return helper(x)

    close(f(X).data, weight.data * X * 4.0)
    assert names == [("helper", helper.__qualname__, __name__)]


def test_a_function_that_reaches_nothing_is_called_itself(backend: str) -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(f.__code__ is g.__code__)
        return x * f.factor

    g, f.factor = f, 3.0  # type: ignore[attr-defined]
    close(ad.compile(f, backend=backend)(X), 3 * X)
    assert calls == [True]


def test_functions_that_call_each_other(backend: str) -> None:
    weight = ad.Tensor([2.0, 3.0])

    def even(x: Any, n: int) -> Any:
        return x if n == 0 else weight * odd(x, n - 1)

    def odd(x: Any, n: int) -> Any:
        return weight * even(x, n - 1)

    f = ad.compile(functools.partial(even, n=2), backend=backend)
    close(f(X).data, X * weight.data**2)
    weight = ad.Tensor([1.0, 5.0])
    close(f(X).data, X * weight.data**2)
