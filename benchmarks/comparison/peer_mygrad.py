"""MyGrad."""

from __future__ import annotations

import pickle
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.computational_graph import build_graph
from mygrad.nnet.layers import conv_nd

from benchmarks.comparison.finding import Finding, partly, refused
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


class Cube(mg.operation_base.Operation):
    """x ** 3."""

    def __call__(self, x: Any) -> Any:
        self.variables = (x,)
        return x.data**3

    def backward_var(self, grad: Any, index: int, **kwargs: Any) -> Any:
        return grad * 3 * self.variables[index].data ** 2


class Probes(Library):
    package, xp = "mygrad", mg

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return mg.tensor(values, dtype=dtype)

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.data if isinstance(x, mg.Tensor) else x)

    def grad(self, f: Any) -> Any:
        def gradient(x: Any) -> Any:
            f(x).backward()
            return x.grad

        return gradient

    def no_grad(self) -> Any:
        return mg.no_autodiff

    def custom_op(self) -> Finding:
        x = mg.tensor([2.0])
        mg.execute_op(Cube, x).backward()
        close(x.grad, [12.0])
        return partly("with a first derivative")

    def backward_twice(self) -> None:
        x = mg.tensor([2.0])
        y = x * x * x
        y.backward()
        y.backward()
        close(x.grad, [24.0])

    def changed_in_place(self) -> Finding | None:
        x = mg.tensor([1.0, 2.0])
        h = 2 * x
        y = (h * h).sum()
        assert refused(lambda: h.data.__setitem__(0, 5.0))
        h[0] = 5.0
        y.backward()
        close(x.grad, [8.0, 16.0])
        return None

    def assignment(self) -> None:
        x = mg.tensor([1.0, 2.0])
        h = 2 * x
        h[0] = x[1] * 10
        h.sum().backward()
        close(x.grad, [0.0, 12.0])

    def pickle(self) -> None:
        x = mg.tensor([2.0])
        x, y = pickle.loads(pickle.dumps((x, x * x * x)))
        y.backward()
        close(x.grad, [12.0])

    def picture(self) -> Finding:
        x = mg.tensor([2.0])
        assert "digraph" in build_graph(x * x, render=True).source
        return Finding("yes", "with the package graphviz")

    def signals(self) -> None:
        x = mg.tensor([1.0, 2.0])
        h = x * 3.0
        y = (h * h).sum()
        y.backward()
        close(h.grad, [6.0, 12.0])

    def convolution(self) -> None:
        kernel = mg.tensor(np.ones((1, 1, 2)))
        found = self.gradient(lambda x: conv_nd(x, kernel, stride=1).sum(), [[[1.0, 2.0, 3.0]]])
        close(found, [[[1.0, 2.0, 1.0]]])
