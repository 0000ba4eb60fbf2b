"""Effects that later calls would not have: they are refused, and what is no effect is not."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler import TraceError
from tests.compiler.tools import assert_same

X = np.array([1.0, -2.0, 3.0])


class Remembering(ad.Module):
    def __init__(self, f: Callable[..., Any]) -> None:
        self.w, self.f, self.seen = ad.Parameter(np.ones(3)), f, set[int]()
        self.h, self.log, self.inner = [np.zeros(3)], [0], {"a": [ad.Parameter(np.ones(3))]}

    def forward(self, x: Any) -> Any:
        self.f(self, x)
        return self.w * x


def of_module(f: Callable[..., Any]) -> Callable[..., Any]:
    model = Remembering(f)
    return lambda x, p: model(x)


def within(p: Any, key: Any, value: Any) -> Any:
    p[key] = value
    return value


def swaps(p: Any) -> Any:
    p["list"][0], p["list"][1] = p["list"][1], p["list"][0]
    return p["w"] * 2


REFUSED: dict[str, tuple[Callable[..., Any], str]] = {
    "an item": (lambda x, p: within(p, "w", p["w"] - x), "sets ['w'] of a dict among the argum"),
    "a new item": (lambda x, p: within(p, "new", x), "sets ['new'] of a dict among the arguments"),
    "an item gone": (lambda x, p: p.pop("w") * x, "sets ['w'] of a dict among the arguments"),
    "an item appended": (lambda x, p: p["list"].append(x.sum()), "sets [2] of a list among the ar"),
    "an item appended in a tuple": (lambda x, p: p["tuple"][0].append(1), "sets [0] of a list"),
    "items exchanged": (lambda x, p: swaps(p), "sets [0], [1] of a list among the arguments"),
    "an attribute": (of_module(lambda m, x: setattr(m, "h", x)), "sets h of Remembering"),
    "a new attribute": (of_module(lambda m, x: setattr(m, "new", 1)), "sets new of Remembering"),
    "an attribute gone": (of_module(lambda m, x: delattr(m, "f")), "sets f of Remembering"),
    "an item of an attribute": (
        of_module(lambda m, x: within(m.h, 0, m.h[0] + x)), "sets [0] of a list in Remembering"
    ),
    "an item appended to an attribute": (
        of_module(lambda m, x: m.log.append(1)), "sets [1] of a list in Remembering"
    ),
    "an item of a set": (of_module(lambda m, x: m.seen.add(1)), "sets [0] of a set in Remembering"),
    "a parameter": (
        of_module(lambda m, x: within(m.inner["a"], 0, m.w * 2)), "sets [0] of a list in Rememb"
    ),
}  # fmt: skip


def given() -> dict[str, Any]:
    return {"w": np.ones(3), "list": [np.zeros(2), 1], "tuple": ([], 2.0)}


@pytest.mark.parametrize("case", REFUSED)
def test_writes_into_containers_are_refused(case: str) -> None:
    f, message = REFUSED[case]
    p = given()
    with pytest.raises(TraceError, match=re.escape(message) + ".*return the new value instead"):
        ad.compile(f, backend="numpy")(X, p)
    assert_same(p, given())


def test_writes_into_arrays_of_containers_are_none_into_containers() -> None:
    def f(x: Any, p: Any) -> Any:
        p["w"] += x
        p["list"][0][0] = 7.0
        own = dict(p)
        own["w"] = x
        return [*p["list"], own["w"]]

    p, q = given(), given()
    assert_same(ad.compile(f, backend="numpy")(X, p), f(X, q))
    assert_same(p, q)


def test_a_generator_of_everybody_goes_on() -> None:
    drawn: list[float] = []

    def f(x: Any) -> Any:
        drawn.append(np.random.rand() + random.random())  # noqa: NPY002
        return x

    states = np.random.get_state(), random.getstate()  # noqa: NPY002
    with pytest.raises(TraceError, match=r"draws random numbers.*or another thread did"):
        ad.compile(f, backend="numpy")(X)
    expected = np.random.rand(), random.random()  # noqa: NPY002
    np.random.set_state(states[0])  # noqa: NPY002
    random.setstate(states[1])
    assert drawn == [np.random.rand() + random.random()]  # noqa: NPY002
    assert expected == (np.random.rand(), random.random())  # noqa: NPY002


def test_a_draw_far_back_in_the_state_is_seen() -> None:
    rng = np.random.Generator(np.random.MT19937(0))
    rng.random(100)  # from here on one draw changes a single number of the state
    with pytest.raises(TraceError, match="draws from a generator"):
        ad.compile(lambda x, rng: x + rng.random(), backend="numpy")(X, rng)


def test_dropout_of_a_constant_is_told_from_that_of_an_argument() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(TraceError, match=r"use ad.dropout, of an argument .* not of a const"):
        ad.compile(lambda x: x * ad.dropout(np.ones(3), 0.5, rng=rng), backend="numpy")(X)
    ad.compile(lambda x: x * ad.dropout(np.ones_like(x) + 0 * x, 0.5, rng=rng), backend="numpy")(X)
