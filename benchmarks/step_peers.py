"""The libraries once more, each with a whole training step in the way that suits it.

Each class gives the ops that `benchmarks.step_models` uses, and `step`: a function without
arguments that returns the loss and the parameters after the update, or, for a problem without
one, the value and the gradient.
"""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np

from benchmarks import peers
from benchmarks.harness import Step
from benchmarks.step_models import Problem

__all__ = ["PEERS"]


class Unrolled:
    """A recurrence as a loop in Python."""

    def states(self, cell: Any, weights: Any, h: Any, xs: Any) -> Any:
        """The states after each step, stacked."""
        found = []
        for x in xs:
            h = cell(self, h, x, *weights)
            found.append(h)
        return self.stack(found)  # type: ignore[attr-defined]


class Eager(peers.Autodiff):
    """This library, op by op."""

    def __init__(self) -> None:
        super().__init__()
        import autodiff as ad

        self.ad, self.relu, self.sum = ad, ad.relu, ad.sum

    def states(self, cell: Any, weights: Any, h: Any, xs: Any) -> Any:
        def twice(h: Any, x: Any) -> tuple[Any, Any]:
            h = cell(self, h, x, *weights)
            return h, h

        return self.ad.scan(twice, h, xs)[1]

    def compile(self, f: Any) -> Any:
        return f

    def step(self, problem: Problem) -> Step:
        if problem.rate is None:
            return self._gradient(problem)
        parameters = [self.ad.Parameter(array.copy()) for array in problem.parameters]
        optimizer = self.optim.SGD(parameters, problem.rate)
        data = [self.constant(array) for array in problem.data]

        @self.compile
        def train(parameters: Any, optimizer: Any, *data: Any) -> Any:
            optimizer.zero_grad()
            loss = problem.loss(self, parameters, *data)
            loss.backward()
            optimizer.step()
            return loss

        def step() -> list[Any]:
            loss = train(parameters, optimizer, *data)
            return [loss.data, *(parameter.data for parameter in parameters)]

        return step

    def _gradient(self, problem: Problem) -> Step:
        def loss(parameter: Any, *data: Any) -> Any:
            return problem.loss(self, [parameter], *data)

        f = self.compile(self.ad.value_and_grad(loss))
        return partial(f, *problem.parameters, *problem.data)


class Compiled(Eager):
    """This library, the whole step compiled."""

    def compile(self, f: Any) -> Any:
        return self.ad.compile(f)


class Torch(Unrolled, peers.Torch):
    """PyTorch, eager; for the GRU its own layer."""

    def __init__(self) -> None:
        super().__init__()
        self.relu, self.sum, self.stack = self.torch.relu, self.torch.sum, self.torch.stack
        self.layer: Any = None

    def states(self, cell: Any, weights: Any, h: Any, xs: Any) -> Any:
        if cell.__name__ != "gru":
            return super().states(cell, weights, h, xs)
        return self._gru(weights, h.shape[-1])(xs, h[None])[0]

    def _gru(self, weights: Any, hidden: int) -> Any:
        if self.layer is None:
            self.layer = self.torch.nn.GRU(hidden, hidden)
            names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
            for name, weight in zip(names, weights, strict=True):
                setattr(self.layer, name, weight)
        return self.layer

    def compile(self, f: Any) -> Any:
        return f

    def step(self, problem: Problem) -> Step:
        torch, data = self.torch, [self.constant(array) for array in problem.data]
        parameters = [torch.nn.Parameter(torch.tensor(a)) for a in problem.parameters]
        loss = self.compile(partial(problem.loss, self))
        optimizer = torch.optim.SGD(parameters, problem.rate or 0.0)
        values = [parameter.detach() for parameter in parameters]

        def gradient() -> list[Any]:
            optimizer.zero_grad()
            value = loss(parameters, *data)
            value.backward()
            return [value.detach(), *(parameter.grad for parameter in parameters)]

        if problem.rate is None:
            return gradient
        update = self.compile(optimizer.step)

        def step() -> list[Any]:
            value = gradient()[0]
            update()
            return [value, *values]

        return step


class TorchCompiled(Torch):
    """PyTorch, the loss with its gradient and the update compiled; its GRU layer stays as it is."""

    def compile(self, f: Any) -> Any:
        return self.torch.compile(f)


class Jax:
    """JAX: one jitted function a step, recurrences by lax.scan, parameters donated."""

    def __init__(self) -> None:
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        os.environ["XLA_FLAGS"] = flags  # read when jax is first imported
        import jax
        import jax.numpy as jnp

        self.jax, self.jnp, self.sum, self.tanh = jax, jnp, jnp.sum, jnp.tanh
        self.relu, self.sigmoid = jax.nn.relu, jax.nn.sigmoid

    def linear(self, x: Any, W: Any, b: Any = None) -> Any:
        return x @ W.T if b is None else x @ W.T + b

    def embedding(self, table: Any, ids: Any) -> Any:
        return table[ids]

    def cross_entropy(self, logits: Any, target: Any) -> Any:
        rows = self.jnp.arange(len(target))
        return -self.jnp.mean(self.jax.nn.log_softmax(logits)[rows, target])

    def states(self, cell: Any, weights: Any, h: Any, xs: Any) -> Any:
        def twice(h: Any, x: Any) -> tuple[Any, Any]:
            h = cell(self, h, x, *weights)
            return h, h

        return self.jax.lax.scan(twice, h, xs)[1]

    def step(self, problem: Problem) -> Step:
        jax, rate = self.jax, problem.rate
        jax.config.update("jax_enable_x64", problem.parameters[0].dtype == np.float64)
        parameters, data = (
            [self.jnp.array(array) for array in arrays]
            for arrays in (problem.parameters, problem.data)
        )
        both = jax.value_and_grad(partial(problem.loss, self))
        if rate is None:
            f = jax.jit(both)

            def gradient() -> list[Any]:
                value, (g,) = jax.block_until_ready(f(parameters, *data))
                return [value, g]

            return gradient

        @partial(jax.jit, donate_argnums=0)
        def train(parameters: Any, *data: Any) -> Any:
            value, gradients = both(parameters, *data)
            pairs = zip(parameters, gradients, strict=True)
            return value, [parameter - rate * gradient for parameter, gradient in pairs]

        def step() -> list[Any]:
            nonlocal parameters
            value, parameters = jax.block_until_ready(train(parameters, *data))
            return [value, *parameters]

        return step


class ByVjp(Unrolled):
    """A step of what has `vjp` and `sgd`."""

    def step(self, problem: Problem) -> Step:
        lib: Any = self
        parameters = [lib.parameter(array.copy()) for array in problem.parameters]
        data = [lib.constant(array) for array in problem.data]
        update, values = lib.sgd(parameters, problem.rate), lib.values(parameters)

        def loss(*parameters: Any) -> Any:
            return problem.loss(self, parameters, *data)

        def step() -> list[Any]:
            found = lib.vjp(loss, parameters)
            if problem.rate is None:
                return list(found)
            update(found[1:])
            return [found[0], *values]

        return step


class Autograd(ByVjp, peers.Autograd):
    """HIPS autograd."""

    def __init__(self) -> None:
        super().__init__()
        self.stack, self.sum = self.np.stack, self.np.sum

    def relu(self, x: Any) -> Any:
        return self.np.maximum(x, 0)

    def values(self, parameters: Any) -> Any:
        return parameters


class MyGrad(ByVjp, peers.MyGrad):
    """MyGrad."""

    def __init__(self) -> None:
        super().__init__()
        from mygrad.nnet import activations

        self.stack, self.sum, self.relu = self.mg.stack, self.mg.sum, activations.relu

    def values(self, parameters: Any) -> Any:
        return [parameter.data for parameter in parameters]


class Hand:
    """No library: `benchmarks.step_hand`."""

    def step(self, problem: Problem) -> Step:
        step: Step = self._made(problem)[0]
        return step

    def _made(self, problem: Problem) -> Any:
        return problem.by_hand([array.copy() for array in problem.parameters], problem.data)


class Products(Hand):
    """Of a step by hand the matrix products alone; they give no values to compare."""

    def step(self, problem: Problem) -> Any:
        """None where there are none."""
        return self._made(problem)[1]


PEERS: dict[str, Any] = {
    "autodiff": Compiled, "eager": Eager, "torch": Torch, "torch_compile": TorchCompiled,
    "jax": Jax, "autograd": Autograd, "mygrad": MyGrad, "numpy": Hand, "products": Products,
}  # fmt: skip
