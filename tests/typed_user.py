"""What a type checker makes of a user's program; `tests/test_stubs.py` asks mypy.

A line that is wrong says so by ``type: ignore``, which is itself an error where none is needed.
"""

from collections.abc import Callable
from typing import Any, assert_type

import numpy as np

import autodiff as ad
import models
from autodiff import Parameter, Scalar, Tensor, linalg
from autodiff.testing import GradientReport, check_gradients

x = Tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True, name="x")
a = np.ones((2, 2))
s = Scalar(2.0)


def operators() -> None:
    assert_type(ad.tanh(x) + x @ x, Tensor)
    assert_type(a + x, Tensor)
    assert_type(a @ x, Tensor)
    assert_type(-(abs(1.0 / x) ** 2), Tensor)
    assert_type(np.float64(2.0) * x, Tensor)
    assert_type(2 * s - 1, Scalar)
    assert_type(s * x, Tensor)
    assert_type(s < 3, bool)
    assert_type(list(x), list[Tensor])
    assert_type(x[0, :1], Tensor)
    x + None  # type: ignore[operator]
    x[0] = 1.0  # type: ignore[index]


def functions() -> None:
    assert_type(ad.tanh(s), Scalar)
    assert_type(ad.tanh(a), Tensor)
    assert_type(ad.maximum(1, s), Scalar)
    assert_type(ad.maximum(a, x), Tensor)
    assert_type(ad.sum(x, axis=(0, 1), keepdims=True), Tensor)
    assert_type(ad.concatenate([x, a, [[1.0, 2.0]]], axis=0), Tensor)
    assert_type(ad.split(x, 2), list[Tensor])
    assert_type(ad.softmax_cross_entropy(x, [0, 1]), tuple[Tensor, Tensor])
    assert_type(ad.cross_entropy(x, np.array([0, 1]), mask=None), Tensor)
    assert_type(linalg.eigh(x).eigenvalues, Tensor)
    assert_type(ad.linalg.norm(x), Tensor)
    ad.sum(x, axes=0)  # type: ignore[call-arg]
    ad.no_such_function(x)  # type: ignore[attr-defined]


def methods() -> None:
    assert_type(x.sum(axis=0), Tensor)
    assert_type(x.T.reshape(4).mT, Tensor)
    assert_type(x.at[0].set(1.0), Tensor)
    assert_type(x.tanh(), Tensor)
    assert_type(s.tanh(), Scalar)
    assert_type(x.retain_grad(), Tensor)
    assert_type(x.item(), float)
    x.backward(create_graph=True)
    x.no_such_method()  # type: ignore[attr-defined]
    s.sum()  # type: ignore[attr-defined]


def loss(w: Tensor, inputs: np.ndarray[Any, Any], scale: float = 1.0) -> Tensor:
    return ad.sum(scale * (inputs @ w) ** 2)


def transforms() -> None:
    assert_type(ad.value_and_grad(loss)(a, a, scale=2.0), tuple[Any, Any])
    assert_type(ad.value_and_grad(loss, (0, 1)), Callable[..., tuple[Any, Any]])
    assert_type(ad.grad(ad.grad(lambda z: z**3))(2.0), Any)
    assert_type(ad.checkpoint(loss)(x, a), Tensor)
    assert_type(ad.compile(loss, backend="numpy")(x, a, scale=2.0), Tensor)
    assert_type(ad.compile(loss).source, str)
    assert_type(ad.stop_gradient([x]), list[Tensor])
    ad.grad(loss)(a, a, scales=2.0)  # type: ignore[call-arg]


class Net(ad.Module):
    def __init__(self) -> None:
        self.w = Parameter(a)
        self.inner = ad.Linear(2, 2, rng=0)

    def forward(self, inputs: np.ndarray[Any, Any]) -> Tensor:
        return ad.relu(self.inner(inputs) @ self.w)

    @ad.compile
    def compiled(self, inputs: np.ndarray[Any, Any]) -> Tensor:
        return self(inputs)


def modules() -> None:
    net = Net().eval()
    assert_type(net, Net)
    assert_type(net(a), Tensor)
    assert_type(net.compiled(a), Tensor)
    assert_type(models.MLP([2, 3])(a), Tensor)
    assert_type(models.load("mlp.safetensors"), ad.Module)
    ad.optim.SGD(net.parameters(), lr=0.1).step()
    net(a, a)  # type: ignore[call-arg]


def checks() -> None:
    assert_type(check_gradients(ad.tanh, a), GradientReport)
    ad.testing.no_such_check()  # type: ignore[attr-defined]
