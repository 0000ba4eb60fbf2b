"""The libraries, made to look alike: what a case writes once runs on each of them.

Each class gives `constant` and `parameter` (arrays of the library), the ops that the cases use,
`vjp` (a forward and a backward), and `sgd` (an update by the library's optimiser where it has
one). Libraries are imported when asked for, so that a process holds only those it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["PEERS"]

Update = Callable[[Sequence[Any]], None]
"""Takes the gradients."""


class Autodiff:
    """This library."""

    def __init__(self) -> None:
        import autodiff as ad

        self.optim, self.constant = ad.optim, ad.Tensor
        self.tanh, self.sigmoid, self.concatenate = ad.tanh, ad.sigmoid, ad.concatenate
        self.linear, self.embedding, self.cross_entropy = ad.linear, ad.embedding, ad.cross_entropy

    def parameter(self, array: Any) -> Any:
        return self.constant(array, requires_grad=True)

    def vjp(self, f: Callable[..., Any], parameters: Sequence[Any], g: Any = None) -> list[Any]:
        for parameter in parameters:
            parameter.zero_grad()
        out = f(*parameters)
        out.backward(g)
        return [out.data, *(parameter.grad for parameter in parameters)]

    def cotangent(self, array: Any) -> Any:
        return array

    def sgd(self, parameters: Sequence[Any], rate: float) -> Update:
        optimizer = self.optim.SGD(parameters, rate)
        return lambda gradients: optimizer.step()


class Torch:
    """PyTorch, eager."""

    def __init__(self) -> None:
        import torch
        from torch.nn import functional

        torch.set_num_threads(1)
        self.torch, self.constant, self.cotangent = torch, torch.tensor, torch.tensor
        self.tanh, self.sigmoid, self.concatenate = torch.tanh, torch.sigmoid, torch.cat
        self.linear, self.cross_entropy = functional.linear, functional.cross_entropy
        self.embedding = lambda table, ids: functional.embedding(ids, table)

    def parameter(self, array: Any) -> Any:
        return self.torch.tensor(array, requires_grad=True)

    def vjp(self, f: Callable[..., Any], parameters: Sequence[Any], g: Any = None) -> list[Any]:
        for parameter in parameters:
            parameter.grad = None
        out = f(*parameters)
        out.backward(g)
        return [out.detach(), *(parameter.grad for parameter in parameters)]

    def sgd(self, parameters: Sequence[Any], rate: float) -> Update:
        optimizer = self.torch.optim.SGD(parameters, rate)
        return lambda gradients: optimizer.step()


class Autograd:
    """HIPS autograd."""

    def __init__(self) -> None:
        import autograd
        import autograd.numpy as anp

        self.make_vjp, self.np = autograd.make_vjp, anp
        self.tanh, self.concatenate = anp.tanh, anp.concatenate

    def constant(self, array: Any) -> Any:
        return np.array(array)[()]

    parameter = cotangent = constant

    def sigmoid(self, x: Any) -> Any:
        return 0.5 * (self.np.tanh(0.5 * x) + 1)

    def linear(self, x: Any, W: Any, b: Any = None) -> Any:
        return x @ W.T if b is None else x @ W.T + b

    def embedding(self, table: Any, ids: Any) -> Any:
        return table[ids]

    def cross_entropy(self, logits: Any, target: Any) -> Any:
        shifted = logits - self.np.max(logits, axis=-1, keepdims=True)
        correct = shifted[np.arange(len(target)), target]
        return self.np.mean(self.np.log(self.np.sum(self.np.exp(shifted), axis=-1)) - correct)

    def vjp(self, f: Callable[..., Any], parameters: Sequence[Any], g: Any = None) -> list[Any]:
        if len(parameters) == 1:
            pull, out = self.make_vjp(f)(*parameters)
            return [out, pull(1.0 if g is None else g)]
        pull, out = self.make_vjp(lambda all_: f(*all_))(list(parameters))
        return [out, *pull(1.0 if g is None else g)]

    def sgd(self, parameters: Sequence[Any], rate: float) -> Update:
        def update(gradients: Sequence[Any]) -> None:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= rate * gradient

        return update


class MyGrad:
    """MyGrad."""

    def __init__(self) -> None:
        import mygrad as mg
        from mygrad.nnet import activations, losses

        self.mg, self.tanh, self.concatenate = mg, mg.tanh, mg.concatenate
        self.sigmoid, self.cross_entropy = activations.sigmoid, losses.softmax_crossentropy

    def constant(self, array: Any) -> Any:
        # Ids and classes stay plain arrays: MyGrad's losses ask for that.
        return self.mg.tensor(array, constant=True) if array.dtype.kind == "f" else array

    def parameter(self, array: Any) -> Any:
        return self.mg.tensor(array)

    def cotangent(self, array: Any) -> Any:
        return array

    def linear(self, x: Any, W: Any, b: Any = None) -> Any:
        return x @ W.T if b is None else x @ W.T + b

    def embedding(self, table: Any, ids: Any) -> Any:
        return table[ids]

    def vjp(self, f: Callable[..., Any], parameters: Sequence[Any], g: Any = None) -> list[Any]:
        for parameter in parameters:
            parameter.null_grad()
        out = f(*parameters)
        out.backward(g)
        return [out.data, *(parameter.grad for parameter in parameters)]

    def sgd(self, parameters: Sequence[Any], rate: float) -> Update:
        def update(gradients: Sequence[Any]) -> None:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.data -= rate * gradient

        return update


PEERS: dict[str, Any] = {
    "autodiff": Autodiff, "torch": Torch, "autograd": Autograd, "mygrad": MyGrad,
}  # fmt: skip
