"""JAX, in double precision."""

from __future__ import annotations

import pickle
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from jax.test_util import check_grads

from benchmarks.comparison.finding import Finding, absent, documented, partly, refused
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


class Probes(Library):
    package, xp = "jax", jnp

    def __init__(self) -> None:
        jax.config.update("jax_enable_x64", True)

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return jnp.array(values, dtype)

    def grad(self, f: Any) -> Any:
        return jax.grad(f)

    def jvp(self, f: Any, x: Any, t: Any) -> Any:
        return jax.jvp(f, (x,), (t,))[1]

    def hessian(self) -> Finding:
        x, v = jnp.array([1.0, 2.0]), jnp.array([1.0, 0.0])
        close(jax.jacobian(lambda x: x * x)(x), np.diag(2 * x))
        close(jax.hessian(lambda x: jnp.sum(x**3))(x), np.diag(6 * x))
        close(jax.jvp(jax.grad(lambda x: jnp.sum(x**3)), (x,), (v,))[1], 6 * x * v)
        return Finding("yes", "the product as `jvp` of `grad`")

    def custom_op(self) -> None:
        cube = jax.custom_jvp(lambda x: x**3)
        cube.defjvp(lambda x, t: (cube(*x), 3 * x[0] ** 2 * t[0]))
        close(jax.grad(jax.grad(cube))(2.0), 12.0)

    def vmap(self) -> None:
        rows = jnp.array([[1.0, 2.0], [3.0, 4.0]])
        close(jax.vmap(jax.grad(lambda x: jnp.sum(x * x)))(rows), 2 * rows)

    def fourier(self) -> None:
        found = self.gradient(lambda x: jnp.sum(jnp.abs(jnp.fft.fft(x)) ** 2), [1.0, 2.0])
        close(found, [4.0, 8.0])

    def gamma(self) -> None:
        close(self.gradient(gammaln, 2.0), 1 - np.euler_gamma)

    def backward_twice(self) -> None:
        _, pull = jax.vjp(lambda x: x**3, 2.0)
        close([pull(1.0)[0], pull(1.0)[0]], [12.0, 12.0])

    def changed_in_place(self) -> Finding | None:
        x = jnp.array([1.0, 2.0])
        assert refused(lambda: np.asarray(x).__setitem__(0, 5.0))
        return refused(lambda: x.__setitem__(0, 5.0))

    def assignment(self) -> Finding:
        def f(x: Any) -> Any:
            return jnp.sum((2 * x).at[0].set(x[1] * 10))

        close(self.gradient(f, [1.0, 2.0]), [0.0, 12.0])
        return partly("written as `x.at[0].set(value)`, which makes a new array")

    def checkpoint(self) -> None:
        close(jax.grad(jax.checkpoint(lambda x: jnp.sum(jnp.exp(x))))(jnp.ones(2)), [np.e, np.e])

    def pickle(self) -> None:
        _, pull = jax.vjp(lambda x: x**3, 2.0)
        close(pickle.loads(pickle.dumps(pull))(1.0)[0], 12.0)

    def picture(self) -> Finding:
        text = str(jax.make_jaxpr(jax.grad(lambda x: jnp.tanh(x) * 2))(0.5))
        assert "tanh" in text
        return partly("as text, by `jax.make_jaxpr`")

    def first_nan(self) -> None:
        jax.config.update("jax_debug_nans", True)
        forward = refused(lambda: jnp.log(jnp.array(-1.0)) * 2)
        backward = refused(lambda: jax.grad(lambda x: jnp.sqrt(x * 0.0))(jnp.array(1.0)))
        assert forward and "log" in forward.note, "debug_nans does not name it forward"
        assert backward and "mul" in backward.note, "debug_nans does not name it backward"

    def checker(self) -> None:
        check_grads(lambda x: x * x, (jnp.ones(3),), order=2)
        assert self.complaint()

    def complaint(self) -> str:
        @jax.custom_vjp
        def square(x: Any) -> Any:
            return x * x

        factor = jnp.array([1.0, 2.0, 1.0])
        square.defvjp(lambda x: (x * x, x), lambda x, g: (g * 2 * x * factor,))
        try:
            check_grads(square, (jnp.array([1.0, 2.0, 3.0]),), 1, ["rev"])
        except AssertionError as error:
            return str(error)
        return ""

    def checker_entries(self) -> Finding:
        assert "Mismatched elements: 1 / 1" in self.complaint()
        return absent("it compares along one random direction")

    def compile(self) -> None:
        step = jax.jit(lambda x: x - 0.1 * jax.grad(lambda x: jnp.sum(x * x))(x))
        close(step(step(jnp.array([2.0]))), [1.28])

    def readable_code(self) -> Finding:
        text = jax.jit(lambda x: jnp.tanh(x) * 2).lower(0.5).compile().as_text()
        assert "HloModule" in text
        return partly("the intermediate language HLO")

    def loop(self) -> None:
        def f(x: Any) -> Any:
            return jax.lax.scan(lambda h, _: (h * x, None), 1.0, jnp.zeros(3))[0]

        close(self.gradient(f, 2.0), 12.0)

    def half(self) -> None:
        assert self.grad(lambda x: jnp.sum(x * x))(jnp.ones(2, jnp.bfloat16)).dtype == jnp.bfloat16

    def optimisers(self) -> Finding:
        return absent("in other packages, such as optax")

    def convolution(self) -> None:
        kernel = jnp.ones(2)
        found = self.gradient(lambda x: jnp.sum(jnp.convolve(x, kernel, "valid")), [1.0, 2.0, 3.0])
        close(found, [1.0, 2.0, 1.0])

    def gpu(self) -> Finding:
        return documented("https://docs.jax.dev/en/latest/installation.html")

    def distributed(self) -> Finding:
        return documented("https://docs.jax.dev/en/latest/multi_process.html")

    def pretrained(self) -> Finding:
        return partly("in other packages")
