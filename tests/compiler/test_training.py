"""Training steps as programs: parameters, gradients and the state of optimisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.training import BACKENDS, X, Y, close, network, train

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def test_a_training_step_equals_eager_mode(backend: str) -> None:
    eager, compiled = network(), network()
    step = ad.compile(train, backend=backend)
    for k in range(5):
        close(step(*compiled, X + k, Y).data, train(*eager, X + k, Y).data)
    for p, q in zip(eager[0].parameters(), compiled[0].parameters(), strict=True):
        close(p.data, q.data)
    assert compiled[1].steps == 5
    assert step.programs == 1


def test_gradients_that_nobody_forgets_add_up(backend: str) -> None:
    def f(w: Any, optimizer: Any, x: Any) -> None:
        ad.sum(w * x).backward()
        optimizer.step()

    a, b = ad.Parameter(np.ones(2)), ad.Parameter(np.ones(2))
    first, second = ad.optim.SGD([a], 0.1), ad.optim.SGD([b], 0.1)
    compiled = ad.compile(f, backend=backend)
    for x in np.eye(2):
        for _ in range(2):
            compiled(a, first, x)
            f(b, second, x)
            close(a.data, b.data)
            close(a.grad, b.grad)


def test_two_steps_in_one_function(backend: str) -> None:
    def twice(model: Any, optimizer: Any, x: Any, y: Any) -> None:
        for _ in range(2):
            train(model, optimizer, x, y)

    eager, compiled = network(), network()
    f = ad.compile(twice, backend=backend)
    for _ in range(3):
        twice(*eager, X, Y)
        f(*compiled, X, Y)
    assert compiled[1].steps == 6
    for p, q in zip(eager[0].parameters(), compiled[0].parameters(), strict=True):
        close(p.data, q.data)


def test_a_learning_rate_that_changes(backend: str) -> None:
    eager, compiled = network(), network()
    step = ad.compile(train, backend=backend)
    for k in range(6):
        eager[1].lr = compiled[1].lr = 0.1 / (1 + k)
        close(step(*compiled, X, Y).data, train(*eager, X, Y).data)
    assert step.programs == 1


def test_looking_at_parameters_does_not_make_steps_slow(backend: str) -> None:
    model, optimizer = network()
    step = ad.compile(train, backend=backend)
    for _ in range(4):
        step(model, optimizer, X, Y)
        first = model.parameters()[0].data
        kept = first.copy()
        again = step._again
        step(model, optimizer, X, Y)
        np.testing.assert_array_equal(first, kept)  # what was handed out stays as it is
        del first
    step(model, optimizer, X, Y)
    model.parameters()[0].data.sum()
    again = step._again
    step(model, optimizer, X, Y)
    assert step._again is again


def test_parameters_that_are_numbers(backend: str) -> None:
    def f(k: Any, optimizer: Any) -> Any:
        loss = (k - 1.0) ** 2
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    for rule in (ad.optim.SGD, ad.optim.Adam):
        a, b = ad.Parameter(3.0), ad.Parameter(3.0)
        first, second = rule([a], 0.1), rule([b], 0.1)
        compiled = ad.compile(f, backend=backend)
        for _ in range(3):
            close(compiled(a, first).data, f(b, second).data)
        close(a.data, b.data)


def test_a_gradient_that_is_a_constant(backend: str) -> None:
    def f(w: Any, optimizer: Any) -> None:
        ad.sum(w * 2).backward()
        optimizer.step()

    for rule in (ad.optim.SGD, ad.optim.Adam):
        a, b = ad.Parameter(np.ones(3)), ad.Parameter(np.ones(3))
        ad.compile(f, backend=backend)(a, first := rule([a], 0.1))
        f(b, second := rule([b], 0.1))
        close(a.data, b.data)
        assert first.steps == second.steps == 1


def test_an_old_graph_keeps_its_values(backend: str) -> None:
    model, optimizer = network()
    step = ad.compile(train, backend=backend)
    step(model, optimizer, X, Y)
    step(model, optimizer, X, Y)
    out = ad.sum(model(X) ** 2)
    weight = model.parameters()[2]
    hidden = np.tanh(X @ model.parameters()[0].numpy().T + model.parameters()[1].numpy())
    before = 2 * model(X).detach().numpy().T @ hidden
    step(model, optimizer, X, Y)
    out.backward()
    close(weight.grad, before)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_rows_of_a_table_are_moved_also_where_numpy_moves_them(backend: str, dtype: str) -> None:
    def f(table: Any, optimizer: Any, rows: Any) -> Any:
        loss = ad.sum(ad.embedding(table, rows) ** 2)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    a, b = (ad.Parameter(np.arange(12.0).reshape(4, 3).astype(dtype) / 8) for _ in range(2))
    first, second = ad.optim.SGD([a], 0.125), ad.optim.SGD([b], 0.125)
    compiled = ad.compile(f, backend=backend)
    for rows in ([0, 2], [2, 2], [3, 1], [1, 1]):
        seen, copy = a.data, a.data.copy()
        expected = f(b, second, np.array(rows))
        np.testing.assert_allclose(compiled(a, first, np.array(rows)).data, expected.data, 2e-3)
        np.testing.assert_allclose(a.data, b.data, 2e-3)
        np.testing.assert_array_equal(seen, copy)
