"""A trace of constants, rates and hooks; and what may not leave it."""

from __future__ import annotations

import gc
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from autodiff.compiler.native import toolchain

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
on_both = pytest.mark.parametrize("backend", BACKENDS)

X, M = np.array([0.5, -1.5, 2.0]), np.arange(12.0).reshape(3, 4)


def same(a: Any, b: Any, backend: str) -> None:
    for x, y in zip(ad.tree.flatten(a)[0], ad.tree.flatten(b)[0], strict=True):
        x, y = np.asarray(x), np.asarray(y)
        assert x.dtype == y.dtype
        rtol = 0 if backend == "numpy" else 1e-13
        np.testing.assert_allclose(x, y, rtol=rtol, atol=rtol)


def check(f: Callable[..., Any], backend: str, *calls: Any) -> Any:
    compiled = ad.compile(f, backend=backend)
    for args in calls:
        same(compiled(*args), f(*args), backend)
    assert compiled.programs == 1
    return compiled


# Constants indexed by what is traced, or multiplied with it

I = np.array([2, 0, 1])  # noqa: E741 - ids
CONSTANTS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "sort": (ad.grad(lambda x: ad.sum(ad.sort(x, axis=0) * M)), M[[2, 0, 1]]),
    "take_along_axis": (lambda i: np.take_along_axis(M, i[:, None], axis=1), I),
    "take_along_axis of all": (lambda i: np.take_along_axis(M, i, axis=None), I),
    "take": (lambda i: ad.take(M, i, axis=1), I),
    "entries": (lambda i: ad.Tensor(M)[:, i], I),
    "dot": (lambda x: np.dot(2.0, x), X),
    "dot of a list": (lambda x: np.dot([1.0, 2, 3], x), M),
    "inner": (lambda x: np.inner([1.0, 2, 3, 4], x), M),
    "tensordot": (lambda x: np.tensordot([1.0, 2, 3], x, 1), M),
    "einsum": (lambda x: np.einsum("i,ij->j", [1.0, 2, 3], x), M),
    "cross": (lambda x: np.cross([1.0, 2, 3], x), X),
    "clip": (lambda x: np.clip([1.0, 2], x, x + 1), np.array(1.5)),
}


@on_both
@pytest.mark.parametrize("case", CONSTANTS)
def test_constants_first(backend: str, case: str) -> None:
    f, x = CONSTANTS[case]
    check(f, backend, (x,), (x[::-1].copy() if x.ndim else np.array(x * 2),))


# Optimisers


def decayed(w: Any, optimizer: Any, lr: Any, decay: Any) -> Any:
    optimizer.lr = lr
    optimizer.lr = optimizer.lr * 0.5
    optimizer.weight_decay = decay
    optimizer.zero_grad()
    ad.sum((w - 1.0) ** 2).backward()
    optimizer.step()
    return optimizer.lr * optimizer.steps


@on_both
@pytest.mark.parametrize("rule", [ad.optim.SGD, ad.optim.AdamW])
def test_rates_from_arguments(backend: str, rule: Any) -> None:
    a, b = (ad.Parameter(X) for _ in range(2))
    first, second = rule([a], 0.5), rule([b], 0.5)
    step = ad.compile(decayed, backend=backend)
    for k in range(3):
        given = 0.1 / (k + 1), 0.1 * k
        assert float(step(a, first, *given)) == pytest.approx(decayed(b, second, *given))
        same(a.data, b.data, backend)
    assert step.programs == 1 and first.lr == second.lr
    with pytest.raises(ad.errors.DomainError, match="lr=-1"):
        second.lr = -1.0


# Hooks


def backward(w: Any, x: Any) -> None:
    ad.sum(w * w * x).backward()


def through_time(w: Any, x: Any) -> None:
    h, _ = ad.scan(lambda h, x: (ad.tanh(w * h + x), None), 0.0 * x, ad.stack([x, x, x]))
    ad.sum(h).backward()


@on_both
@pytest.mark.parametrize("f", [backward, through_time])
def test_hooks_of_parameters(backend: str, f: Any) -> None:
    a, b = (ad.Parameter(X) for _ in range(2))
    for p in (a, b):
        p.register_hook(lambda g: 3 * g)
        p.register_hook(lambda g: np.clip(g, -1.0, 1.0))
    compiled = ad.compile(f, backend=backend)
    for k in range(2):
        compiled(a, X + k), f(b, X + k)
        same(a.grad, b.grad, backend)


HOOKS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a value": (lambda g: g if g[0] > 0 else -g, r"test_tracing_gaps.py:\d+ branches on a value"),
    "an effect": (lambda g: KEPT.append(g), "still holds after the call"),
}


@pytest.mark.parametrize("case", HOOKS)
def test_hooks_that_are_refused(case: str) -> None:
    hook, message = HOOKS[case]
    w = ad.Parameter(X)
    w.register_hook(hook)
    with pytest.raises(TraceError, match=message):
        ad.compile(backward, backend="numpy")(w, X)
    KEPT.clear()


def test_hooks_within_a_cell_are_refused() -> None:
    def f(w: Any, x: Any) -> None:
        def cell(h: Any, x: Any) -> Any:
            z = w * h + x
            z.register_hook(lambda g: 2 * g)
            return z, None

        ad.sum(ad.scan(cell, x, ad.stack([x, x]))[0]).backward()

    with pytest.raises(TraceError, match=r"test_tracing_gaps.py:\d+ goes back through a hook"):
        ad.compile(f, backend="numpy")(ad.Parameter(X), X)


# What is kept

KEPT: list[Any] = []
NAMED: dict[str, Any] = {}
HOLDER = SimpleNamespace()


def in_a_cell(x: Any) -> Any:
    return ad.scan(lambda h, x: (h + x, KEPT.append(x)), x[0], x)[0]


LEAKS: dict[str, Callable[[Any], Any]] = {
    "a list": lambda x: KEPT.append(x * 2) or x,
    "a dict": lambda x: NAMED.update(a=x * 2) or x,
    "an attribute": lambda x: setattr(HOLDER, "v", x * 2) or x,
    "a tensor": lambda x: KEPT.append(ad.tanh(x)) or x,
    "an argument": lambda x: KEPT.append(x) or x + 1,
    "a result": lambda x: [KEPT.append(y := x * 2), y][1],
    "in a cell": in_a_cell,
    "an object": lambda x: SimpleNamespace(v=x * 2),
    "an op": ad.custom_op(lambda x: KEPT.append(x) or x + 1, lambda g: g),
}


@pytest.mark.parametrize("case", LEAKS)
def test_what_is_kept_is_refused(case: str) -> None:
    try:
        with pytest.raises(TraceError, match=r"still holds after the call.*return the array"):
            ad.compile(LEAKS[case], backend="numpy")(X)
    finally:
        KEPT.clear(), NAMED.clear(), vars(HOLDER).clear()


def in_a_list_of_itself(x: Any) -> Any:
    made: list[Any] = [x * 2]
    made.append(made)
    return x * 3


def in_an_object_of_itself(x: Any) -> Any:
    made = SimpleNamespace(y=x * 2)
    made.me = made
    return made.y * 3


def in_a_recursive_closure(x: Any) -> Any:
    def power(n: int, y: Any) -> Any:
        return y if n == 0 else power(n - 1, y * x)

    return power(3, x)


@pytest.mark.parametrize("f", [in_a_list_of_itself, in_an_object_of_itself, in_a_recursive_closure])
def test_garbage_in_cycles_is_no_leak(f: Any) -> None:
    gc.disable()  # which would else collect it by chance
    try:
        check(f, "numpy", (X,), (X + 1,))
    finally:
        gc.enable()


def test_containers_optimisers_and_cycles_are_no_leaks() -> None:
    def f(x: Any, optimizer: Any) -> Any:
        made: list[Any] = [x * 2]
        made.append(made)
        optimizer.zero_grad()
        ad.sum(optimizer.params[0] * x).backward()
        optimizer.step()
        return {"a": [x * 2, (ad.tanh(x), 3)], "b": optimizer}

    w = ad.Parameter(X)
    out = ad.compile(f, backend="numpy")(X, ad.optim.Adam([w], 0.1))
    np.testing.assert_array_equal(out["a"][0], 2 * X)
    np.testing.assert_array_equal(out["b"].params[0].data, w.data)


# scan: the cell is given what it is given in eager mode


@on_both
def test_a_scan_over_plain_arrays(backend: str) -> None:
    def f(table: Any, ids: Any, h: Any) -> Any:
        return ad.scan(lambda h, i: (table[i] + h, h), h, ids)

    out = check(f, backend, (M, I, np.ones(4)), (2 * M, I[::-1].copy(), np.ones(4)))
    assert not isinstance(out(M, I, np.ones(4))[0], ad.Tensor)


def test_the_kinds_of_states_and_slices() -> None:
    def f(w: Any, h0: Any, xs: Any, ts: Any) -> Any:
        seen.clear()

        def cell(h: Any, x: Any) -> Any:
            seen.append([isinstance(v, ad.Tensor) for v in (*h, *x)])
            a, n = h
            return (ad.tanh(w * a) + x[0] * x[1], n + 1), (x[0], 1.5)

        return ad.scan(cell, (h0, h0), (xs, ts))

    seen: list[Any] = []
    args = ad.Tensor(X), X, M.T.copy(), ad.Tensor(M.T)
    eager = f(*args)
    last = seen[-1]
    out = ad.compile(f, backend="numpy")(*args)
    assert seen[-1] == last == [True, False, False, True]
    assert [type(a) for a in ad.tree.flatten(out)[0]] == [
        type(a) for a in ad.tree.flatten(eager)[0]
    ]
    same(out, eager, "numpy")


@on_both
def test_derivatives_with_states_of_both_kinds(backend: str) -> None:
    def f(w: Any, xs: Any) -> Any:
        def cell(state: Any, x: Any) -> Any:
            h, n = state
            return (np.tanh(h * w + x * n), n + 1.0), None

        (h, n), _ = ad.scan(cell, (np.ones(3), np.zeros(3)), xs)
        return ad.sum(h * n)

    g = ad.hessian(f) if backend == "numpy" else ad.grad(f)
    np.testing.assert_allclose(
        ad.compile(g, backend=backend)(X, M.T), g(X, M.T), rtol=1e-12, atol=1e-14
    )
