"""Watched ops remember their values and places; the first nan is an error that names its op."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.errors import AnomalyError, AutodiffError, DTypeError
from autodiff.nodes import SMALL
from autodiff.settings import current, recording

X = np.array([0.5, -1.0, 2.0])
HERE = Path(__file__).name


def leaf(value: Any, name: str = "x") -> ad.Tensor:
    return ad.Tensor(value, requires_grad=True, name=name)


# Watching


def test_a_watched_op_remembers_the_line_of_the_user():
    x = leaf(X)
    with ad.watch():
        y = ad.logsumexp(x)  # made of several ops inside the library
    for value in (y, *(p for p in y._node.parents if p is not None and p.op)):
        node = getattr(value, "_node", value)
        assert str(node.info.source).startswith(f"{HERE}:")
        assert "y = ad.logsumexp(x)" in line_of(node)


def line_of(node: Any) -> str:
    place = node.info.source
    return Path(place.code.co_filename).read_text().splitlines()[place.line - 1]


@pytest.mark.parametrize(
    "f",
    [lambda x: x + 1.0, lambda x: -x, np.tanh, lambda x: x @ x, lambda x: x[0], lambda x: x.sum(),
     lambda x: ad.stack([x, x]), lambda x: ad.where(X > 0, x, 0.0), lambda x: x.reshape(1, 3)],
)  # fmt: skip
def test_every_way_to_an_op_is_watched(f):
    x = leaf(X)
    with ad.watch():
        y = f(x)
    assert HERE in str(y._node.info.source)
    assert len(y._node.info.constants) >= len(y._node.parents)
    np.testing.assert_array_equal(y._node.value, y.data)


def test_large_values_are_kept_while_watched():
    x = leaf(np.ones(SMALL + 1))
    with ad.watch():
        y = x * 2.0
    assert y._node.value is y._value
    assert (x * 2.0)._node.value is None


@pytest.mark.parametrize("f", [lambda s: s * 2.0, lambda s: -s, np.tanh, lambda s: 2.0**s])
def test_scalar_ops_are_watched(f):
    s = ad.Scalar(0.5)
    with ad.watch():
        y = f(s)
    assert HERE in str(y.info.source)
    assert 0.5 in y.info.constants


def test_what_is_not_watched_costs_nothing():
    y = leaf(X) * 2.0
    assert y._node.info is None
    assert (ad.Scalar(2.0) * 2.0).info is None


def test_watching_ends_with_its_block_also_by_an_error():
    before = current.get()
    with pytest.raises(ValueError, match="on purpose"), ad.watch():
        raise ValueError("on purpose")
    assert current.get() is before
    assert (leaf(X) * 2.0)._node.info is None


def test_watching_records_nothing_inside_no_grad():
    with ad.no_grad(), ad.watch():
        assert not ad.is_recording()
        assert not (leaf(X) * 2.0).requires_grad
    with ad.watch(), ad.no_grad():
        assert not (leaf(X) * 2.0).requires_grad


def test_scopes_inside_stay_watched_and_keep_their_names():
    x = leaf(X)
    with ad.scope("outer"), ad.watch(), ad.scope("inner"):
        y = x * 2.0
    assert y._node.info.source is not None
    assert list(dict(ad.uses(ad.sum(y), x))) == ["outer / inner"]


def test_watch_as_a_decorator():
    @ad.watch()
    def f(x: Any) -> Any:
        return x * 2.0

    assert f(leaf(X))._node.info.source is not None
    with pytest.raises(DTypeError, match="generator"):

        @ad.watch()
        def values() -> Any:
            yield 1


def test_gradients_are_the_same_while_watched():
    x = leaf(X)
    ad.sum(np.tanh(x) * x).backward()
    expected, x.grad = x.grad, None
    with ad.watch():
        ad.sum(np.tanh(x) * x).backward()
    np.testing.assert_array_equal(x.grad, expected)


@pytest.mark.parametrize("block", [ad.watch, ad.detect_anomaly, lambda: ad.scope("part")])
def test_no_reference_cycles_are_made(block):
    def gone() -> list[Any]:
        x = leaf(np.ones(100))
        with block():
            y = x * 2.0
            J = ad.sum(np.tanh(y))
        J.backward()
        ad.signals(J), ad.uses(J, x), ad.paths(J, x)
        return [weakref.ref(y), weakref.ref(J), weakref.ref(y._value)]

    gc.collect()
    gc.disable()
    try:
        assert [r() for r in gone()] == [None] * 3
    finally:
        gc.enable()


# The first nan


def test_the_forward_error_says_op_shapes_and_place():
    x = leaf([-1.0, 4.0])
    with pytest.raises(AnomalyError) as caught, ad.detect_anomaly():
        ad.sum(ad.log(x))
    text = str(caught.value)
    assert "log(float64(2,)) gave nan" in text
    assert f"at {__file__}, line {caught.traceback[0].lineno + 1}" in text
    np.testing.assert_array_equal(caught.value.value.data, [np.nan, np.log(4.0)])
    assert isinstance(caught.value, AutodiffError)
    assert isinstance(caught.value, ArithmeticError)


def test_the_backward_error_says_op_shapes_and_place():
    x = leaf([0.0, 4.0])
    with pytest.raises(AnomalyError) as caught, ad.detect_anomaly():
        y = ad.sqrt(x)
        ad.sum(y).backward()
    assert "the gradient of sqrt(float64(2,)) gave inf" in str(caught.value)
    assert f"at {__file__}, line" in str(caught.value)
    assert "y = ad.sqrt(x)" in line_of(caught.value.value._node)
    np.testing.assert_array_equal(caught.value.value.data, [0.0, 2.0])


FORWARD = {
    "log": (lambda x: ad.log(x), "inf"),
    "divide": (lambda x: x / x, "nan"),
    "power": (lambda x: x**-1.0, "inf"),
    "exp": (lambda x: ad.exp(x + 1e4), "inf"),
    "sqrt": (lambda x: ad.sqrt(x - 1.0), "nan"),
}
BACKWARD = {
    "sqrt": lambda x: ad.sqrt(x),
    "cbrt": lambda x: ad.cbrt(x),
    "arccos": lambda x: ad.arccos(x + 1.0),
    "power": lambda x: x**0.5,
}
KINDS = {
    "Scalar": lambda: ad.Scalar(0.0, name="x"),
    "0-d": lambda: leaf(0.0),
    "float32": lambda: ad.Tensor(0.0, requires_grad=True, dtype=np.float32),
    "vector": lambda: leaf([0.0, 0.0]),
}


def total(y: Any) -> Any:
    return ad.sum(y) if y.shape else y


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORWARD)
def test_forward_anomalies_of_every_kind_of_value(name, kind):
    f, what = FORWARD[name]
    with pytest.raises(AnomalyError, match=rf"^{name}\(.*gave {what}"), ad.detect_anomaly():
        f(KINDS[kind]())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BACKWARD)
def test_backward_anomalies_of_every_kind_of_value(name, kind):
    with ad.detect_anomaly():
        y = total(BACKWARD[name](KINDS[kind]()))
        with pytest.raises(AnomalyError, match=rf"the gradient of {name}\(.*gave -?inf"):
            y.backward()


def test_the_error_holds_a_value_to_look_at():
    x = leaf([0.0, 4.0])
    with pytest.raises(AnomalyError) as caught, ad.detect_anomaly():
        ad.sum(ad.sqrt(x)).backward()
    found = ad.signals(ad.sum(caught.value.value))
    np.testing.assert_array_equal(found[x].delta, [np.inf, 0.25])
    with pytest.raises(AnomalyError) as caught, ad.detect_anomaly():
        s = ad.Scalar(0.0, name="s")
        (s / s).tanh()
    assert np.isnan(ad.signals(caught.value.value)["s"].delta)


def test_what_was_bad_before_is_told_apart():
    x = leaf([np.inf, 1.0])
    with pytest.raises(AnomalyError, match=r"gave inf \(so was what it"), ad.detect_anomaly():
        x * 2.0


def test_one_of_several_results():
    x = leaf(np.zeros((2, 2)))
    with pytest.raises(AnomalyError) as caught, ad.detect_anomaly():
        ad.linalg.slogdet(x)
    assert "slogdet(float64(2, 2)) gave inf" in str(caught.value)
    assert caught.value.value.item() == -np.inf


def test_through_custom_ops_and_recomputed_functions():
    bad = ad.custom_op(lambda x: x * x, lambda g, x: g * np.nan, name="bad")
    with pytest.raises(AnomalyError, match=r"the gradient of bad\("), ad.detect_anomaly():
        ad.sum(bad(leaf(X))).backward()
    with pytest.raises(AnomalyError, match=r"the gradient of sqrt\("), ad.detect_anomaly():
        ad.sum(ad.checkpoint(np.sqrt)(leaf([0.0, 1.0]))).backward()


def test_through_transforms():
    with pytest.raises(AnomalyError, match=r"the gradient of sqrt\("), ad.detect_anomaly():
        ad.grad(lambda x: ad.sum(ad.sqrt(x)))(np.array([0.0, 1.0]))
    with ad.detect_anomaly():
        np.testing.assert_allclose(ad.hessian(lambda x: ad.sum(x**3))(X), np.diag(6 * X))


def test_a_forward_from_before_is_checked_backward():
    y = ad.sum(ad.sqrt(leaf([0.0, 1.0])))
    with pytest.raises(AnomalyError, match=r"sqrt\(float64\(2,\)\) gave inf"), ad.detect_anomaly():
        y.backward()


@pytest.mark.parametrize(
    "f",
    [lambda x: np.tanh(x) * x, lambda x: ad.softmax(x), lambda x: ad.logsumexp(x), ad.relu,
     lambda x: ad.linalg.norm(x * 0.0), lambda x: ad.where(X > 0, np.sqrt(np.abs(x)), x)],
)  # fmt: skip
def test_no_false_alarm_for_finite_values(f):
    x = leaf(X)
    with ad.detect_anomaly():
        total(f(x)).backward(create_graph=True)
        total(f(x)).backward()
    assert np.all(np.isfinite(np.asarray(x.grad.data)))


def test_no_false_alarm_where_a_mask_drops_an_infinite_slope():
    x = leaf([0.0, 4.0])
    with ad.detect_anomaly():
        J = ad.sum(ad.where(np.array([False, True]), ad.sqrt(x), 0.0))
        J.backward()
        J.backward(create_graph=True)
    np.testing.assert_array_equal(x.grad.data, [0.0, 0.5])


def test_no_false_alarm_for_scalars():
    x = ad.Scalar(0.5)
    with ad.detect_anomaly():
        (ad.tanh(x) * x + ad.exp(x) / x).backward()
    assert np.isfinite(x.grad)


def test_numpy_keeps_silent_inside_and_only_there():
    x = np.zeros(2)
    with np.errstate(all="raise"):
        with ad.detect_anomaly():
            assert np.isnan(x / x).all()
            with pytest.raises(AnomalyError):
                ad.log(leaf(x))
        with pytest.raises(FloatingPointError):
            x / x
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(RuntimeWarning):
            x / x


def test_blocks_nest_and_end_in_order():
    block = ad.detect_anomaly()
    before = np.geterr()
    with block, block:
        with ad.detect_anomaly(), pytest.raises(AnomalyError):
            ad.log(leaf(0.0))
        assert set(np.geterr().values()) == {"ignore"}
    assert np.geterr() == before
    with np.errstate(all="ignore"):
        assert ad.log(leaf(0.0)).item() == -np.inf


def test_a_graph_recorded_inside_can_be_copied():
    with ad.detect_anomaly():
        J = ad.sum(np.tanh(leaf(X)))
    for again in (copy.deepcopy(J), pickle.loads(pickle.dumps(J))):
        assert again.item() == J.item()


def test_tangents_and_values_without_gradient_are_not_looked_at():
    with ad.detect_anomaly():
        assert ad.log(ad.Tensor([0.0])).item() == -np.inf
        ad.jvp(np.sqrt, [0.0], [1.0])


def test_as_a_decorator():
    @ad.detect_anomaly()
    def f(x: Any) -> Any:
        return ad.log(x)

    with pytest.raises(AnomalyError):
        f(leaf(0.0))
    assert f(leaf(1.0)).item() == 0.0


def test_other_threads_are_not_watched():
    seen: list[Any] = []

    def work() -> None:
        with np.errstate(all="ignore"):
            seen.append(ad.log(leaf(0.0)).item())

    with ad.detect_anomaly():
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert seen == [-np.inf]


def test_threads_may_share_one_block():
    block, failures = ad.detect_anomaly(), []

    def work() -> None:
        try:
            for _ in range(100):
                with block, pytest.raises(AnomalyError):
                    ad.log(leaf(0.0))
                assert current.get().watch is None
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_tasks_do_not_disturb_each_other():
    async def careful() -> bool:
        with ad.detect_anomaly():
            await asyncio.sleep(0.001)
            return current.get().watch is not None

    async def careless() -> bool:
        await asyncio.sleep(0)
        return current.get().watch is not None or recording.get() is None

    async def both() -> list[bool]:
        return await asyncio.gather(careful(), careless(), careful())

    assert asyncio.run(both()) == [True, False, True]
