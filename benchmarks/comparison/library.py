"""Probes written once, on what each library gives: its functions and its gradient."""

from __future__ import annotations

import contextlib
import importlib.util
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.comparison.finding import Finding, absent, partly, refused

__all__ = ["Library", "close"]

F = Callable[..., Any]

MATRIX = [[2.0, 0.5], [-1.0, 3.0]]
OPS: dict[str, Callable[[Any, Any], Any]] = {
    "exp": lambda n, x: n.exp(x),
    "tanh": lambda n, x: n.tanh(x),
    "divide": lambda n, x: x / (x * x + 1.0),
    "where": lambda n, x: n.where(x > 1.0, x * x, x),
    "max": lambda n, x: n.max(x),
    "sum": lambda n, x: n.sum(x),
    "cumsum": lambda n, x: n.cumsum(x, 0),
    "matmul": lambda n, x: x @ x,
    "einsum": lambda n, x: n.einsum("ij,jk->k", x, x),
    "sort": lambda n, x: n.sort(x),
    "inv": lambda n, x: n.linalg.inv(x),
    "solve": lambda n, x: n.linalg.solve(x, x @ x),
    "det": lambda n, x: n.linalg.det(x),
    "cholesky": lambda n, x: n.linalg.cholesky(x @ x.T),
    "svd": lambda n, x: n.linalg.svd(x)[1],
}


def close(found: Any, right: Any, rtol: float = 1e-5) -> None:
    """Raise, with both, unless they are near each other."""
    found, right = np.asarray(found), np.asarray(right)
    good = found.shape == right.shape and np.allclose(found, right, rtol, atol=0)
    assert good, f"gives {found.tolist()} in place of {right.tolist()}"


class Library:
    """A library, and the probes of it; what has no probe here or in a subclass is absent."""

    package: str
    xp: Any
    """Its functions, by numpy's names."""
    eps = 1e-6

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return absent

    def array(self, values: Any, dtype: Any = np.float64) -> Any:
        """Numbers as the library takes them."""
        return np.array(values, dtype)

    def numpy(self, x: Any) -> np.ndarray:
        """And back."""
        return np.asarray(x)

    def grad(self, f: F) -> F:
        """The derivative of a function with a scalar result, as a function of the same."""
        raise NotImplementedError

    def jvp(self, f: F, x: Any, t: Any) -> Any:
        """Derivative of f at x along t, in forward mode."""
        raise NotImplementedError("it has no forward mode")

    def no_grad(self) -> Any:
        """Nothing is recorded here."""
        return contextlib.nullcontext()

    def gradient(self, f: F, values: Any, dtype: Any = np.float64) -> np.ndarray:
        return self.numpy(self.grad(f)(self.array(values, dtype)))

    # Derivatives

    def third_derivative(self) -> None:
        third = self.grad(self.grad(self.grad(lambda x: x * x * x * x)))
        close(self.numpy(third(self.array(2.0))), 48.0)

    def forward_mode(self) -> Finding | None:
        missing = [name for name in OPS if not self.has_forward(name)]
        if len(missing) == len(OPS):
            return absent("it has no forward mode")
        return partly(f"not for {', '.join(missing)}") if missing else None

    def has_forward(self, name: str) -> bool:
        """Whether forward mode of an op agrees with differences."""

        def f(x: Any) -> Any:
            return OPS[name](self.xp, x)

        x, t = np.array(MATRIX), np.array([[0.3, -0.2], [0.5, 0.7]])
        try:
            found = self.numpy(self.jvp(f, self.array(x), self.array(t)))
            ahead, behind = (self.numpy(f(self.array(x + s * self.eps * t))) for s in (1, -1))
            return np.allclose(found, (ahead - behind) / (2 * self.eps), rtol=1e-4, atol=1e-6)
        except Exception:
            return False

    def complex_numbers(self) -> None:
        found = self.gradient(lambda z: self.xp.real(z * self.xp.conj(z)), 1 + 2j, np.complex128)
        close([found.real, abs(found.imag)], [2.0, 4.0])  # there are two conventions

    def numpy_functions(self) -> Finding | None:
        close(self.gradient(lambda x: np.sum(np.exp(x)), [0.0, 1.0]), np.exp([0.0, 1.0]))
        more = refused(lambda: self.gradient(lambda x: np.sum(np.where(x > 0, x, -x)), [1.0, -1.0]))
        return partly("np.exp and np.sum, not np.where") if more else None

    # Right or refused

    def where_nan(self) -> None:
        def f(x: Any) -> Any:
            return self.xp.sum(self.xp.where(x > 0, self.xp.sqrt(x), 0.0 * x))

        with np.errstate(invalid="ignore"):
            close(self.gradient(f, [4.0, 0.0, -1.0]), [0.25, 0.0, 0.0])

    def norm_at_zero(self) -> None:
        found = self.gradient(self.xp.linalg.norm, [0.0, 0.0])
        assert np.all(np.isfinite(found)), f"gives {found.tolist()}"

    def max_ties(self) -> None:
        close(self.gradient(self.xp.max, [1.0, 2.0, 2.0]).sum(), 1.0)

    def tanh_tail(self) -> None:
        close(self.gradient(lambda x: self.xp.sum(self.xp.tanh(x)), [20.0]), [1.69934e-17])

    def float32_kept(self) -> None:
        found = self.gradient(lambda x: self.xp.sum(x * 2.0), [1.0], np.float32)
        assert found.dtype == np.float32, f"becomes {found.dtype}"

    def integer_leaf(self) -> Finding | None:
        found: list[np.ndarray] = []

        def cube(x: Any) -> Any:
            return self.xp.sum(x * x * x)

        said = refused(lambda: found.append(self.gradient(cube, [2], np.int64)))
        if found:
            close(found[0], [12.0])
        return said

    def out_of_range(self) -> Finding | None:
        x = self.array([1.0, 2.0])
        by_int = refused(lambda: self.numpy(x[10]))
        by_array = refused(lambda: self.numpy(x[self.array([10], np.int64)]))
        assert by_int or by_array, f"`x[10]` of two entries gives {self.numpy(x[10]):g}"
        return by_int if by_array else partly("not within an array of indices, where it gives 0")

    # Graphs

    def chain(self, length: int) -> None:
        def f(x: Any) -> Any:
            for _ in range(length // 4):
                x = x * 2.0 + 1.0
                x = x * 0.5 - 0.5
            return x

        close(self.gradient(f, 1.0), 1.0)

    def chain_5_000(self) -> None:
        self.chain(5_000)

    def chain_100_000(self) -> None:
        self.chain(100_000)

    def lookup(self) -> None:
        found = self.gradient(lambda table: self.xp.sum(table[np.array([3, 5])]), np.ones((9, 2)))
        raise AssertionError(f"gives all {len(found)} rows for 2 that were used")

    def threads(self) -> None:
        def worker(_: int) -> np.ndarray:
            return self.gradient(lambda x: self.xp.sum(x * x * x), [0.5])

        with ThreadPoolExecutor(4) as pool:
            close(list(pool.map(worker, range(40))), [[0.75]] * 40)
            with self.no_grad():
                found = list(pool.map(worker, range(4)))
        assert found == [0.75] * 4, "what one thread switches off is off in all"

    # Speed and reach

    def half(self) -> Finding:
        found = self.gradient(lambda x: self.xp.sum(x * x), [1.0], np.float16)
        assert found.dtype == np.float16, f"becomes {found.dtype}"
        return partly("float16, not bfloat16")

    # Seeing and testing

    def typed(self) -> None:
        spec = importlib.util.find_spec(self.package)
        assert spec and spec.origin
        assert Path(spec.origin).with_name("py.typed").exists(), "it has no file py.typed"
