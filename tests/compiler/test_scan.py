"""`scan`: steps in eager mode, loops in programs, and the same derivatives of any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from autodiff.compiler.native import toolchain

BACKENDS = ["numpy", pytest.param("c", marks=pytest.mark.skipif(
    toolchain.find() is None, reason="there is no C compiler"))]  # fmt: skip
RNG = np.random.default_rng(0)
W, U = RNG.normal(size=(2, 3, 3)) / 2
XS, H0 = RNG.normal(size=(4, 2, 3)), RNG.normal(size=(2, 3))


def close(a: Any, b: Any) -> None:
    for x, y in zip(ad.tree.flatten(a)[0], ad.tree.flatten(b)[0], strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-12, atol=1e-13)


def loss(parameters: Any, xs: Any, h0: Any) -> Any:
    W, U = parameters
    h, ys = ad.scan(lambda h, x: (ad.tanh(x @ W + h @ U), 2 * h), h0, xs)
    return ad.sum(ys**2) + ad.sum(h)


def by_hand(W: Any, U: Any, xs: Any, h: Any) -> tuple[Any, Any]:
    ys = []
    for x in xs:
        ys.append(2 * h)
        h = np.tanh(x @ W + h @ U)
    return h, np.stack(ys)


def test_the_steps() -> None:
    h, ys = ad.scan(lambda h, x: (ad.tanh(x @ W + h @ U), 2 * h), H0, XS)
    close([h.data, ys.data if isinstance(ys, ad.Tensor) else ys], by_hand(W, U, XS, H0))


def test_a_recurrence_by_its_formula() -> None:
    """h(t) = a h(t-1) + x(t), so dh(T) / dx(t) = a^(T-t) and dh(T) / da = sum (T-t) a^(T-t-1) x."""
    a, xs = 0.5, np.array([1.0, -2.0, 3.0])

    def last(a: Any, xs: Any) -> Any:
        return ad.scan(lambda h, x: (a * h + x, None), 0.0, xs)[0]

    by_a, by_xs = ad.grad(last, (0, 1))(a, xs)
    np.testing.assert_allclose(by_xs, [0.25, 0.5, 1.0])
    np.testing.assert_allclose(by_a, 2 * 0.5 * 1.0 + 1 * -2.0)


@pytest.mark.parametrize("backend", BACKENDS)
def test_gradients_of_all_arguments(backend: str) -> None:
    f = ad.value_and_grad(loss, (0, 1, 2))
    compiled = ad.compile(f, backend=backend)
    for k in (1.0, 2.0):
        close(compiled([W * k, U], XS, H0), f([W * k, U], XS, H0))
    assert len(str(compiled.program).splitlines()) < 100
    assert ("for (int64_t t" in compiled.source) == (backend == "c")


@pytest.mark.parametrize("backend", BACKENDS)
def test_higher_derivatives(backend: str) -> None:
    v = [RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))]

    def second(p: Any, xs: Any, t: Any) -> Any:
        product = ad.hvp(lambda p: loss(p, xs, H0), (p,), (v,))
        return product, ad.jvp(lambda xs: loss(p, xs, H0), (xs,), (t,))[1]

    t = np.ones_like(XS)
    close(ad.compile(second, backend=backend)([W, U], XS, t), second([W, U], XS, t))


def test_the_program_does_not_grow_with_the_number_of_steps() -> None:
    f = ad.compile(ad.grad(loss), backend="numpy")
    f([W, U], XS, H0)
    short = len(str(f.program).splitlines())
    f([W, U], np.concatenate([XS] * 10), H0)
    assert len(str(f.program).splitlines()) == short


@pytest.mark.parametrize("backend", BACKENDS)
def test_states_and_steps_that_are_trees(backend: str) -> None:
    def f(xs: Any, m: Any) -> Any:
        def cell(h: Any, step: Any) -> Any:
            x, keep = step["x"], step["keep"]
            a, b = h
            new = (ad.tanh(a + x @ W), b + ad.sum(a))
            new = ad.tree.map(lambda n, o: ad.where(keep, n, o), new, h)
            return new, {"out": (new[0] * 2, new[1])}

        (a, b), ys = ad.scan(cell, (H0, 0.0), {"x": xs, "keep": m})
        return ad.sum(a) * b + ad.sum(ys["out"][0] * XS) + ad.sum(ys["out"][1])

    mask = np.array([True, False, True, True])
    compiled = ad.compile(ad.value_and_grad(f), backend=backend)
    for m in (mask, ~mask):
        close(compiled(XS, m), ad.value_and_grad(f)(XS, m))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_loop_within_a_loop(backend: str) -> None:
    def f(w: Any, xs: Any) -> Any:
        def inner(h: Any, x: Any) -> Any:
            return h * w + x, None

        def outer(h: Any, row: Any) -> Any:
            h, _ = ad.scan(inner, h, row)
            return ad.tanh(h), h

        return ad.sum(ad.scan(outer, np.zeros(3), xs)[1])

    f = ad.value_and_grad(f, (0, 1))
    close(ad.compile(f, backend=backend)(np.array([0.1, 0.2, 0.3]), XS),
          f(np.array([0.1, 0.2, 0.3]), XS))  # fmt: skip


@pytest.mark.parametrize("backend", BACKENDS)
def test_lookups_within_the_cell(backend: str) -> None:
    def f(table: Any, ids: Any) -> Any:
        def cell(h: Any, i: Any) -> Any:
            h = ad.tanh(h + ad.embedding(table, i))
            return h, h

        return ad.sum(ad.scan(cell, np.zeros((2, 3)), ids)[1])

    ids = np.array([[0, 2], [1, 1], [0, 0]])
    f = ad.value_and_grad(f)
    (value, rows), (v, r) = ad.compile(f, backend=backend)(W, ids), f(W, ids)
    close([value, np.asarray(rows)], [v, np.asarray(r)])


def test_steps_are_named_for_pictures() -> None:
    x = ad.Tensor(np.ones(2), requires_grad=True)
    h, _ = ad.scan(lambda h, x: (h + x, None), 0.0, x, name="year")
    assert {card.title for card in ad.graph(h, expand=0).cards} >= {"year t=1", "year t=2"}


@pytest.mark.parametrize(("xs", "cell", "message"), [
    (np.zeros((0, 2)), lambda h, x: (h, x), "one length of the first axis"),
    ((np.zeros(2), np.zeros(3)), lambda h, x: (h, x[0]), "one length of the first axis"),
    (3.0, lambda h, x: (h, x), "one length of the first axis"),
    (np.zeros(2), lambda h, x: h + x, "returns a pair"),
])  # fmt: skip
def test_wrong_arguments(xs: Any, cell: Any, message: str) -> None:
    with pytest.raises(ad.errors.AutodiffError, match=message):
        ad.scan(cell, 0.0, xs)


def test_there_may_be_no_state_but_not_none() -> None:
    _, ys = ad.scan(lambda h, x: ((), x * x), (), np.arange(3.0))
    np.testing.assert_array_equal(ys, [0, 1, 4])
    with pytest.raises(ad.errors.DTypeError, match=r"give \(\) where there is none"):
        ad.scan(lambda h, x: (h, x * x), None, np.arange(3.0))


@pytest.mark.parametrize("backend", BACKENDS)
def test_steps_that_only_look_are_done(backend: str) -> None:
    def f(xs: Any, ids: Any) -> Any:
        ad.scan(lambda h, i: ((), ad.embedding(xs, i)), (), ids)
        return xs * 2

    compiled, table = ad.compile(f, backend=backend), np.eye(3)
    close(compiled(table, np.array([[0, 1], [2, 1]])), table * 2)
    with pytest.raises(IndexError, match="index 3 is out of bounds"):
        compiled(table, np.array([[0, 1], [2, 3]]))


@pytest.mark.parametrize("start", [[0], np.zeros(1)], ids=["list", "array"])
def test_a_cell_that_counts_its_steps_is_refused(start: Any) -> None:
    def numbered(xs: Any) -> Any:
        count = start * 1

        def cell(h: Any, x: Any) -> Any:
            count[0] += 1
            return h + x * count[0], None

        return ad.scan(cell, 0.0, xs)[0]

    assert numbered(np.ones(4)) == 10
    with pytest.raises(TraceError, match=r"something else at each step.*part of the state"):
        ad.compile(numbered, backend="numpy")(np.ones(4))


def test_a_state_that_changes_its_shape_is_refused() -> None:
    f = ad.compile(lambda xs: ad.scan(lambda h, x: (ad.stack([h, x]), x), 0.0, xs), backend="numpy")
    with pytest.raises(ad.errors.ShapeError, match=r"float64\(\) before a step and float64\(2,\)"):
        f(np.ones(3))


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_state_that_becomes_a_tensor_by_another_one(backend: str) -> None:
    def f(w: Any, xs: Any) -> Any:
        def cell(state: Any, x: Any) -> Any:
            h, before, last = state
            y = h * 0.5 + before + last
            return (ad.tanh(x @ w + y * 0.1), h, before), y

        ys = ad.scan(cell, (H0, H0, H0), xs)[1]
        return ad.sum(ys * ys)

    f = ad.value_and_grad(f)
    close(ad.compile(f, backend=backend)(W, XS), f(W, XS))


NUMBERS = {
    "an array of few digits": (lambda h, x: (h + x, h * x), 0.0),
    "an int that becomes a float": (lambda h, x: (h + x, h * x), 0),
    "a number that stays one": (lambda h, x: (h * 0.5, h * x), 1.0),
    "an int that becomes a number": (lambda h, x: (h / 2, h * x), 1),
    "a constant": (lambda h, x: (1.0, h * x), 0.0),
}


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", NUMBERS)
def test_a_number_of_pythons_takes_the_dtype_of_what_it_becomes(backend: str, name: str) -> None:
    cell, start = NUMBERS[name]

    def f(xs: Any, start: Any) -> Any:
        h, ys = ad.scan(cell, start, xs)
        return ys, h * xs

    xs = np.array([1.0, 2.0, 4.0], np.float32)
    for given in {float(start), start}:  # a float is an input, an int is a constant
        found, wanted = ad.compile(f, backend=backend)(xs, given), f(xs, given)
        for a, e in zip(found, wanted, strict=True):
            assert np.asarray(a).dtype == np.asarray(e).dtype
            np.testing.assert_array_equal(a, e)


def adds_up(x: Any, xs: Any) -> Any:
    total = x * 1.0

    def cell(h: Any, v: Any) -> Any:
        total[...] = total + v
        return h + v, None

    return ad.scan(cell, np.zeros(3), xs)[0]


def writes_into_an_argument(x: Any, xs: Any) -> Any:
    def cell(h: Any, v: Any) -> Any:
        x[0] += v[0]
        return h + v, None

    return ad.scan(cell, np.zeros(3), xs)[0]


def writes_into_a_part(x: Any, xs: Any) -> Any:
    def cell(h: Any, v: Any) -> Any:
        part = x[:2]
        part += v[0]
        return h + v, None

    return ad.scan(cell, np.zeros(3), xs)[0]


def keeps_a_step(x: Any, xs: Any) -> Any:
    kept = []

    def cell(h: Any, v: Any) -> Any:
        kept.append(h + v)
        return h + v, None

    ad.scan(cell, np.zeros(3), xs)
    return kept[-1] * x


def uses_the_step_before(x: Any, xs: Any) -> Any:
    kept = [x]

    def cell(h: Any, v: Any) -> Any:
        kept.append(kept[-1] + v)
        return h, kept[-1]

    return ad.scan(cell, np.zeros(3), xs)[1]


@pytest.mark.parametrize("f", [
    adds_up, writes_into_an_argument, writes_into_a_part, keeps_a_step, uses_the_step_before,
])  # fmt: skip
def test_what_steps_share_beside_the_state_is_refused(f: Any) -> None:
    with pytest.raises(TraceError, match=r"test_scan\.py:\d+ .* carry it in the state"):
        ad.compile(f, backend="numpy")(np.ones(3), np.ones((4, 3)))
