"""This library."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import testing
from benchmarks.comparison.finding import Finding, partly, refused
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


def complaint(factor: Any) -> str:
    """What the checker says of a gradient of x * x that is wrong by a factor."""
    x = np.array([1.0, 2.0, 3.0])
    try:
        testing.check_gradients(lambda x: x * x, x, vjp=lambda g, x: g * 2 * x * factor)
    except testing.GradientError as error:
        return str(error)
    raise AssertionError("a wrong gradient passes")


class Probes(Library):
    package, xp = "autodiff", ad

    def grad(self, f: Any) -> Any:
        return ad.grad(f)

    def jvp(self, f: Any, x: Any, t: Any) -> Any:
        return ad.jvp(f, (x,), (t,))[1]

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.data if isinstance(x, ad.Tensor) else x)

    def no_grad(self) -> Any:
        return ad.no_grad()

    def leaf(self, values: Any) -> ad.Tensor:
        return ad.Tensor(values, requires_grad=True)

    def hessian(self) -> None:
        x, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])
        close(ad.jacobian(lambda x: x * x)(x), np.diag(2 * x))
        close(ad.hessian(lambda x: ad.sum(x**3))(x), np.diag(6 * x))
        close(ad.hvp(lambda x: ad.sum(x**3), (x,), (v,))[0], 6 * x * v)

    def custom_op(self) -> None:
        cube = ad.custom_op(lambda x: x**3, lambda g, x: g * 3 * x**2)
        close(ad.grad(ad.grad(cube))(2.0), 12.0)

    def vmap(self) -> None:
        rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        close(ad.vmap(ad.grad(lambda x: ad.sum(x * x)))(rows), 2 * rows)

    def backward_twice(self) -> None:
        x = self.leaf([2.0])
        y = x * x * x
        y.backward()
        y.backward()
        close(x.grad, [24.0])

    def changed_in_place(self) -> Finding | None:
        x = self.leaf([1.0, 2.0])
        h = 2 * x
        ad.sum(h * h)
        return refused(lambda: h.data.__setitem__(0, 5.0))

    def assignment(self) -> Finding:
        def f(x: Any) -> Any:
            return ad.sum((2 * x).at[0].set(x[1] * 10))

        close(ad.grad(f)(np.array([1.0, 2.0])), [0.0, 12.0])
        return partly("written as `t.at[0].set(value)`, which makes a new tensor")

    def lookup(self) -> None:
        table = self.leaf(np.ones((9, 2)))
        ad.sum(ad.embedding(table, np.array([3, 5]))).backward()
        assert isinstance(table.grad, ad.RowGrad)
        assert len(table.grad.rows) == 2

    def checkpoint(self) -> None:
        close(ad.grad(ad.checkpoint(lambda x: ad.sum(ad.exp(x))))(np.ones(2)), np.exp(np.ones(2)))

    def pickle(self) -> None:
        x = self.leaf([2.0])
        x, y = pickle.loads(pickle.dumps((x, ad.sum(x * x * x))))
        y.backward()
        close(x.grad, [12.0])

    def picture(self) -> None:
        graph = ad.graph(ad.tanh(self.leaf(0.5) * 2.0))
        assert graph.dot.startswith("digraph")
        assert "<svg" in graph.html()

    def paths(self) -> None:
        x = self.leaf([0.5, 1.0])
        paths = ad.paths(ad.sum(x * ad.tanh(x)), x)
        assert len(paths) == 2
        close(sum(path.contribution for path in paths), paths.total)

    def signals(self) -> None:
        x = self.leaf([1.0, 2.0])
        h = x * 3.0
        close(ad.signals(ad.sum(h * h))[h].delta, [6.0, 12.0])

    def first_nan(self) -> None:
        with np.errstate(all="ignore"), ad.detect_anomaly():
            forward = refused(lambda: ad.log(self.leaf(-1.0)) * 2.0)
            backward = refused(lambda: ad.sqrt(self.leaf(0.0)).backward())
        assert forward and "log" in forward.note
        assert backward and "sqrt" in backward.note

    def checker(self) -> None:
        testing.check_gradients(lambda x: x * x, np.ones(3), vjp=lambda g, x: g * 2 * x)
        complaint(0.5)

    def checker_entries(self) -> None:
        said = complaint(np.array([1.0, 2.0, 1.0]))
        assert "x[1]" in said and "x[0]" not in said

    def checker_cause(self) -> None:
        assert "a constant factor" in complaint(0.5)

    def strategies(self) -> None:
        testing.grad_arrays(domain="positive")

    def compile(self) -> None:
        x = self.leaf([2.0])
        optimizer = ad.optim.SGD([x], lr=0.1)

        def step(x: Any, optimizer: Any) -> Any:
            optimizer.zero_grad()
            loss = ad.sum(x * x)
            loss.backward()
            optimizer.step()
            return loss

        compiled = ad.compile(step, backend="numpy")
        compiled(x, optimizer), compiled(x, optimizer)
        close(x.data, [1.28])
        assert compiled.programs == 1

    def readable_code(self) -> Finding:
        compiled = ad.compile(ad.grad(lambda x: ad.sum(ad.tanh(x))), backend="c")
        compiled(np.ones(3))
        assert "cosh" in str(compiled.program) and "cosh_f64" in compiled.source
        return Finding("yes", "as numpy calls, and as C")

    def loop(self) -> None:
        def f(x: Any) -> Any:
            return ad.scan(lambda h, _: (h * x, None), np.array(1.0), np.zeros(3))[0]

        close(ad.grad(f)(np.array(2.0)), 12.0)

    def optimisers(self) -> None:
        assert ad.optim.Adam
