"""A small network and its training, for the tests of compiled steps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native import toolchain

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
X, Y = np.array([[1.0, -2.0], [0.5, 3.0]]), np.array([[0.0], [1.0]])


def network() -> tuple[ad.Module, Any]:
    model = ad.Sequential(ad.Linear(2, 3, rng=0), ad.tanh, ad.Linear(3, 1, rng=1))
    return model, ad.optim.Adam(model.parameters(), 0.1)


def train(model: Any, optimizer: Any, x: Any, y: Any) -> Any:
    loss = ad.mse(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss


def close(a: Any, b: Any) -> None:
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-12, atol=1e-14)
