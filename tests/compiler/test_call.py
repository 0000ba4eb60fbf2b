"""`compile` as a user meets it: what counts as an argument, what is written, what is refused."""

from __future__ import annotations

import functools
import warnings
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.tools import in_threads
from tests.compiler.training import BACKENDS, X, Y, close, network, train

pytestmark = pytest.mark.parametrize("backend", BACKENDS)


def test_what_a_function_reaches_by_itself_is_an_argument(backend: str) -> None:
    eager, (model, optimizer) = network(), network()

    def loss_of(x: Any) -> Any:
        return ad.mse(model(x), Y)

    @functools.partial(ad.compile, backend=backend)
    def step(x: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()
        optimizer.step()
        return loss

    for k in range(3):
        close(step(X + k).data, train(*eager, X + k, Y).data)
    model, optimizer = network()  # others in the same variables
    close(step(X).data, ad.mse(network()[0](X), Y).data)
    assert optimizer.steps == 1


def test_methods_modules_and_partials(backend: str) -> None:
    model, _ = network()
    for f in (model, model.forward, functools.partial(model.forward)):
        compiled = ad.compile(f, backend=backend)
        close(compiled(X).data, model(X).data)
        model.parameters()[0].data = model.parameters()[0].data + 1.0
        close(compiled(X).data, model(X).data)


def test_gradients_of_backward_are_delivered(backend: str) -> None:
    w = ad.Tensor([1.0, 2.0], requires_grad=True)
    f = ad.compile(lambda w, x: ad.sum(w * x * x).backward(), backend=backend)
    for _ in range(2):  # the second is added to the first, as in eager mode
        f(w, np.array([3.0, 4.0]))
    np.testing.assert_array_equal(w.grad, [18.0, 32.0])


def test_parameters_may_be_looked_at_between_steps(backend: str) -> None:
    w = ad.Parameter(np.ones(100))

    def step(w: Any, optimizer: Any) -> None:
        optimizer.zero_grad()
        ad.sum(w * w).backward()
        optimizer.step()

    compiled, optimizer = ad.compile(step, backend=backend), ad.optim.SGD([w], lr=0.25)
    seen, kept = [], []
    for k in range(6):
        compiled(w, optimizer)
        seen.append(w.data[0])
        kept += [w.data] if k == 3 else []
    np.testing.assert_array_equal(seen, 0.5 ** np.arange(1, 7))
    np.testing.assert_array_equal(kept, [np.full(100, 0.5**4)])


def test_a_row_gradient_stays_one(backend: str) -> None:
    table = ad.Tensor(np.arange(6.0).reshape(3, 2), requires_grad=True)
    f = ad.compile(lambda t, i: ad.sum(ad.embedding(t, i) ** 2).backward(), backend=backend)
    f(table, np.array([2, 0, 2]))
    assert isinstance(table.grad, ad.RowGrad)
    np.testing.assert_array_equal(table.grad.dense(), [[0, 2], [0, 0], [16, 20]])


def test_numbers_and_their_kinds(backend: str) -> None:
    f = ad.compile(lambda x, factor, n: x * factor + n, backend=backend)
    close(f(X, 2.0, 1), X * 2.0 + 1)
    close(f(X, 3.0, 1), X * 3.0 + 1)
    assert f.programs == 1  # floats may change
    close(f(X, 3.0, 2), X * 3.0 + 2)
    assert f.programs == 2  # integers are constants
    assert f(X.astype("f4"), 0.1, 1).dtype == np.float32


def test_two_equal_numbers_are_two_arguments(backend: str) -> None:
    f = ad.compile(lambda a, b: a - 2 * b, backend=backend)
    one = 1.0
    assert (f(one, one), f(one, 3.0), f.programs) == (-1.0, -5.0, 1)


def test_an_array_given_twice_is_one(backend: str) -> None:
    def f(a: Any, b: Any) -> Any:
        a += 1.0
        return b * 2

    x, y, z = np.ones(3), np.ones(3), np.ones(3)
    compiled = ad.compile(f, backend=backend)
    np.testing.assert_array_equal(compiled(x, x), [4.0, 4.0, 4.0])
    np.testing.assert_array_equal(compiled(y, z), [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(y, [2.0, 2.0, 2.0])


def test_a_mode_of_a_module_is_part_of_the_kind(backend: str) -> None:
    model = ad.Sequential(ad.Linear(2, 2, rng=0), ad.Dropout(0.5, rng=1))
    f = ad.compile(lambda m, x: m(x), backend=backend)
    model.eval()
    f(model, X)
    close(f(model, X).data, model(X).data)
    model.train()
    assert (f(model, np.ones((9, 2))).data == 0).any()
    model.eval()
    close(f(model, X).data, model(X).data)


class Masked(ad.Module):
    def __init__(self) -> None:
        self.w, self.mask = ad.Parameter(np.ones(2)), np.array([1.0, 2.0])
        self.tables, self._scale, self.seen = [np.array([3.0, 4.0])], 1.0, np.zeros(2)

    def forward(self, x: Any) -> Any:
        self.seen += x
        return ad.sum(self.w * self.mask * self.tables[0] * x) * self._scale


def test_arrays_of_a_module_may_change(backend: str) -> None:
    eager, compiled = Masked(), Masked()
    f = ad.compile(lambda m, x: m(x), backend=backend)

    def same() -> None:
        x = np.array([1.0, 0.5])
        close(f(compiled, x).data, eager(x).data)
        close(compiled.seen, eager.seen)

    same()
    same()
    for m in (eager, compiled):
        m.mask[0] = 7.0
    same()
    for m in (eager, compiled):
        m.tables[0], m.mask = np.array([-1.0, 1.0]), np.array([0.0, 1.0])
    same()
    assert f.programs == 1
    eager._scale = compiled._scale = 2.0
    same()


def test_dropout_draws_anew_and_as_in_eager_mode(backend: str) -> None:
    def make() -> Any:
        return ad.Dropout(0.5, rng=np.random.default_rng(3))

    eager, compiled = make(), make()
    f = ad.compile(lambda m, x: m(x), backend=backend)
    for _ in range(3):
        close(f(compiled, X).data, eager(X).data)


def test_within_a_graph_the_derivative_goes_through(backend: str) -> None:
    f = ad.compile(lambda x: ad.sum(x**3), backend=backend)
    f(X)
    close(ad.grad(lambda x: f(2 * x))(X), 24 * X**2)
    close(ad.compile(ad.grad(lambda x: f(x)), backend=backend)(X), 3 * X**2)


def test_an_outer_gradient_with_respect_to_a_leaf_is_refused(backend: str) -> None:
    w = ad.Parameter(np.ones(2))
    f = ad.compile(lambda w: ad.sum(w**3), backend=backend)
    assert f(w).item() == 2.0
    with pytest.raises(ad.errors.GraphError, match="result of a compiled function"):
        (ad.sum(w) + f(w)).backward()


def test_other_tensors_of_the_same_kind(backend: str) -> None:
    f = ad.compile(lambda ts: ts[0] * ts[1], backend=backend)
    for k in range(3):
        a, b = ad.Tensor(X + k), ad.Tensor(X - k, requires_grad=True)
        close(f([a, b]).data, (X + k) * (X - k))
    assert f.programs == 1


def test_scalars(backend: str) -> None:
    def f(w: Any, x: float) -> Any:
        return ad.tanh(w * x)

    w = ad.Scalar(0.5)
    assert ad.compile(f, backend=backend)(w, 2.0).item() == pytest.approx(np.tanh(1.0), rel=1e-15)


def test_past_the_limit_in_eager_mode(backend: str) -> None:
    f = ad.compile(lambda x: x * 2, backend=backend, limit=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(np.ones(1)), f(np.ones(2)), f(np.ones(1)), f(np.ones(2))
    with pytest.warns(UserWarning, match=r"argument 0 is float64\(3,\), and was float64\(2,\)"):
        np.testing.assert_array_equal(f(np.ones(3)), [2.0, 2.0, 2.0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # it is said once
        f(np.ones(4)), f(np.ones(3))
    assert f.programs == 2


@pytest.mark.parametrize("base", [object, ad.Module])
def test_in_the_body_of_a_class(backend: str, base: type) -> None:
    class Scaled(base):  # type: ignore[misc]
        def __init__(self) -> None:
            self.w = ad.Parameter(np.array([2.0, 3.0]))

        @functools.partial(ad.compile, backend=backend)
        def times(self, x: Any) -> Any:
            return self.w * x if isinstance(self, ad.Module) else x * 2

    made = Scaled()
    expected = made.w.data * X if base is ad.Module else 2 * X
    for result in (made.times(X), made.times(X), Scaled.times(made, X)):
        close(result.data if base is ad.Module else result, expected)
    assert Scaled.times.programs == 1


def test_off(backend: str, monkeypatch: Any) -> None:
    calls = []
    f = ad.compile(lambda x: calls.append(x), backend="off")
    f(1.0), f(1.0)
    monkeypatch.setenv("AUTODIFF_COMPILE", "off")
    ad.compile(lambda x: calls.append(x))(1.0)
    assert len(calls) == 3 and f.program is None and not f.source


def test_arrays_that_do_not_lie_in_order(backend: str) -> None:
    def f(x: Any, w: Any) -> Any:
        x += w
        return x.sum()

    compiled = ad.compile(f, backend=backend)
    whole, twin, w = np.ones((6, 4)), np.ones((6, 4)), np.arange(12.0).reshape(4, 3).T
    for _ in range(3):
        close(compiled(whole[::2], w), f(twin[::2], w))
        w += 1.0
        close(whole, twin)


def test_bytes_in_another_order_and_arrays_that_may_not_be_written(backend: str) -> None:
    f = ad.compile(lambda x: x + 1, backend=backend)
    close(f(np.arange(3.0).astype(">f8")), [1.0, 2.0, 3.0])
    fixed = np.zeros(3)
    fixed.flags.writeable = False

    def write(x: Any) -> None:
        x += 1.0

    g = ad.compile(write, backend=backend)
    g(np.zeros(3))
    with pytest.raises(ValueError, match="read-only"):
        g(fixed)
    assert not fixed.any()


def test_a_tensor_as_a_default(backend: str) -> None:
    k = ad.Tensor([2.0])

    def f(x: Any, k: Any = k, *, m: Any = k) -> Any:
        return x * k + m

    compiled = ad.compile(f, backend=backend)
    assert compiled(3.0).item() == 8.0
    k.data = [5.0]
    assert compiled(3.0).item() == 20.0
    assert compiled(3.0, 1.0, m=1.0) == 4.0


def test_the_text_is_the_same_each_time(backend: str) -> None:
    def make() -> Any:
        f = ad.compile(lambda x: ad.sum(ad.tanh(x)) * 2, backend=backend)
        f(X)
        return f.source.split("EXPORT", 3)[-1]

    assert make() == make()


def test_text(backend: str) -> None:
    f = ad.compile(lambda x: ad.tanh(x) + 1, backend=backend)
    f(X)
    assert "tanh" in str(f.program) and "test_call.py" in str(f.program)
    assert ("tanh_f64" in f.source) == (backend == "c")


def test_bad_arguments(backend: str) -> None:
    with pytest.raises(ad.errors.DomainError, match="fortran"):
        ad.compile(lambda x: x, backend="fortran")
    with pytest.raises(ad.errors.DTypeError, match="takes a function"):
        ad.compile(3, backend=backend)  # type: ignore[arg-type]
    for limit in ("a", 2.0, -1):
        with pytest.raises(ad.errors.DomainError, match=r"limit=.* is no number of programs"):
            ad.compile(lambda x: x, backend=backend, limit=limit)  # type: ignore[arg-type]


def test_errors_are_those_of_eager_mode_and_change_nothing(backend: str) -> None:
    table = ad.Parameter(np.ones((3, 2)))
    optimizer = ad.optim.SGD([table], 0.1)

    def step(table: Any, optimizer: Any, ids: Any) -> None:
        optimizer.zero_grad()
        ad.sum(ad.embedding(table, ids)).backward()
        optimizer.step()

    f = ad.compile(step, backend=backend)
    f(table, optimizer, np.array([0, 1]))
    before = table.numpy()
    for ids in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError):
            f(table, optimizer, np.array(ids))
        np.testing.assert_array_equal(table.data, before)


def test_threads(backend: str) -> None:
    f = ad.compile(lambda x: ad.sum(ad.tanh(x @ x.T)), backend=backend)
    f(X)
    expected = [float(ad.sum(ad.tanh((X + k) @ (X + k).T))) for k in range(4)]
    found: list[list[float]] = [[] for _ in range(4)]

    def work(k: int) -> None:
        for _ in range(50):
            found[k].append(float(f(X + k)))

    in_threads(work)
    for k in range(4):
        np.testing.assert_allclose(found[k], expected[k], rtol=1e-13)
