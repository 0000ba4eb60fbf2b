"""What C programs are given, and what they leave to eager mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native import runner
from tests.compiler.near import InC, assert_near, assert_runs_in_c, needs_compiler
from tests.compiler.tools import in_threads

pytestmark = [needs_compiler, pytest.mark.usefixtures("cache", "built_fast")]

X = np.random.default_rng(0).normal(size=(4, 5))
W = np.random.default_rng(1).normal(size=(5, 3))


def layer(x: Any, w: Any) -> Any:
    return np.tanh(x @ w).sum(axis=0), x.T * 2, ad.grad(lambda x: ad.sum(ad.softmax(x) * x))(x)


def read_only(x: np.ndarray) -> np.ndarray:
    x = x.copy()
    x.flags.writeable = False
    return x


LAYOUTS = {
    "fortran": np.asfortranarray,
    "every other": lambda x: np.repeat(x, 2, axis=1)[:, ::2],
    "backwards": lambda x: x[::-1].copy()[::-1],
    "read-only": read_only,
    "unaligned": lambda x: np.frombuffer(b"\0" + x.tobytes(), np.uint8)[1:].view(x.dtype).reshape(
        x.shape),
}  # fmt: skip


def test_inputs_of_any_layout() -> None:
    made = InC(layer)
    assert_near(made(X, W), layer(X, W))
    for name, change in LAYOUTS.items():
        x, w = change(X), change(W)
        before = x.copy()
        assert_near(made(x, w), layer(x, w), name=name)
        np.testing.assert_array_equal(x, before)
    assert made.calls == 1


def test_large_inputs_of_any_layout() -> None:
    """Those are not copied if they lie in order."""
    x = np.random.default_rng(2).normal(size=(300, 5))
    made = InC(layer)
    for name, change in LAYOUTS.items():
        assert_near(made(change(x), W), layer(x, W), 64, name)


def test_big_endian_inputs() -> None:
    x = X.astype(">f8")
    made = InC(lambda x: np.tanh(x) + 1)
    np.testing.assert_allclose(made(x), np.tanh(X) + 1, rtol=1e-14)


def test_parameters_that_are_views() -> None:
    def step(w: Any, x: Any, optimizer: Any) -> Any:
        optimizer.zero_grad()
        loss = ad.sum((x @ w) ** 2)
        loss.backward()
        optimizer.step()
        return loss

    results = []
    for backend in ("c", "off"):
        whole = np.stack([W, W + 1], axis=-1)
        w = ad.Parameter(whole[..., 0])
        optimizer = ad.optim.Adam([w], 0.01)
        f = ad.compile(step, backend=backend)
        losses = [f(w, X, optimizer).item() for _ in range(4)]
        results.append((losses, w.data.copy(), whole[..., 1].copy()))
    assert_near(results[0], results[1], 64)
    np.testing.assert_array_equal(results[0][2], W + 1)


def strong_zero(x: Any) -> Any:
    """The branch that is not taken has an infinite derivative, which a zero switches off."""
    return ad.sum(np.where(x > 0, np.sqrt(np.where(x > 0, x, 0.0)), 0.0) + np.where(x > 1, x, 0.0))


def test_zeros_are_strong() -> None:
    f = ad.value_and_grad(strong_zero)
    made = InC(f)
    for x in (X, np.array([[0.0, -1.0, 4.0]]), np.zeros(3)):
        assert_near(made(x), f(x))
        assert np.isfinite(np.asarray(made(x)[1])).all()


def test_zero_times_infinity() -> None:
    f = ad.grad(lambda x: ad.sum(np.sqrt(x) * np.array([0.0, 1.0, 0.0])))
    x = np.array([0.0, 4.0, np.inf])
    with np.errstate(all="ignore"):
        assert_near(InC(f)(x), f(x))


PLACES = {
    "getitem": lambda x, ids: x[ids],
    "two axes": lambda x, ids: x[ids, ids],
    "last axis": lambda x, ids: x[:, ids],
    "take_along_axis": lambda x, ids: np.take_along_axis(x, ids[:, None], axis=1),
    "embedding": lambda x, ids: ad.embedding(x, ids),
    "cross_entropy": lambda x, ids: ad.cross_entropy(x, ids),
    "in a loop": lambda x, ids: ad.scan(lambda h, i: (h + x[i], None), np.zeros(5), ids)[0],
}


@pytest.mark.parametrize("name", PLACES)
def test_places_that_there_are_not(name: str) -> None:
    """They are errors of eager mode, before anything has changed."""

    def step(w: Any, ids: Any, optimizer: Any) -> Any:
        optimizer.zero_grad()
        ad.sum(w * w).backward()
        optimizer.step()  # comes first
        return PLACES[name](w, ids)

    w = ad.Parameter(X)
    optimizer = ad.optim.SGD([w], 0.1, momentum=0.9)
    made = InC(step)
    made(w, np.array([0, 1, 2, 3]), optimizer)
    outside = np.array([0, 1, 2, 9])
    before = w.data.copy()
    with pytest.raises(IndexError):
        made(w, outside, optimizer)
    # Eager mode, too, had made its step by then: exactly one.
    gradient = 2 * before
    momentum = 0.9 * 2 * X + gradient
    np.testing.assert_allclose(w.data, before - 0.1 * momentum, rtol=1e-14)


def test_negative_places_count_from_the_end() -> None:
    f = ad.grad(lambda x, ids: ad.sum(x[ids] * np.arange(3.0)[:, None]))
    assert_runs_in_c(f, (X, np.array([-1, 0, -4])), (X, np.array([3, -2, 1])))


def test_a_gradient_with_nan_is_left_to_eager_mode() -> None:
    """Which makes the same of it; no parameter has changed before."""

    def step(w: Any, x: Any, optimizer: Any) -> Any:
        optimizer.zero_grad()
        loss = ad.sum(np.log(x @ w))
        loss.backward()
        optimizer.step()
        return loss

    results = []
    for backend in ("c", "off"):
        w = ad.Parameter(np.abs(W))
        optimizer = ad.optim.SGD([w], 0.01, momentum=0.9)
        f = ad.compile(step, backend=backend)
        with np.errstate(all="ignore"):
            losses = [f(w, x, optimizer).item() for x in (np.abs(X), np.full((4, 5), np.nan))]
        results.append((losses, w.data))
    assert_near(results[0], results[1], 64)


def test_threads_with_a_model() -> None:
    model = ad.Sequential(ad.Linear(5, 8, rng=0), ad.tanh, ad.Linear(8, 3, rng=1))

    def loss(model: Any, x: Any) -> Any:
        return ad.sum(model(x) ** 2)

    f, found = ad.compile(loss, backend="c"), [list[float]() for _ in range(4)]
    expected = [loss(model, X + k).item() for k in range(4)]
    f(model, X)

    def work(k: int) -> None:
        for _ in range(100):
            found[k].append(f(model, X + k).item())

    in_threads(work)
    for k in range(4):
        np.testing.assert_allclose(found[k], expected[k], rtol=1e-13)


def test_threads_with_a_model_each(monkeypatch: Any) -> None:
    """No space of a call under way is touched by another call."""
    f = ad.compile(lambda w, x: ad.sum(w * x), backend="c")
    x, take = np.ones(4000), runner._Workspace.take

    def watched(space: Any, inputs: Any) -> None:
        assert space not in space.native._spaces
        take(space, inputs)

    monkeypatch.setattr(runner._Workspace, "take", watched)
    right = [0] * 4

    def work(k: int) -> None:
        w = ad.Tensor(np.full(4000, float(k)))
        for _ in range(100):
            right[k] += f(w, x).item() == 4000.0 * k

    work(0)
    in_threads(work)
    assert right == [200, 100, 100, 100]


def test_overlapping_writes() -> None:
    def shifted(x: Any) -> Any:
        y, z = x * 2, x * 3
        y[1:] = y[:-1].copy()
        z[:, ::-1] = z.copy()
        return y, z

    assert_runs_in_c(shifted, (X,), (X + 1,))


def test_updates_that_read_in_another_order() -> None:
    def step(w: Any, x: Any) -> Any:
        turned = w.T.copy()
        w += turned
        return turned @ x

    results = []
    for backend in ("c", "off"):
        w = X[:, :4].copy()
        results.append((ad.compile(step, backend=backend)(w, X), w))
    assert_near(results[0], results[1])


KINDS = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
         "float32", "float64"]  # fmt: skip


def arithmetic(x: Any, y: Any) -> list[Any]:
    made = [x + y, x * y, x < y, x == y, np.maximum(x, y), np.minimum(x, y), x > 2, x != 0.5]
    made += [np.where(x > y, x, y), np.sum(x), np.max(x, axis=1), np.any(x), np.all(x, axis=0)]
    made += [x.astype(bool), x.astype(np.float64) / 3, np.logical_and(x, y), np.logical_not(x)]
    made += [np.abs(x), np.mean(x, axis=0), x.astype(np.int16)]
    if x.dtype != bool:
        made += [x - y, x * x, -x]
    if x.dtype.kind in "biu":
        made += [x & y, x | y, x ^ y, ~x]
    return made


def test_all_dtypes() -> None:
    source = np.random.default_rng(3)
    xs = {k: source.integers(0, 2 if k == "bool" else 100, (2, 3, 4)).astype(k) for k in KINDS}
    xs["int8"][0, 0, 0], xs["int64"][0, 0, 0] = 127, 2**62  # so that sums overflow
    f = lambda xs: {k: arithmetic(x[0], x[1]) for k, x in xs.items()}  # noqa: E731
    with np.errstate(all="ignore"):
        made = assert_runs_in_c(f, (xs,), ({k: x[::-1] for k, x in xs.items()},))
    assert made.numpy_calls == []
