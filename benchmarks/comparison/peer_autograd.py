"""HIPS autograd."""

from __future__ import annotations

import pickle
from typing import Any

import autograd
import autograd.numpy as anp
import numpy as np
from autograd.extend import defvjp, primitive
from autograd.misc.optimizers import adam
from autograd.test_util import check_grads

from benchmarks.comparison.finding import Finding, absent, partly
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


class Probes(Library):
    package, xp = "autograd", anp

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return np.array(values, dtype)[()]

    def grad(self, f: Any) -> Any:
        return autograd.grad(f)

    def jvp(self, f: Any, x: Any, t: Any) -> Any:
        return autograd.make_jvp(f)(x)(t)[1]

    def hessian(self) -> None:
        x, v = np.array([1.0, 2.0]), np.array([1.0, 0.0])
        close(autograd.jacobian(lambda x: x * x)(x), np.diag(2 * x))
        close(autograd.hessian(lambda x: anp.sum(x**3))(x), np.diag(6 * x))
        close(autograd.make_hvp(lambda x: anp.sum(x**3))(x)[0](v), 6 * x * v)

    def custom_op(self) -> None:
        cube = primitive(lambda x: x**3)
        defvjp(cube, lambda out, x: lambda g: g * 3 * x**2)
        close(autograd.grad(autograd.grad(cube))(2.0), 12.0)

    def fourier(self) -> None:
        found = self.gradient(lambda x: anp.sum(anp.abs(anp.fft.fft(x)) ** 2), [1.0, 2.0])
        close(found, [4.0, 8.0])

    def gamma(self) -> Finding:
        from autograd.scipy.special import gammaln

        close(self.gradient(gammaln, 2.0), 1 - np.euler_gamma)
        return Finding("yes", "with scipy")

    def backward_twice(self) -> None:
        pull, _ = autograd.make_vjp(lambda x: x * x * x)(2.0)
        close([pull(1.0), pull(1.0)], [12.0, 12.0])

    def changed_in_place(self) -> None:
        x = np.array([1.0, 2.0])
        pull, _ = autograd.make_vjp(lambda x: anp.sum(x * x))(x)
        x[0] = 5.0
        close(pull(1.0), [2.0, 4.0])

    def assignment(self) -> None:
        def f(x: Any) -> Any:
            h = 2 * x
            h[0] = x[1] * 10
            return anp.sum(h)

        close(self.gradient(f, [1.0, 2.0]), [0.0, 12.0])

    def checkpoint(self) -> None:
        found = autograd.grad(autograd.checkpoint(lambda x: anp.sum(anp.exp(x))))(np.ones(2))
        close(found, [np.e, np.e])

    def pickle(self) -> None:
        pull, _ = autograd.make_vjp(lambda x: x * x * x)(2.0)
        close(pickle.loads(pickle.dumps(pull))(1.0), 12.0)

    def picture(self) -> Finding:
        return absent("an example in its repository draws one with graphviz")

    def complaint(self) -> str:
        wrong = primitive(lambda x: x * x)
        factor = np.array([1.0, 2.0, 1.0])
        defvjp(wrong, lambda out, x: lambda g: g * 2 * x * factor)
        try:
            check_grads(wrong, modes=["rev"], order=1)(np.array([1.0, 2.0, 3.0]))
        except AssertionError as error:
            return str(error)
        return ""

    def checker(self) -> None:
        check_grads(lambda x: x * x, modes=["fwd", "rev"], order=2)(np.ones(3))
        assert self.complaint()

    def checker_entries(self) -> Finding:
        assert "analytic: " in self.complaint()
        return absent("it compares along one random direction")

    def optimisers(self) -> Finding:
        found = adam(lambda x, _: 2 * x, np.array([2.0]), num_iters=1, step_size=0.1)
        close(found, [1.9], rtol=1e-3)
        return partly("three functions, in `autograd.misc`")

    def convolution(self) -> Finding:
        from autograd.scipy.signal import convolve

        kernel = np.ones(2)
        found = self.gradient(lambda x: anp.sum(convolve(x, kernel, mode="valid")), [1.0, 2.0, 3.0])
        close(found, [1.0, 2.0, 1.0])
        return Finding("yes", "with scipy")
