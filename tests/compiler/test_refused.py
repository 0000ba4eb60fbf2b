"""What a compiled function may not do: each error names the line and the remedy."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from autodiff.compiler.native import toolchain

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
pytestmark = pytest.mark.parametrize("backend", BACKENDS)

X = np.ones((2, 2))

HELD, HELD_RNG = SimpleNamespace(model=ad.Linear(2, 2, rng=0)), np.random.default_rng(0)


def silent(x: Any) -> Any:
    with ad.no_grad():
        return x @ HELD.model.W


def silent_and_indirect(x: Any) -> Any:
    with ad.no_grad():
        return x @ ad.exp(HELD.model.W)


def silent_and_viewed(x: Any) -> Any:
    with ad.no_grad():
        return x @ HELD.model.W.T


def silent_and_stacked(x: Any) -> Any:
    with ad.no_grad():
        return x + ad.stack([HELD.model.b, HELD.model.b])


def writes_out(x: Any) -> Any:
    out = np.zeros(3)
    out[0] = x[0, 0]
    return out


class Counting(ad.Module):
    def __init__(self) -> None:
        self.w, self.seen = ad.Parameter(np.ones(2)), 0

    def forward(self, x: Any) -> Any:
        self.seen += 1
        return self.w * x


class Noisy(ad.Module):
    def __init__(self) -> None:
        self.w, self.rng = ad.Parameter(np.ones(2)), np.random.default_rng(0)

    def forward(self, x: Any) -> Any:
        return self.w * x + self.rng.normal()


def assigns_a_global(x: Any) -> Any:
    global X
    X = x
    return x


REFUSED = {
    "an attribute": (Counting(), "sets seen of Counting"),
    "a generator of a module": (Noisy(), "draws from a generator"),
    "numpy's own generator": (lambda x: x + np.random.rand(), "draws random numbers"),  # noqa: NPY002
    "a module out of sight": (lambda x: HELD.model(x), "no argument: pass the tensor"),
    "a module out of sight, without a graph": (silent, "no argument: pass the tensor"),
    "a value of one": (silent_and_indirect, "no argument: pass the tensor"),
    "a view of one": (silent_and_viewed, "no argument: pass the tensor"),
    "one in a list": (silent_and_stacked, "no argument: pass the tensor"),
    "a generator": (lambda x: x + HELD_RNG.normal(), "draws from a generator"),
    "Python's own generator": (lambda x: x + random.random(), "draws random numbers"),
    "an entry of an array": (writes_out, r"test_refused.py:\d+"),
    "a global": (assigns_a_global, "assigns the global X"),
    "a branch": (lambda x: x if x.sum() > 0 else -x, r"test_refused.py:\d+ branches on a value"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(backend: str, case: str) -> None:
    f, message = REFUSED[case]
    with pytest.raises(TraceError, match=message):
        ad.compile(f, backend=backend)(np.ones((2, 2)))
