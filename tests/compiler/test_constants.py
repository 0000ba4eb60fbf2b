"""Arrays of the user's own that he writes into while a function is traced, and what is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native.expand import expanded
from autodiff.compiler.tracing.program import Program
from tests.compiler.test_protocols import on_both
from tests.compiler.tools import assert_compiles, written_down

pytestmark = pytest.mark.usefixtures("cache")

X = np.array([1.0, -2.0, 3.0, 0.5])


def filled_anew(x: Any) -> Any:
    basis, total = np.empty(4), 0.0
    for k in range(3):
        basis[:] = np.cos(k * np.arange(4))
        total = total + ad.sum(x * basis) * (k + 1)
    return total


def rows(x: Any) -> Any:
    ids, out = np.zeros(2, int), []
    for _ in range(3):
        ids += 1
        out.append(x[ids])
    return ad.stack(out)


def signs(x: Any) -> Any:
    zero, out = np.zeros(4), []
    for special in (-0.0, np.nan, 0.0):
        zero[:] = special
        out.append(np.copysign(x, zero))
    return np.stack(out)


def scans(x: Any) -> Any:
    h0, xs, out = np.zeros(4), np.zeros((2, 4)), []
    for k in range(2):
        h0 += k + 1.0
        xs += 10.0
        out.append(ad.scan(lambda h, t: (h + t * x, h), h0, xs))
    return out


def within_a_step(x: Any) -> Any:
    mask = np.zeros(4)

    def cell(h: Any, t: Any) -> Any:
        mask[:] = 0.5
        h = h * mask
        mask[:] = 2.0
        return h + t * mask * x, None

    return ad.scan(cell, np.ones(4), np.ones((2, 4)))[0]


CASES: dict[str, Callable[[Any], Any]] = {
    "arrays": filled_anew,
    "their gradient": ad.grad(filled_anew),
    "indices": rows,
    "signs": signs,
    "starts of scans": scans,
    "within a step": within_a_step,
}


@on_both
@pytest.mark.parametrize("f", CASES.values(), ids=CASES)
def test_each_use_sees_what_was_there(backend: str, f: Callable[[Any], Any]) -> None:
    compiled = ad.compile(f, backend=backend)
    for x in (X, X + 1, X - 1):
        expected, found = ad.tree.flatten(f(x))[0], ad.tree.flatten(compiled(x))[0]
        for e, a in zip(expected, found, strict=True):
            np.testing.assert_allclose(ad.Tensor(a).data, ad.Tensor(e).data, rtol=1e-14)
            assert np.array_equal(np.signbit(ad.Tensor(a).data), np.signbit(ad.Tensor(e).data))


def constants(program: Program) -> list[np.ndarray]:
    return [a for i in program.instructions for a in i.args if isinstance(a, np.ndarray)]


def test_many_uses_share_one_copy() -> None:
    big = np.full(4, np.nan)
    kept = constants(written_down(lambda x: x * big + big * x - x / big, X))
    assert len(kept) == 3 and len({id(a) for a in kept}) == 1 and kept[0] is not big


def test_what_is_made_of_steps_shares_it_too() -> None:
    least = np.arange(4.0)
    program = written_down(lambda x: np.clip(x, least, None) + np.clip(-x, least, None), X)
    kept = constants(expanded(program))
    assert len(kept) == 2 and kept[0] is kept[1]


def test_the_order_of_memory_stays() -> None:
    table = np.random.default_rng(0).normal(size=(40, 50)).T
    assert_compiles(lambda x: np.sum(table * x, dtype=np.float32), (np.float64(0.3),))
    (kept,) = constants(written_down(lambda x: x * table, np.float64(0.3)))
    assert kept.strides == table.strides
