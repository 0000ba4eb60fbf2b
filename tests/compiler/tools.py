"""Compiled functions beside the same in eager mode."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

import autodiff as ad
from autodiff import tree
from autodiff.compiler.call import compile
from autodiff.compiler.tracing.program import Program
from autodiff.compiler.tracing.traced import Recorder, recording_into

__all__ = []


class Counted:
    """A compiled function that knows how often Python went through it: once, if all is well."""

    backend = "numpy"

    def __init__(self, f: Callable[..., Any]) -> None:
        self.f, self.calls = f, 0
        self.compiled = compile(self._call, backend=self.backend)

    def _call(self, *args: Any, **kwargs: Any) -> Any:
        self.calls += 1
        return self.f(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.compiled(*args, **kwargs)

    @property
    def program(self) -> Program:
        return self.compiled.program


def in_threads(work: Callable[[int], None], count: int = 4) -> None:
    """``work(0)``, ``work(1)`` and so on, all at the same time."""
    threads = [threading.Thread(target=work, args=(k,)) for k in range(count)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def arrays(result: Any) -> list[np.ndarray]:
    """All values of a tree, as plain arrays."""
    return [plain(leaf) for leaf in tree.flatten(result)[0]]


def plain(leaf: Any) -> np.ndarray:
    if isinstance(leaf, ad.RowGrad):
        return leaf.dense()
    return np.asarray(leaf._value if isinstance(leaf, (ad.Tensor, ad.Scalar)) else leaf)


def assert_same(actual: Any, expected: Any) -> None:
    """The same shapes, dtypes and bits, though nan is nan and may have any."""
    found, wanted = arrays(actual), arrays(expected)
    assert len(found) == len(wanted)
    for a, e in zip(found, wanted, strict=True):
        assert (a.dtype, a.shape) == (e.dtype, e.shape)
        if a.dtype.kind == "f":
            a, e = (np.where(np.isnan(x), np.asarray(np.nan, x.dtype), x) for x in (a, e))
        assert a.tobytes() == e.tobytes(), f"{a} is not {e}"


def assert_compiles(f: Callable[..., Any], *calls: tuple[Any, ...]) -> Counted:
    """`f` compiled gives what it gives in eager mode, for each of these tuples of arguments."""
    counted = Counted(f)
    for args in calls:
        expected = f(*args)
        assert_same(counted(*args), expected)
    assert counted.calls == 1, "eager mode had to help out"
    return counted


def written_down(f: Callable[..., Any], *examples: Any) -> Program:
    """The program of a function of arrays, before it is made simpler."""
    under_way = Recorder()
    with recording_into(under_way):
        out = f(*map(under_way.input, examples))
    results = out if isinstance(out, tuple) else (out,)
    under_way.program.outputs = [r.value for r in results]
    return under_way.program


def names(program: Program) -> list[str]:
    return [i.name for i in program.instructions]
