"""tinygrad, on the CPU: compiled by clang where there is one, else by its emulator in Python."""

from __future__ import annotations

import contextlib
import io
import os
import pickle
import shutil
from types import SimpleNamespace
from typing import Any

os.environ.setdefault("DEV", "CPU" if shutil.which("clang") else "PYTHON")

import numpy as np
import tinygrad
from tinygrad import Tensor, TinyJit, dtypes

from benchmarks.comparison.finding import Finding, absent, documented, partly
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


class Probes(Library):
    package = "tinygrad"
    xp = SimpleNamespace(
        sum=Tensor.sum, max=Tensor.max, sqrt=Tensor.sqrt, exp=Tensor.exp, tanh=Tensor.tanh,
        where=lambda condition, x, y: condition.where(x, y),
        linalg=SimpleNamespace(norm=lambda x: (x * x).sum().sqrt()),
    )  # fmt: skip

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return Tensor(np.array(values, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.numpy())

    def grad(self, f: Any) -> Any:
        return lambda x: f(x).gradient(x)[0]

    def hessian(self) -> Finding:
        return absent("by a loop of your own over entries")

    def custom_op(self) -> None:
        x = Tensor([2.0])
        inside = x.as_param(0)
        # Twice the derivative, to see that it is the rule given that counts.
        rule = lambda g, call: (g * 6 * call.src[1] * call.src[1],)  # noqa: E731
        y = x.call(fxn=inside * inside * inside, grad_fxn=rule)
        close(y.sum().gradient(x)[0].numpy(), [24.0])

    def backward_twice(self) -> None:
        x = Tensor([2.0])
        y = (x * x * x).sum()
        y.backward()
        y.backward()
        close(x.grad.numpy(), [24.0])

    def changed_in_place(self) -> Finding:
        x = Tensor([1.0, 2.0]).contiguous().realize()
        y = (x * x).sum()
        x.assign(Tensor([5.0, 2.0])).realize()
        close(y.gradient(x)[0].numpy(), [10.0, 4.0])
        close(y.numpy(), 29.0)
        return partly("value and gradient are both computed later, and are those of the new array")

    def assignment(self) -> None:
        x = Tensor([1.0, 2.0])
        h = 2 * x
        h[0] = x[1] * 10
        close(h.sum().gradient(x)[0].numpy(), [0.0, 12.0])

    def lookup(self) -> None:
        table = Tensor.ones(9, 2).contiguous()
        found = table[Tensor([3, 5])].sum().gradient(table)[0]
        raise AssertionError(f"gives all {len(found)} rows for 2 that were used")

    def pickle(self) -> None:
        x = Tensor([2.0])
        x, y = pickle.loads(pickle.dumps((x, (x * x * x).sum())))
        close(y.gradient(x)[0].numpy(), [12.0])

    def picture(self) -> Finding:
        return documented("https://docs.tinygrad.org/developer/viz/")

    def signals(self) -> Finding:
        x = Tensor([1.0, 2.0])
        h = x * 3.0
        close((h * h).sum().gradient(h)[0].numpy(), [6.0, 12.0])
        return partly("of a tensor that you hold, by `gradient(h)`")

    def compile(self) -> None:
        @TinyJit
        def step(x: Any) -> Any:
            return (x - 0.1 * (x * x).sum().gradient(x)[0]).realize()

        for _ in range(4):
            found = step(Tensor([2.0]).realize())
        close(found.numpy(), [1.6])

    def readable_code(self) -> Finding:
        with contextlib.redirect_stdout(io.StringIO()) as printed, tinygrad.Context(DEBUG=4):
            (Tensor([1.0, 2.0]) * 3.5).numpy()
        assert "3.5" in printed.getvalue()
        return Finding("yes", "its kernels, printed with `DEBUG=4`")

    def half(self) -> None:
        x = Tensor([1.0, 2.0], dtype=dtypes.half)
        assert (x * x).sum().gradient(x)[0].numpy().dtype == np.float16

    def optimisers(self) -> None:
        assert tinygrad.nn.optim.Adam

    def convolution(self) -> None:
        x, kernel = Tensor([[[1.0, 2.0, 3.0]]]), Tensor.ones(1, 1, 2)
        close(x.conv2d(kernel).sum().gradient(x)[0].numpy(), [[[1.0, 2.0, 1.0]]])

    def gpu(self) -> Finding:
        return documented("https://docs.tinygrad.org/runtime/")

    def distributed(self) -> Finding:
        x = Tensor([1.0, 2.0]).contiguous().realize().shard(("CPU:0", "CPU:1"), axis=0)
        close((x * x).sum().gradient(x)[0].numpy(), [2.0, 4.0])
        return partly("devices of one machine, by `Tensor.shard`")

    def pretrained(self) -> Finding:
        return partly("as examples in its repository")
