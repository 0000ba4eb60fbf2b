"""PyTorch."""

from __future__ import annotations

import pickle
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.utils.checkpoint import checkpoint

from benchmarks.comparison.finding import Finding, documented, partly, refused
from benchmarks.comparison.library import Library, close

__all__ = ["Probes"]


class Wrong(torch.autograd.Function):
    """x * x, with a gradient that is wrong in its second entry."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 2 * ctx.saved_tensors[0] * torch.tensor([1.0, 2.0, 1.0])


class Cube(torch.autograd.Function):
    """x ** 3."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx: Any, g: Any) -> Any:
        return g * 3 * ctx.saved_tensors[0] ** 2


class Probes(Library):
    package, xp = "torch", SimpleNamespace(**{**vars(torch), "sort": torch.msort})

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        return torch.tensor(np.array(values, dtype))

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.detach())

    def grad(self, f: Any) -> Any:
        return torch.func.grad(f)

    def jvp(self, f: Any, x: Any, t: Any) -> Any:
        return torch.func.jvp(f, (x,), (t,))[1]

    def no_grad(self) -> Any:
        return torch.no_grad()

    def leaf(self, values: Any) -> Any:
        return torch.tensor(values, requires_grad=True)

    def hessian(self) -> None:
        x, v = torch.tensor([1.0, 2.0]), torch.tensor([1.0, 0.0])
        close(torch.func.jacrev(lambda x: x * x)(x), torch.diag(2 * x))
        close(torch.func.hessian(lambda x: torch.sum(x**3))(x), torch.diag(6 * x))
        close(torch.autograd.functional.hvp(lambda x: torch.sum(x**3), x, v)[1], 6 * x * v)

    def custom_op(self) -> None:
        x = self.leaf(2.0)
        (first,) = torch.autograd.grad(Cube.apply(x), x, create_graph=True)
        close(torch.autograd.grad(first, x)[0], 12.0)

    def vmap(self) -> None:
        rows = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
        close(torch.vmap(torch.func.grad(lambda x: torch.sum(x * x)))(rows), 2 * rows)

    def complex_numbers(self) -> None:
        z = self.leaf(1 + 2j)
        torch.real(z * torch.conj(z)).backward()
        close([z.grad.real, abs(z.grad.imag)], [2.0, 4.0])

    def numpy_functions(self) -> None:
        x = self.leaf([0.0, 1.0])
        np.sum(np.exp(x)).backward()

    def fourier(self) -> None:
        found = self.gradient(lambda x: torch.sum(torch.abs(torch.fft.fft(x)) ** 2), [1.0, 2.0])
        close(found, [4.0, 8.0])

    def gamma(self) -> None:
        close(self.gradient(torch.lgamma, 2.0), 1 - np.euler_gamma)

    def integer_leaf(self) -> Finding | None:
        return refused(lambda: self.leaf([2]))

    def backward_twice(self) -> Finding | None:
        x = self.leaf([2.0])
        y = (x * x * x).sum()
        y.backward()
        return refused(y.backward)

    def changed_in_place(self) -> Finding:
        def attempt(change: Any) -> Any:
            x = self.leaf([1.0, 2.0])
            h = 2 * x
            y = (h * h).sum()
            change(h)
            y.backward()
            return x.grad

        assert refused(lambda: attempt(lambda h: h.__setitem__(0, 5.0)))
        found = attempt(lambda h: h.detach().numpy().__setitem__(0, 5.0))
        assert not np.allclose(found, [8.0, 16.0])
        return partly("`h[0] = 5` is refused; through `h.detach().numpy()` it goes unnoticed")

    def assignment(self) -> None:
        x = self.leaf([1.0, 2.0])
        h = 2 * x
        h[0] = x[1] * 10
        h.sum().backward()
        close(x.grad, [0.0, 12.0])

    def lookup(self) -> None:
        table = self.leaf(np.ones((9, 2)))
        ids = torch.tensor([3, 5])
        torch.nn.functional.embedding(ids, table, sparse=True).sum().backward()
        assert table.grad.is_sparse

    def checkpoint(self) -> None:
        x = self.leaf([1.0, 1.0])
        checkpoint(lambda x: torch.exp(x).sum(), x, use_reentrant=False).backward()
        close(x.grad, [np.e, np.e])

    def pickle(self) -> None:
        x = self.leaf([2.0])
        x, y = pickle.loads(pickle.dumps((x, (x * x * x).sum())))
        y.backward()
        assert x.grad is not None, "the copy has forgotten how it was made"

    def picture(self) -> Finding:
        from torch.fx.experimental.proxy_tensor import make_fx

        gradient = torch.func.grad(lambda x: torch.tanh(x) * 2)
        assert "tanh" in str(make_fx(gradient)(torch.tensor(0.5)).graph)
        return partly("as text, by `make_fx`; as a picture by torchviz and other packages")

    def signals(self) -> Finding:
        x = self.leaf([1.0, 2.0])
        h = x * 3.0
        h.retain_grad()
        (h * h).sum().backward()
        close(h.grad, [6.0, 12.0])
        return partly("of a tensor that you hold, after `retain_grad()`")

    def first_nan(self) -> Finding:
        with torch.autograd.detect_anomaly():
            forward = refused(lambda: torch.log(self.leaf(-1.0)) * 2)
            backward = refused(lambda: (torch.sqrt(self.leaf(-1.0)) * 2).backward())
        assert forward is None
        assert backward and "Sqrt" in backward.note, str(backward)
        return partly("in backward only")

    def complaint(self) -> str:
        x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
        try:
            torch.autograd.gradcheck(Wrong.apply, x)
        except RuntimeError as error:
            return str(error)
        raise AssertionError("a wrong gradient passes")

    def checker(self) -> None:
        x = torch.ones(3, dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x: x * x, x)
        self.complaint()

    def checker_entries(self) -> Finding:
        assert "numerical" in self.complaint() and "analytical" in self.complaint()
        return partly("it shows both Jacobians, whole")

    def compile(self) -> None:
        def step(x: Any) -> Any:
            return x - 0.1 * torch.func.grad(lambda x: torch.sum(x * x))(x)

        compiled = torch.compile(step, fullgraph=True)
        close(compiled(compiled(torch.tensor([2.0]))), [1.28])

    def readable_code(self) -> Finding:
        from torch._inductor.utils import run_and_get_code

        _, code = run_and_get_code(torch.compile(lambda x: torch.tanh(x) * 2), torch.ones(3))
        assert "cpp" in "".join(code)
        return Finding("yes", "C++, printed with `TORCH_LOGS=output_code`")

    def loop(self) -> Finding:
        from torch._higher_order_ops import scan

        x = self.leaf(2.0)
        y, _ = scan(lambda h, e: (h * x + e, e.clone()), torch.tensor(1.0), torch.zeros(3))
        y.backward()
        close(x.grad, 12.0)
        return partly("`scan` is a prototype, in a private module")

    def half(self) -> None:
        found = self.grad(lambda x: torch.sum(x * x))(torch.ones(2, dtype=torch.bfloat16))
        assert found.dtype == torch.bfloat16

    def optimisers(self) -> None:
        assert torch.optim.Adam

    def convolution(self) -> None:
        kernel = torch.ones(1, 1, 2, dtype=torch.float64)
        found = self.gradient(lambda x: torch.conv1d(x, kernel).sum(), [[[1.0, 2.0, 3.0]]])
        close(found, [[[1.0, 2.0, 1.0]]])

    def gpu(self) -> Finding:
        return documented("https://docs.pytorch.org/docs/stable/cuda.html")

    def distributed(self) -> Finding:
        return documented("https://docs.pytorch.org/docs/stable/distributed.html")

    def pretrained(self) -> Finding:
        return documented("https://docs.pytorch.org/docs/stable/hub.html")
