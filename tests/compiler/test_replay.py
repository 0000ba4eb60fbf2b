"""Programs run by numpy: whose memory results are, in what layout, and what stops a program."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import buffers
from autodiff.compiler.call import compile as ad_compile
from autodiff.compiler.replay import Replay, Retry, replayed
from autodiff.compiler.tracing.simplify import simplified
from autodiff.strong_zero import has_nan
from tests.compiler.tools import assert_same, written_down

X = np.random.default_rng(0).normal(size=(20, 10))
ROW = X[0].copy()


def program(f: Callable[..., Any], *examples: Any) -> Replay:
    """The program of `f`, after it has seen the layouts of these."""
    made = replayed(simplified(written_down(f, *examples)))
    for _ in range(2):
        made(*examples)
    return made


def check(f: Callable[..., Any], *others: tuple[Any, ...]) -> Replay:
    """Run on a first call, on one with buffers, and on others, against plain numpy."""
    made = replayed(simplified(written_down(f, *others[0])))
    for args in [others[0], *others, others[0]]:
        expected = f(*args)
        results = made(*args)
        assert_same(results, list(expected) if isinstance(expected, tuple) else [expected])
    return made


def buffers_of(made: Replay) -> int:
    return len(set(re.findall(r"out=b(\d+)", made.text)) | set(re.findall(r", (b\d+),", made.text)))


MANY: dict[str, Callable[[Any], Any]] = {
    "a chain": lambda x: np.exp(np.tanh(x * 2 + 1)) - 0.5,
    "reuse after a view died": lambda x: np.exp((x * 2).T @ x) + (x.T * 3) @ (x - 1),
    "a view that lives on": lambda x: keeps_a_view(x),
    "a view of a view": lambda x: np.sin(np.cos(x)[::2][1:].T) + np.exp(x * 2)[2::2].T,
    "reductions": lambda x: (x * x).sum(0, keepdims=True) * (x - x.max(1, keepdims=True)).sum(),
    "reductions to many": lambda x: np.exp(np.sum(x[:, :, None] * x[:, None], axis=2)) * 2,
    "an operand twice": lambda x: [y := x + 1, y * y - y / (y + y)][1],
    "an operand and its transpose": lambda x: [y := x @ x.T, (y + 1) + (y + 1).T][1] * 2,
    "comparisons": lambda x: np.where((x > 0) & (x * 2 < 1), x, -x) * 1.0,
    "joined": lambda x: np.concatenate([x * 2, np.stack([x[0], x[1]])]) * 1.5,
    "powers": lambda x: ((x * 2) ** 2 + (x * x) ** 0.5) ** -1.0,
    "a transposed product": lambda x: np.sum(((x * 2).T + 1) * 3, axis=0) @ (x * 2 + 1),
}  # fmt: skip


def keeps_a_view(x: Any) -> Any:
    y = np.exp(x)
    row = y[3:5]
    z = np.sin(y + 1) * np.cos(x)
    return np.tanh(z * z).sum() * row * 2


@pytest.mark.parametrize("f", MANY.values(), ids=MANY)
def test_results_are_numpys(f: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    check(f, (X,), (X * 0.5,), (np.asfortranarray(X),), (np.repeat(X, 2, 1)[:, ::2],))
    monkeypatch.setattr(buffers, "LEAST", 1)
    check(f, (X,), (X * 0.5,), (np.asfortranarray(X),), (X[::-1, ::-1],))


def test_memory_is_used_again() -> None:
    def f(x: Any) -> Any:
        for _ in range(20):
            x = np.tanh(x) * 2 + 1
        return x.sum()

    assert buffers_of(check(f, (X,), (X + 1,))) == 1


def test_small_arrays_get_no_buffer() -> None:
    made = check(lambda x: np.exp(np.tanh(x) + 1) * 2, (ROW,), (ROW * 2,))
    assert "out=" not in made.text


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sums_in_the_order_of_memory(dtype: Any) -> None:
    # The last digits depend on the layout, so an intermediate result has to keep numpy's.
    x = np.random.default_rng(1).normal(size=(300, 70)).astype(dtype)
    check(lambda x: np.sum(np.exp(x) * 1.1), (x,), (np.asfortranarray(x),), (x[::-1],))
    check(lambda x: np.sum(np.exp(x.T) * 1.1, axis=0), (x,), (np.asfortranarray(x),))


# Results belong to the caller


def outputs(*results: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: tuple(f(x) for f in results)


OWN: dict[str, Callable[[Any], Any]] = {
    "a result": outputs(lambda x: np.exp(x)),
    "an argument": outputs(lambda x: x),
    "a copy of an argument": outputs(lambda x: x.copy()),
    "a view of an argument": outputs(lambda x: x[1:].T),
    "the same twice": outputs(lambda x: np.exp(x), lambda x: np.exp(x)),
    "a result and its view": outputs(lambda x: np.exp(x), lambda x: np.exp(x)[1:]),
    "views of a result": outputs(lambda x: np.exp(x)[0], lambda x: np.exp(x)[1]),
    "a reshaped result": outputs(lambda x: np.reshape(np.exp(x) * 2, (10, 20))),
    "a view of a constant": lambda x: (np.broadcast_to(x.sum(), (20, 10)), x * 2),
}


@pytest.mark.parametrize("f", OWN.values(), ids=OWN)
def test_results_are_memory_of_their_own(f: Callable[[Any], Any]) -> None:
    made, x = program(f, X), X.copy()
    first = made(x)
    expected = [r.copy() for r in first]
    second = made(x * 2)
    for k, r in enumerate(first):
        others = [*second, x, *first[:k], *first[k + 1 :]]
        assert not any(np.shares_memory(r, other) for other in others)
    assert_same(first, expected)


def test_constants_are_not_handed_out() -> None:
    constant = np.arange(3.0)
    written = written_down(lambda x: x * 2, X)
    written.outputs.append(constant)
    made = replayed(written)
    for _ in range(3):
        made(X)[1][...] = 7.0
    np.testing.assert_array_equal(constant, np.arange(3.0))


# Threads


def test_threads_do_not_share_buffers() -> None:
    def f(x: Any) -> Any:
        for _ in range(30):
            x = np.tanh(x) * 1.1 + np.sin(x)
        return x.sum(axis=0)

    made, right = program(f, X), []
    expected = {k: f(X * k) for k in range(4)}

    def work(k: int) -> None:
        right.extend(np.array_equal(made(X * k)[0], expected[k]) for _ in range(50))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 200


# Eager mode takes over


def test_a_guard_stops_the_program() -> None:
    def f(x: Any) -> Any:
        has_nan(np.log(x))
        return x * 2

    made = program(f, np.abs(X))
    with np.errstate(invalid="ignore"), pytest.raises(Retry):
        made(-np.abs(X))
    assert_same(made(np.abs(X)), [np.abs(X) * 2])


def test_an_error_leaves_the_program_usable() -> None:
    made = program(lambda x: np.exp(np.linalg.inv(x * 2) + 1) * 2, np.eye(10))
    with pytest.raises(np.linalg.LinAlgError):
        made(np.zeros((10, 10)))
    assert_same(made(np.eye(10)), [np.exp(np.linalg.inv(np.eye(10) * 2) + 1) * 2])


# The text


def test_the_text_is_readable() -> None:
    def f(x: Any) -> Any:
        y = ad.sigmoid(ad.Tensor(x))._value @ x.T
        return (y[1:, None, ..., ::2] * np.float32(2)).sum(axis=0) ** 2 - 1.5

    text = program(f, X).text
    for part in ("sigmoid(", "matmul(", "[1:, None, ..., ::2]", "** 2", "- 1.5", "out=b", "sum("):
        assert part in text, text


def test_names_do_not_clash() -> None:
    names = ("pool", "new", "buffers", "Retry", "v1", "b0", "lambda")
    made = [eval(f"lambda x: x * {k}.5") for k in range(len(names))]
    for f, name in zip(made, names, strict=True):
        f.__name__ = name

    def g(x: Any) -> Any:
        from autodiff.compiler.tracing.traced import emit

        return sum(np.tanh(emit(f, x)) for f in made)

    x = np.exp(X)
    expected = sum(np.tanh(x * (k + 0.5)) for k in range(len(names)))
    np.testing.assert_array_equal(program(g, x)(x)[0], expected)


# Inputs that are written into


def step(x: Any, g: Any, y: Any) -> tuple[Any, Any]:
    new = x * 0.9 + g * 0.1
    return new, (new * y).sum()


def stepping(f: Callable[..., Any], *examples: Any) -> Replay:
    """The first output is the new value of the first input."""
    written = simplified(written_down(f, *examples))
    return replayed(written, {written.outputs[0]: written.inputs[0]})


def test_an_input_takes_its_new_value() -> None:
    made, x, g = stepping(step, X, X, X), X.copy(), X + 1
    for k in range(4):
        expected = step(x.copy(), g, X)
        new, total = made(x, g, X)
        assert (new is None) == (k > 0)
        x = expected[0] if new is not None else x
        assert_same((x, total), expected)
    assert "out=v" in made.text


REFUSED: dict[str, Callable[..., Any]] = {
    "its old value is needed later": lambda x, y: (new := x * 0.5, (new + x).sum()),
    "its old value is a result": lambda x, y: (x * 0.5, x),
    "a view of it is a result": lambda x, y: (x * 0.5, x[1:]),
    "the new value is a result as well": lambda x, y: (new := x * 0.5, new[0]),
    "a guard comes later": lambda x, y: (x * 0.5, has_nan(y), y * 2)[::2],
    "a product reads it": lambda x, y: (x @ y, y.sum()),
    "another shape of memory": lambda x, y: ((x + y).T, y.sum()),
}  # fmt: skip


@pytest.mark.parametrize("f", REFUSED.values(), ids=REFUSED)
def test_an_input_keeps_its_value_where(f: Callable[..., Any]) -> None:
    x, y = np.ones((12, 12)) * 2, np.eye(12) + 1
    made = stepping(f, x, y)
    for _ in range(3):
        assert_same(made(x, y), list(f(x, y)))
    np.testing.assert_array_equal(x, np.ones((12, 12)) * 2)


def set_at(places: Any) -> Any:
    y = places * 1.0
    y[places] = 9.0
    return y


@pytest.mark.parametrize(("may_raise", "good", "bad"), [
    (np.linalg.inv, np.eye(2), np.zeros((2, 2))),
    (set_at, np.array([0, 1]), np.array([0, 99])),
    (lambda n: 2**n, np.array([0, 1]), np.array([0, -1])),
])  # fmt: skip
def test_an_error_after_an_update_changes_nothing(may_raise: Any, good: Any, bad: Any) -> None:
    def f(x: Any, y: Any) -> Any:
        return x * 0.5, may_raise(y)

    made, x = stepping(f, X, good), X.copy()
    for _ in range(3):
        made(x, good)
    with pytest.raises((np.linalg.LinAlgError, IndexError, ValueError)):
        made(x, bad)
    assert_same(x, X)


def test_an_input_of_which_another_is_a_view_is_not_written_into() -> None:
    made, x = stepping(step, X, X, X), X.copy()
    for _ in range(3):
        assert_same(made(x, x[:], X), list(step(x, x[:], X)))
        assert_same(made(x[:], x, X), list(step(x, x, X)))
    assert_same(x, X)


def test_rows_are_put_into_a_table_in_place() -> None:
    made = [ad.Embedding(50, 4, rng=0) for _ in range(2)]
    optimizers = [ad.optim.Adam(m.parameters()) for m in made]

    def train(model: Any, optimizer: Any, ids: Any) -> Any:
        loss = ad.sum(model(ids) ** 2)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    c = ad_compile(train, backend="numpy")
    for k in range(4):
        ids, before = np.array([k, 3, k, 7]), id(made[0].table._value)
        assert_same(c(made[0], optimizers[0], ids), train(made[1], optimizers[1], ids))
        assert_same(made[0].table, made[1].table)
        assert k < 2 or before == id(made[0].table._value)
