"""Each op in C: values, gradients and second derivatives, nearly those of eager mode.

To build a program takes long, so that one program holds many ops.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from tests.compiler.near import ULPS, InC, assert_near, needs_compiler
from tests.compiler.test_every_op import (
    DRAWN,
    attempt,
    derivatives,
    first_entry,
    nothing_of,
    order_of,
    random_like,
)
from tests.ops.case import CASES, PAIRS, Case

# Empty arrays have no mean, and samples moved about may leave the domain.
pytestmark = [
    needs_compiler,
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
    pytest.mark.usefixtures("cache"),
]

TOGETHER = 80
FIRST = [c for c in CASES if c.number == 0]
FURTHER = [c for c in CASES if 0 < c.number < 3 and str(c) not in DRAWN]
FURTHER_OFF = {"cbrt-0": 16, "tensordot-2": 32}
"""A second derivative with the fifth power of what the C library gives, and a sum of terms that
cancel."""


@dataclass
class Item:
    """A case, with arguments of its derivatives."""

    case: Case
    f: Callable[..., Any]
    args: tuple[Any, ...]

    @property
    def others(self) -> tuple[Any, ...]:
        return tuple([np.array(np.flip(x)) for x in arg] for arg in self.args)


def item(case: Case, xs: list[np.ndarray], order: int) -> Item:
    with ad.no_grad():
        values = [v for v in case.values(*xs) if v.dtype.kind == "f"]
    args = xs, random_like(values, 1), random_like(xs, 2)
    return Item(case, derivatives(case.values, order_of(case.values, args, order)), args)


def check(items: list[Item]) -> None:
    """All in one program, for the values that it was made with and for others."""
    together = InC(lambda args: [i.f(*a) for i, a in zip(items, args, strict=True)])
    for given in ([i.args for i in items], [i.others for i in items]):
        for one, args, found in zip(items, given, together(given), strict=True):
            name = str(one.case)
            assert_near(found, one.f(*args), FURTHER_OFF.get(name, ULPS), name)
    assert together.calls == 1, "eager mode had to help out"


def groups(cases: list[Any]) -> Any:
    """Many cases at a time."""
    parts = [cases[k : k + TOGETHER] for k in range(0, len(cases), TOGETHER)]
    return pytest.mark.parametrize("cases", parts, ids=lambda part: f"{part[0]}..{part[-1]}")


@groups(FIRST)
def test_values_and_two_derivatives(cases: list[Case]) -> None:
    check([item(c, c.inputs, 2) for c in cases])


@pytest.mark.usefixtures("built_fast")
@groups(FURTHER)
def test_other_settings(cases: list[Case]) -> None:
    check([item(c, c.inputs, 1) for c in cases])


@pytest.mark.usefixtures("built_fast")
@groups(FIRST)
def test_in_float32(cases: list[Case]) -> None:
    check([item(c, [x.astype(np.float32) for x in c.inputs], 1) for c in cases])


@pytest.mark.usefixtures("built_fast")
@pytest.mark.parametrize("change", [first_entry, nothing_of])
@groups(FIRST)
def test_numbers_and_empty_arrays(cases: list[Case], change: Callable[[Any], Any]) -> None:
    moved = [(c, [change(x) for x in c.inputs]) for c in cases]
    check([item(c, xs, 1) for c, xs in moved if not isinstance(attempt(c, xs), Exception)])


SHAPES = [((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3))]


@pytest.mark.usefixtures("built_fast")
@groups([c for c in PAIRS if c.number == 0])
def test_broadcasting(cases: list[Case]) -> None:
    items = []
    for case in cases:
        for shapes in SHAPES:
            pairs = zip(case.inputs, shapes, strict=True)
            items.append(item(case, [np.resize(x.ravel(), shape) for x, shape in pairs], 1))
    check(items)
