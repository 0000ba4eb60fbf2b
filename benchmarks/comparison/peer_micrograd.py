"""micrograd, which has numbers and no arrays."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from micrograd.engine import Value

from benchmarks.comparison.finding import Finding, absent, partly
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]

ARRAYS = (
    "vmap", "numpy_functions", "fourier", "where_nan", "norm_at_zero", "max_ties", "float32_kept",
    "assignment", "out_of_range", "lookup", "half", "convolution",
)  # fmt: skip


class Probes(Library):
    package = "micrograd"

    def __getattribute__(self, name: str) -> Any:
        if name in ARRAYS:
            return lambda: Finding("-", "it has no arrays")
        return super().__getattribute__(name)

    def array(self, values: Any, dtype: Any = float) -> Any:
        return Value(np.asarray(values, dtype).item())

    def grad(self, f: Any) -> Any:
        def gradient(x: Any) -> Any:
            f(x).backward()
            return x.grad

        return gradient

    def forward_mode(self) -> Finding:
        return absent("it has no forward mode")

    def complex_numbers(self) -> Finding:
        return absent("it has no conjugate")

    def tanh_tail(self) -> Finding:
        return Finding("-", "it has no tanh")

    def integer_leaf(self) -> None:
        close(self.grad(lambda x: x * x * x)(Value(2)), 12)

    def custom_op(self) -> Finding:
        x = Value(2.0)
        y = Value(x.data**3, (x,), "cube")

        def backward() -> None:
            x.grad += 3 * x.data**2 * y.grad

        y._backward = backward
        y.backward()
        close(x.grad, 12.0)
        return partly("with a first derivative")

    def backward_twice(self) -> None:
        x = Value(2.0)
        h = x * x
        y = h * x
        y.backward()
        y.backward()
        close(x.grad, 24.0)

    def changed_in_place(self) -> None:
        x = Value(1.0)
        h = x * 2
        y = h * h
        h.data = 5.0
        y.backward()
        close(x.grad, 8.0)

    def pickle(self) -> None:
        x = Value(2.0)
        x, y = pickle.loads(pickle.dumps((x, x * x * x)))
        y.backward()
        close(x.grad, 12.0)

    def threads(self) -> None:
        with ThreadPoolExecutor(4) as pool:
            found = list(pool.map(lambda _: self.gradient(lambda x: x * x * x, 0.5), range(40)))
        close(found, [0.75] * 40)

    def picture(self) -> Finding:
        return absent("a notebook in its repository draws one with graphviz")

    def signals(self) -> None:
        x = Value(2.0)
        h = x * 3
        (h * h).backward()
        close(h.grad, 12.0)
