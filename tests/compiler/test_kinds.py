"""Which calls share a program: what objects hold, how arrays lie, and what is gone."""

from __future__ import annotations

import gc
from collections import OrderedDict, defaultdict, deque
from copy import deepcopy
from typing import Any
from weakref import ref

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.tools import in_threads
from tests.compiler.training import BACKENDS, X, Y, close, network, train

pytestmark = pytest.mark.parametrize("backend", BACKENDS)
ONES = np.ones(2)


class Holder(ad.Module):
    """Does with x what it is told to, with something that it holds."""

    def __init__(self, f: Any, held: Any) -> None:
        self.w, self.f, self.held = ad.Parameter(np.ones(2)), f, held

    def forward(self, x: Any) -> Any:
        return self.f(x, self.held)


def other(m: Holder, held: Any) -> None:
    m.held = held


def in_place(m: Holder, value: Any) -> None:
    array = m.held
    while not isinstance(array, np.ndarray):
        array = array[0] if isinstance(array, (list, tuple)) else array["a"]
    array[...] = value


def added(m: Holder, value: Any) -> None:
    (m.held.add if isinstance(m.held, set) else m.held.append)(value)


SEVENS = np.full(2, 7.0)
CHANGES = {
    "a sign of zero": (np.copysign, 0.0, other, -0.0),
    "nan": (lambda x, a: x * a, np.nan, other, 2.0),
    "an OrderedDict": (lambda x, d: x * d["a"], OrderedDict(a=ONES), other, OrderedDict(a=SEVENS)),
    "in an OrderedDict": (lambda x, d: x * d["a"], OrderedDict(a=ONES.copy()), in_place, 7.0),
    "in a tuple": (lambda x, t: x * t[0], (ONES.copy(),), in_place, 7.0),
    "another in a tuple": (lambda x, t: x * t[0], (ONES,), other, (SEVENS,)),
    "in a list in a tuple": (lambda x, t: x * t[0][0], ([ONES.copy()],), in_place, 7.0),
    "another in a list in a tuple": (lambda x, t: x * t[0][0], ([ONES],), other, ([SEVENS],)),
    "another complex one": (lambda x, a: x * a.real, ONES + 0j, other, SEVENS + 0j),
    "a complex one": (lambda x, a: x * a.real, ONES + 0j, in_place, 7.0),
    "text": (lambda x, a: x * (a == "a"), np.array(["a", "b"]), in_place, ["b", "a"]),
    "objects": (lambda x, a: x * a[0], np.array([1.0, None]), in_place, [2.0, None]),
    "a slice": (lambda x, s: x[s], slice(0, 1), other, slice(1, 2)),
    "a set": (lambda x, a: x * len(a), {"a"}, added, "b"),
    "a deque": (lambda x, a: x * sum(a), deque([1, 2]), added, 3),
    "a full deque": (lambda x, a: x * a[0], deque([1, 2], 2), added, 3),
    "an array in a deque": (lambda x, a: x * a[-1], deque([ONES]), added, SEVENS),
    "a key": (lambda x, d: x * len(*d), {"a": ONES}, other, {"bcd": ONES}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_module_holds_may_change(backend: str, name: str) -> None:
    f, held, change, new = CHANGES[name]
    m = Holder(f, deepcopy(held))
    compiled = ad.compile(lambda m, x: m(x), backend=backend)
    for _ in range(2):
        for _ in range(3):
            x = np.array([3.0, 4.0])
            np.testing.assert_array_equal(compiled(m, x), m(x))
        change(m, new)


def test_sets_as_arguments(backend: str) -> None:
    compiled, given = ad.compile(lambda a, x: x * len(a), backend=backend), {1}
    for _ in range(3):
        for _ in range(3):
            np.testing.assert_array_equal(compiled(given, ONES), ONES * len(given))
        given.add(len(given) + 1)
    compiled({1}, ONES)
    assert compiled.programs == 3


def test_nan_does_not_make_a_program_a_call(backend: str) -> None:
    compiled = ad.compile(lambda m, x, y: m(x) * y, backend=backend)
    m = Holder(lambda x, a: x + a, np.nan)
    for k in range(3):
        m.held = np.float64("nan") * 1
        compiled(m, ONES, ONES * k)
    assert compiled.programs == 1


def test_one_that_is_gone_is_not_taken_for_another(backend: str) -> None:
    compiled = ad.compile(lambda m, x: m(x), backend=backend)

    def module(k: int) -> Holder:
        return Holder(lambda x, held: x * k, None)

    for k in range(4):
        assert compiled(module(k), ONES).tolist() == [k, k]
        gc.collect()


def test_only_the_last_model_is_kept(backend: str) -> None:
    compiled = ad.compile(train, backend=backend)
    first, optimizer = network()
    compiled(first, optimizer, X, Y), compiled(first, optimizer, X, Y)
    compiled(*network(), X, Y)
    kept = ref(first)
    del first, optimizer
    gc.collect()
    assert kept() is None


class Factor:
    def __init__(self, k: int) -> None:
        self.k = k

    def times(self, x: Any) -> Any:
        return self.k * x


def test_a_method_is_the_same_each_time(backend: str) -> None:
    compiled, two, three = ad.compile(lambda f, x: f(x), backend=backend), Factor(2), Factor(3)
    for factor in (two, three, two, three):
        close(compiled(factor.times, X), factor.k * X)
    assert compiled.programs == 2


class Boosted(ad.optim.Optimizer):
    def __init__(self, params: Any) -> None:
        self._boost, self.factors = 1.0, np.ones(1)
        super().__init__(params, 1.0)

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        x -= g * self._boost * self.factors


def test_what_an_optimizer_of_the_users_holds_may_change(backend: str) -> None:
    def step(w: Any, o: Any) -> None:
        o.zero_grad()
        ad.sum(w).backward()
        o.step()

    w = ad.Tensor([0.0], requires_grad=True)
    o, compiled = Boosted([w]), ad.compile(step, backend=backend)
    compiled(w, o), compiled(w, o)
    o._boost = 10.0
    compiled(w, o), compiled(w, o)
    o.factors[0] = 100.0
    compiled(w, o)
    assert w.data.tolist() == [-2.0 - 20.0 - 1000.0]


def test_an_old_gradient_of_another_dtype(backend: str) -> None:
    old = [np.array([1.0, 1.0], np.float32), np.array([1e-9, 1e16 + 2]), ad.Tensor([1.0, 2.0])]
    compiled = ad.compile(lambda w: ad.sum(w * w).backward(), backend=backend)
    for grad in old:
        w, v = (ad.Tensor([1.0, 2.0], requires_grad=True) for _ in range(2))
        w.grad, v.grad = grad, grad
        compiled(w)
        ad.sum(v * v).backward()
        np.testing.assert_array_equal(np.asarray(w.grad), np.asarray(v.grad))


def test_a_number_of_numpys_and_an_array_of_no_axes(backend: str) -> None:
    def f(x: Any) -> Any:
        x += 1.0
        return x * 2

    for first in (np.float64(1.0), np.array(1.0)):
        compiled = ad.compile(f, backend=backend)
        compiled(first)
        array = np.array(3.0)
        assert (compiled(np.float64(3.0)), compiled(array), array) == (8.0, 8.0, 4.0)


def test_a_result_without_a_graph(backend: str) -> None:
    w = ad.Tensor([1.0, 2.0], requires_grad=True)
    y = w * 2
    compiled = ad.compile(lambda y: y * 3, backend=backend)
    for _ in range(3):
        with ad.no_grad():
            close(compiled(y).data, [6.0, 12.0])
    close(ad.grad(lambda w: ad.sum(compiled(w * 2)))(w.data), [6.0, 6.0])


def test_dicts_of_other_kinds(backend: str) -> None:
    def turned(d: Any) -> Any:
        d.move_to_end("a")
        return sum(k * v for k, v in enumerate(d.values()))

    given = OrderedDict(a=X, b=2 * X)
    for _ in range(3):
        close(ad.compile(turned, backend=backend)(given.copy()), X)

    def counted(d: Any) -> Any:
        return d["a"] + d["b"]

    compiled = ad.compile(counted, backend=backend)
    for k in range(3):
        close(compiled(defaultdict(float, a=X, b=X * k)), X + X * k)
    assert compiled.programs == 1


def adds_and_sums(a: Any, b: Any) -> Any:
    a += 1.0
    return b.sum() + b * 1.0


@pytest.mark.parametrize("overlapping", [
    lambda z: (z, z[:50]), lambda z: (z[:50], z), lambda z: (z[:60], z[40:]),
    lambda z: (z, np.lib.stride_tricks.as_strided(z, (4,), (8,))),
    lambda z: (z, np.frombuffer(z)), lambda z: (z[::2], z[1::2]),
])  # fmt: skip
def test_arrays_that_overlap(backend: str, overlapping: Any) -> None:
    compiled = ad.compile(adds_and_sums, backend=backend)
    compiled(*(x.copy() for x in overlapping(np.zeros(100))))
    for _ in range(2):
        z, twin = np.zeros(100), np.zeros(100)
        close(compiled(*overlapping(z)), adds_and_sums(*overlapping(twin)))
        np.testing.assert_array_equal(z, twin)


class Counting(ad.Module):
    def __init__(self, seen: np.ndarray) -> None:
        self.seen = seen

    def forward(self, x: Any) -> Any:
        self.seen += 1.0
        return x * 1.0


def test_an_array_that_overlaps_with_one_of_a_module(backend: str) -> None:
    for seen in (np.zeros(4), np.zeros(6)[1:5], np.frombuffer(bytearray(48))[1:5]):
        m, compiled = Counting(seen), ad.compile(lambda m, x: m(x), backend=backend)
        for _ in range(3):
            assert compiled(m, np.zeros(2)).tolist() == [0.0, 0.0]
        assert compiled(m, m.seen[:2]).tolist() == [4.0, 4.0]
        assert compiled(m, m.seen).tolist() == [5.0] * 4
        assert compiled(m, np.zeros(4)).tolist() == [0.0] * 4
        assert compiled(m, np.frombuffer(m.seen)).tolist() == [7.0] * 4


def test_an_array_given_and_held_at_once(backend: str) -> None:
    m = Holder(lambda x, held: x * held, ONES)
    compiled = ad.compile(lambda x, m: m(x), backend=backend)
    for x in (m.held, m.held, SEVENS, m.held):
        np.testing.assert_array_equal(compiled(x, m), m(x))


def test_numbers_go_the_short_way(backend: str) -> None:
    compiled = ad.compile(lambda x, a, d: x * a + d["b"] - d["c"], backend=backend)
    one = 1.0
    for a, b, c in [(one, one, one), (2.0, 3.0, 4.0), (5.0, np.float32(6.0), np.float64(7.0))]:
        for _ in range(2):
            close(compiled(X, a, {"b": b, "c": c}), X * a + b - c)
            assert compiled._again is not None
    assert compiled.programs == 2


def test_threads_with_models_of_their_own(backend: str) -> None:
    compiled = ad.compile(train, backend=backend)
    found: list[Any] = [None] * 3

    def work(k: int) -> None:
        model, optimizer = network()
        for _ in range(10):
            compiled(model, optimizer, X + k, Y)
        found[k] = [p.numpy() for p in model.parameters()]

    in_threads(work, 3)
    for k in range(3):
        model, optimizer = network()
        for _ in range(10):
            train(model, optimizer, X + k, Y)
        for p, q in zip(found[k], model.parameters(), strict=True):
            np.testing.assert_allclose(p, q.data, rtol=1e-9)
