"""What is traced: the whole engine, strong zeros, draws, writes; and what is refused, and how."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.call import compile
from autodiff.compiler.tracing.refusals import TraceError
from autodiff.composites.neural import uniform
from autodiff.op import rare
from tests.compiler.tools import Counted, arrays, assert_compiles, assert_same, names, written_down
from tests.test_strong_zero import BAD

X, Y = np.array([[0.5, -1.0, 2.0], [0.25, 3.0, -0.5]]), np.array([1.5, -0.25, 0.75])


# Functions of functions


def f(x: Any) -> Any:
    return ad.sum(ad.tanh(x) * x[::-1] + ad.softmax(x) ** 2)


TRANSFORMED: dict[str, Callable[..., Any]] = {
    "grad": ad.grad(f),
    "value and grad": ad.value_and_grad(f),
    "grad of grad": ad.grad(lambda x: ad.sum(ad.grad(f)(x) ** 2)),
    "vjp": lambda x: ad.vjp(lambda x: ad.exp(x) * x, x)[1](x),
    "jvp": lambda x: ad.jvp(lambda x: ad.exp(x) * x, (x,), (x + 1.0,)),
    "jvp of a quotient": lambda x: ad.jvp(f, (x,), (1.0 / (x * x + 1.0),)),
    "hvp": lambda x: ad.hvp(f, (x,), (x,)),
    "jacobian": ad.jacobian(lambda x: ad.matmul(x, x.T)),
    "a wide jacobian": ad.jacobian(lambda x: ad.sin(x[0, 0]) * ad.tensordot(x, x, 0)),
    "hessian": ad.hessian(f),
    "grad of jvp": ad.grad(lambda x: ad.jvp(f, (x,), (2.0 * x,))[1]),
    "vmap": lambda x: ad.vmap(lambda row: ad.cumsum(row) * row)(x),
    "checkpoint": ad.grad(lambda x: ad.checkpoint(f)(x)),
}


@pytest.mark.parametrize("f", TRANSFORMED.values(), ids=TRANSFORMED)
def test_functions_of_functions(f: Callable[..., Any]) -> None:
    assert_compiles(f, (X,), (X * 0.5 - 1,))
    assert_compiles(f, (X.astype(np.float32),))


def test_backward_within_and_gradients_that_add_up() -> None:
    def step(x: Any, y: Any) -> Any:
        (x * y).sum().backward()
        (ad.sin(x)).sum().backward()
        return x.grad

    one, other = (ad.Tensor(Y, requires_grad=True) for _ in range(2))
    c = Counted(step)
    for _ in range(3):
        assert_same(c(one, Y), step(other, Y))
        assert_same(one.grad, other.grad)


def test_rows_of_a_table_stay_rows() -> None:
    loss = ad.value_and_grad(lambda table, ids: ad.sum(ad.embedding(table, ids) ** 2))
    c = assert_compiles(loss, (X, np.array([1, 0, 1])), (X, np.array([0, 0, 0])))
    assert isinstance(c(X, np.array([1, 1, 0]))[1], ad.RowGrad)


def test_constants_met_by_an_index_that_is_an_argument() -> None:
    table, rows = ad.Tensor(X), np.arange(2)

    def f(x: Any, ids: Any) -> Any:
        picked = ad.grad(lambda x: ad.sum(x[rows, ids]) + ad.sum(x[ids % 2]))(x)
        return picked, table[ids % 2], ad.embedding(X, ids % 2), ad.take(X, ids, axis=1)

    assert_compiles(f, (X + 1, np.array([2, 1])), (X, np.array([0, 0])))


# Strong zeros: a nan that a mask should have stopped

MASKED: dict[str, Callable[..., Any]] = {
    "where": lambda f, x, good: ad.where(good, f(x), 3 * x),
    "a factor": lambda f, x, good: f(x) * good,
    "rows": lambda f, x, good: ad.sum(ad.stack([f(x), x]), axis=1)[1] * 2.0,
}


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("mask", MASKED.values(), ids=MASKED)
@pytest.mark.parametrize(("f", "at"), BAD.values(), ids=BAD)
def test_strong_zero(f: Callable[[Any], Any], at: float, mask: Callable[..., Any]) -> None:
    gradient = ad.grad(lambda x, good: ad.sum(mask(f, x, good)), allow_unused=True)
    good = np.array([1.0, 0.0])
    counted = Counted(gradient)
    for x in ([0.5, 0.25], [0.5, at], [0.25, 0.5]):
        assert_same(counted(np.array(x), good > 0), gradient(np.array(x), good > 0))
    assert counted.calls <= 2


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_strong_zero_forwards() -> None:
    def tangent(x: Any, t: Any) -> Any:
        return ad.jvp(lambda x: ad.sum(ad.sqrt(x) * 2.0), (x,), (t,))

    c = Counted(tangent)
    good, bad = (np.array([1.0, 2.0]), np.ones(2)), (np.array([0.0, 4.0]), np.array([0.0, 1.0]))
    for args in (good, bad, good):
        assert_same(c(*args), tangent(*args))
    assert c.calls == 2


def test_an_error_that_depends_on_values_is_that_of_eager_mode() -> None:
    c = compile(lambda x: ad.linalg.cholesky(x), backend="numpy")
    c(np.eye(2))
    with pytest.raises(np.linalg.LinAlgError, match=re.escape("linalg.cholesky(float64(2, 2))")):
        c(-np.eye(2))
    c = compile(lambda x, w: ad.average(x, weights=w), backend="numpy")
    c(Y, np.ones(3))
    with pytest.raises(ad.errors.DomainError, match="weights that sum to 0"):
        c(Y, np.zeros(3))
    c = compile(lambda x, i: ad.embedding(x, i), backend="numpy")
    c(X, np.array([1]))
    with pytest.raises(IndexError, match="id -1"):
        c(X, np.array([-1]))


def test_rare_conditions_are_guards() -> None:
    assert rare(np.bool_(True)) and not rare(np.bool_(False))
    c = Counted(lambda x: np.sum(x) if rare(np.any(x < 0)) else np.prod(x))
    assert [float(c(x)) for x in (Y + 1, Y, Y + 1)] == [np.prod(Y + 1), np.sum(Y), np.prod(Y + 1)]
    assert c.calls == 2


# Draws


def test_dropout_goes_on_with_the_generator() -> None:
    def step(x: Any, rng: Any) -> Any:
        return ad.dropout(x, 0.5, rng) + ad.dropout(x, 0.25, rng)

    a, b = np.random.default_rng(3), np.random.default_rng(3)
    c = Counted(step)
    for _ in range(3):
        assert_same(c(X, a), step(X, b))
    assert c.calls == 1
    assert a.random() == b.random()


def test_a_seed_draws_the_same_each_time() -> None:
    c = Counted(lambda x: ad.dropout(x, 0.5, 7))
    assert_same(c(X), ad.dropout(X, 0.5, 7))
    assert_same(c(X), ad.dropout(X, 0.5, 7))


def test_a_module_with_dropout() -> None:
    def step(model: Any, optimizer: Any, x: Any) -> Any:
        loss = ad.sum(model(x) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    a, b = (ad.Sequential(ad.Linear(3, 4, rng=0), ad.Dropout(0.5, rng=1)) for _ in range(2))
    c, steps = Counted(step), [ad.optim.SGD(m.parameters(), 0.1) for m in (a, b)]
    for _ in range(3):
        assert_same(c(a, steps[0], X), step(b, steps[1], X))
    assert c.calls == 1
    assert_same([p.data for p in a.parameters()], [p.data for p in b.parameters()])


def test_eager_mode_draws_what_the_program_has_drawn_in_vain() -> None:
    def step(x: Any, rng: Any) -> Any:
        return ad.grad(lambda x: ad.sum(ad.where(x > 0, ad.log(x), 0.0) * uniform(x._value, rng)))(
            x
        )

    a, b = np.random.default_rng(3), np.random.default_rng(3)
    c = Counted(step)
    with np.errstate(all="ignore"):
        for x in (Y + 1, Y * 0, Y + 1):
            assert_same(c(x, a), step(x, b))
    assert c.calls == 2


# Step rules on rows of a table

RULES: dict[str, Callable[..., Any]] = {
    "sgd": lambda p: ad.optim.SGD(p, 0.1),
    "momentum": lambda p: ad.optim.SGD(p, 0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adagrad": ad.optim.Adagrad, "rmsprop": ad.optim.RMSProp, "adam": ad.optim.Adam,
    "adamw": ad.optim.AdamW,
}  # fmt: skip


def table_step(layer: Any, optimizer: Any, ids: Any, clipped: Any) -> Any:
    loss = ad.sum(ad.tanh(layer(ids)) * Y)
    optimizer.zero_grad()
    loss.backward()
    norm = ad.optim.clip_grad_norm(layer.parameters(), 0.5) if clipped else 0.0
    optimizer.step()
    return loss, norm


@pytest.mark.parametrize("clipped", [False, True])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_steps_on_rows(rule: Callable[..., Any], dtype: Any, clipped: bool) -> None:
    a, b = (ad.Embedding(9, 3, rng=0, dtype=dtype) for _ in range(2))
    steps, c = [rule(m.parameters()) for m in (a, b)], Counted(table_step)
    rng = np.random.default_rng(0)
    for k in range(4):
        ids = rng.integers(0, 3 if k else 9, (2, 4))
        assert_same(c(a, steps[0], ids, clipped), table_step(b, steps[1], ids, clipped))
        assert_same(a.table.data, b.table.data)
    states = [dict(s.state_dict()) for s in steps]
    assert_same([states[0][k] for k in states[1]], list(states[1].values()))
    assert c.calls == 1


def test_a_gradient_of_rows_handed_out() -> None:
    def loss(table: Any, ids: Any) -> Any:
        out = ad.sum(ad.embedding(table, ids) ** 2)
        out.backward()
        return out

    a, b = (ad.Tensor(X, requires_grad=True) for _ in range(2))
    c, ids = Counted(loss), np.array([1, 1, 0])
    assert_same(c(a, ids), loss(b, ids))
    assert_same(a.grad, b.grad)


# Writing into arrays


def accumulated(x: Any) -> Any:
    out = np.empty_like(x)
    out[...] = 1.0
    out[0] = x[1]
    out[1, 1:] += x[0, 1:] * 2
    out += x
    np.multiply(out, 2.0, out=out)
    np.add.at(out, (0, np.array([1, 1])), 5.0)
    np.copyto(out, -out)
    np.add(out, 1.0, out=out, where=x > 0)
    return out


def test_writes_are_as_numpy_makes_them() -> None:
    assert_compiles(lambda x: accumulated(x), (X,), (X + 1,))


def test_an_argument_is_written_into() -> None:
    def g(x: Any, y: Any) -> Any:
        x += y
        x[0] = 7.0
        return x * 2

    c = compile(g, backend="numpy")
    for _ in range(2):
        x, x2 = X.copy(), X.copy()
        assert_same(c(x, Y), g(x2, Y))
        assert_same(x, x2)


def test_integer_arrays_keep_their_dtype_when_written_into() -> None:
    def g(counts: Any, x: Any) -> Any:
        counts += 1
        return counts * x

    assert_compiles(lambda n, x: g(n.copy(), x), (np.arange(3), Y), (np.arange(3) * 2, Y))


# What is refused

CAPTURED, HELD = np.zeros(3), SimpleNamespace(leaf=ad.Tensor(Y, requires_grad=True))
LEAKED: list[Any] = []


def into_captured(x: Any) -> None:
    CAPTURED[:] += x


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "a branch": (lambda x: x if x[0] > 0 else -x, "branches on a value.*np.where"),
    "all": (lambda x: x if np.all(x > 0) else -x, "branches on a value"),
    "a branch on a tensor": (lambda x: x if ad.sum(x) > 0 else -x, "branches on a value"),
    "item": (lambda x: x[0].item(), "takes .item()"),
    "item of a tensor": (lambda x: ad.sum(x).item(), "takes .item()"),
    "float": (lambda x: float(x[0]), "takes float()"),
    "int": (lambda x: int(x[0]), "takes int()"),
    "range": (lambda x: list(range(x[0])), "takes a value for a length"),
    "tolist": (lambda x: x.tolist(), "takes .tolist()"),
    "asarray": (lambda x: np.asarray(x), "leave out np.asarray"),
    "array of a list": (lambda x: np.array([x[0], x[1]]), "np.stack"),
    "an index of a plain array": (lambda x: Y[np.argsort(x)], "as an argument"),
    "printing": (lambda x: f"{x[0]:.3f}", "prints a number"),
    "a mask": (lambda x: x[x > 0], "a mask as an index.*shape depends on values"),
    "a slice": (lambda x: x[: np.argmax(x)], "the end of a slice"),
    "nonzero": (lambda x: np.nonzero(x), "np.nonzero.*shape depends on values"),
    "where": (lambda x: np.where(x > 0), "np.where.*shape depends on values"),
    "unique": (lambda x: np.unique(x), "np.unique"),
    "repeat": (lambda x: np.repeat(Y.copy() * x, x.astype(int)), "np.repeat"),
    "a write into a captured array": (into_captured, "is no argument"),
    "out": (lambda x: np.add(x, 1.0, out=CAPTURED), "is no argument"),
    "a write beside a view": (lambda x: [row := x[1:], x.__setitem__(0, 1.0), row][0], "views"),
    "a leaf that is no argument": (lambda x: HELD.leaf * x, "which is no argument"),
}  # fmt: skip


@pytest.mark.parametrize(("g", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(g: Callable[[Any], Any], message: str) -> None:
    with pytest.raises(TraceError, match=re.compile(message, re.DOTALL)) as caught:
        compile(g, backend="numpy")(np.array([1.0, 2.0, 0.5]))
    if "no argument:" not in str(caught.value) or "write" in str(caught.value):
        assert "test_traced.py:" in str(caught.value)
    assert not CAPTURED.any()


def test_the_line_is_the_users() -> None:
    def g(x: Any) -> Any:
        return ad.sum(x) if ad.sum(x) > 0 else x

    line = g.__code__.co_firstlineno + 1
    with pytest.raises(TraceError, match=f"test_traced.py:{line} "):
        compile(g, backend="numpy")(X)


def test_an_array_that_has_outlived_its_trace() -> None:
    with pytest.raises(TraceError, match="a list still holds"):
        compile(lambda x: LEAKED.append(x * 2) or x, backend="numpy")(X)
    (leaked,) = LEAKED
    with pytest.raises(TraceError, match="outside of it"):
        leaked + 1
    with pytest.raises(TraceError, match="outside of it"):
        compile(lambda x: x + leaked, backend="numpy")(X)
    assert leaked.shape == X.shape


def test_a_compiled_function_within_another_is_part_of_it() -> None:
    inner = compile(lambda x: ad.tanh(x) * 2, backend="numpy")
    outer = compile(lambda x: ad.grad(lambda x: ad.sum(inner(x)))(x), backend="numpy")
    assert_same(outer(X), ad.grad(lambda x: ad.sum(ad.tanh(x) * 2))(X))


# What is known without values


def test_shapes_and_dtypes_are_plain() -> None:
    def g(x: Any) -> Any:
        seen.append((x.shape, x.ndim, x.size, len(x), np.shape(x), x.dtype, np.result_type(x, 1.0)))
        return x * x.shape[0] + sum(1.0 for _ in x)

    seen: list[Any] = []
    assert_compiles(g, (X.astype(np.float32),))
    assert seen[0] == ((2, 3), 2, 6, 2, (2, 3), np.float32, np.float32)


def test_rules_become_single_instructions() -> None:
    for g in (ad.sigmoid, ad.softmax, ad.erf, ad.linalg.norm, ad.linalg.cholesky):
        program = written_down(lambda x, g=g: g(ad.Tensor(x))._value, np.eye(3))
        assert len([n for n in names(program) if n != "copied"]) <= 2, str(program)


def test_methods_of_arrays() -> None:
    def g(x: Any) -> Any:
        parts = [x.T, x.mT, x.ravel(), x.reshape(3, 2), x.transpose(1, 0), x.dot(Y), x.astype(int)]
        parts += [x.sum(0), x.max(axis=1), x.mean(), x.argmax(1), x.clip(-1, 1), x.copy(), abs(x)]
        parts += [x @ Y, Y @ x.T, x // 2, x % 2, 2 - x, 2**x, x > 0, (x > 0) & (x < 1), ~(x > 0)]
        return [*parts, -x, +x, x.std(), x.var(1), x.any(), x.all(0), x.take([1, 0], 1)]

    assert_compiles(g, (X,), (X - 1,))
    assert len(arrays(g(X))) == 30
