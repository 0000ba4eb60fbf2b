"""What the strategies draw, that each kind of it occurs, and what it shrinks to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autodiff.errors import DomainError, DTypeError, ShapeError
from autodiff.op import OPS
from autodiff.testing import broadcastable, grad_arrays
from autodiff.testing.arrays import arrays_of, entries_of
from autodiff.testing.domains import DOMAINS, domains_of
from tests.testing.search import Condition, minimal, occurs

ONE: dict[str, Condition] = {
    "real": np.isfinite,
    "positive": lambda x: x > 0,
    "nonnegative": lambda x: x >= 0,
    "nonzero": lambda x: x != 0,
    "unit": lambda x: abs(x) < 1,
    "above one": lambda x: x > 1,
    "x > 1": lambda x: x > 1,
    "x > -1": lambda x: x > -1,
    "|x| < 1": lambda x: abs(x) < 1,
    "0 < x < 1": lambda x: (x > 0) & (x < 1),
    "x not whole": lambda x: x != np.rint(x),
    "x not half": lambda x: 2 * x % 2 != 1,
    "no ties": lambda x: len(np.unique(x)) == x.size,
    "not constant": lambda x: x.size < 2 or np.ptp(x) > 0,
    "x finite": np.isfinite,
    "min < x < max": np.isfinite,
    "regular": lambda x: np.linalg.cond(x) < 1e3,
    "definite": lambda x: np.all(np.linalg.eigvalsh(x) > 0) and np.array_equal(x, x.mT),
}
"""What each domain of one argument says."""
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "x > 0": lambda x, y: x > 0,
    "y > 0": lambda x, y: y > 0,
    "x != 0": lambda x, y: x != 0,
    "y != 0": lambda x, y: y != 0,
    "(x, y) != 0": lambda x, y: np.hypot(x, y) != 0,
    "x != y": lambda x, y: x != y,
    "x / y not whole": lambda x, y: x % y != 0,
}
"""And of two, whatever is paired with whatever."""


# ---- arrays


def test_every_domain_is_known() -> None:
    assert {op.domain for op in OPS.values()} <= DOMAINS.keys()
    assert ONE.keys() | TWO.keys() == DOMAINS.keys()


@pytest.mark.parametrize("domain", ONE)
@given(data=st.data())
def test_entries_lie_in_the_domain(domain: str, data: st.DataObject) -> None:
    x = data.draw(grad_arrays(domain=domain))
    assert np.all(ONE[domain](x))


@pytest.mark.parametrize("domain", TWO)
@given(data=st.data())
def test_a_domain_of_two_arguments(domain: str, data: st.DataObject) -> None:
    entries = [entries_of(domain=part) for part in domains_of(domain, 2)]
    x, y = data.draw(arrays_of(st.just([(3,), (4, 1)]), entries))
    assert np.all(TWO[domain](x, y))


@given(data=st.data(), dtype=st.sampled_from([np.float16, np.float32, np.float64]))
def test_dtype_limits_and_what_is_avoided(data: st.DataObject, dtype: Any) -> None:
    x = data.draw(grad_arrays(
        min_dims=1, max_dims=2, min_side=2, max_side=4, dtype=dtype, avoid=[0, 1, -1]
    ))  # fmt: skip
    assert x.dtype == dtype
    assert 1 <= x.ndim <= 2
    assert all(2 <= side <= 4 for side in x.shape)
    assert not np.isin(x, [0, 1, -1]).any()


@given(low=st.floats(-50, 50), width=st.floats(0.1, 1e4), data=st.data())
def test_an_interval(low: float, width: float, data: st.DataObject) -> None:
    x = data.draw(grad_arrays(50, domain=(low, low + width), distinct=True))
    assert np.all((low < x) & (x < low + width))
    assert len(np.unique(x)) == 50


@pytest.mark.parametrize("interval", [(100.0, 200.0), (-1e4, 1.0), (1e300, 3e300)])
def test_an_interval_is_covered(interval: tuple[float, float]) -> None:
    low, high = interval
    occurs(grad_arrays((), domain=interval), lambda x: x < 0.9 * low + 0.1 * high)
    occurs(grad_arrays((), domain=interval), lambda x: x > 0.1 * low + 0.9 * high)


@given(grad_arrays(min_dims=1, max_side=5, distinct=True, dtype=np.float16))
def test_distinct(x: np.ndarray) -> None:
    assert len(np.unique(x)) == x.size


@given(grad_arrays())
def test_entries_are_where_float16_and_short_steps_are_exact(x: np.ndarray) -> None:
    size = np.max(np.abs(x))
    unit = next(s for s in (2.0**-20, 2.0**-10, 1.0, 2.0**10, 2.0**20) if size <= 8 * s)
    assert np.all(x / unit * 8 % 1 == 0)


OCCUR: dict[str, Condition] = {
    "a large one": lambda x: np.any(np.abs(x) > 1e6),
    "a thousand": lambda x: np.any((np.abs(x) > 500) & (np.abs(x) < 1e4)),
    "a small one": lambda x: np.any((x != 0) & (np.abs(x) < 1e-4)),
    "ties": lambda x: x.size > 3 and len(np.unique(x)) < x.size / 2,
    "no ties": lambda x: x.size > 3 and len(np.unique(x)) == x.size,
    "no axis": lambda x: x.ndim == 0,
    "three axes of other lengths": lambda x: len(set(x.shape)) == 3,
}  # fmt: skip


@pytest.mark.parametrize("kind", OCCUR)
def test_each_kind_of_array_occurs(kind: str) -> None:
    occurs(grad_arrays(), OCCUR[kind])


LAYOUTS: dict[str, Condition] = {
    "plain": lambda x: x.flags.c_contiguous and x.flags.writeable,
    "Fortran": lambda x: x.flags.f_contiguous and not x.flags.c_contiguous,
    "strided": lambda x: x.strides[-1] == 16,
    "reversed": lambda x: x.strides[-1] == -8,
    "read-only": lambda x: not x.flags.writeable,
}


@pytest.mark.parametrize("kind", LAYOUTS)
def test_each_layout_occurs(kind: str) -> None:
    occurs(grad_arrays((2, 3), layouts=True), LAYOUTS[kind])


@given(grad_arrays(domain="positive", layouts=True))
def test_a_layout_is_one_of_memory_alone(x: np.ndarray) -> None:
    assert np.all(x > 0)


@given(grad_arrays(raw=True), grad_arrays(raw=True, domain="unit", dtype=np.float32))
def test_raw_floats(x: np.ndarray, y: np.ndarray) -> None:
    assert np.all(np.abs(x) <= 10)
    assert np.all(np.abs(y) < 1)
    for z in (x, y):
        assert np.all((z == 0) | (np.abs(z) >= np.finfo(z.dtype).tiny))


@pytest.mark.parametrize(
    "condition", [lambda x: np.any(np.signbit(x) & (x == 0)), lambda x: np.any(x * 2.0**40 % 1)]
)
def test_raw_floats_are_no_lattice(condition: Condition) -> None:
    occurs(grad_arrays(raw=True), condition)


@given(grad_arrays(4, raw=True, distinct=True, avoid=[0.5], domain="positive"))
def test_raw_floats_keep_to_the_rest(x: np.ndarray) -> None:
    assert np.all((x > 0) & (x != 0.5))
    assert len(np.unique(x)) == 4


def test_large_arrays_are_drawn_too() -> None:
    occurs(grad_arrays((30, 40)), lambda x: len(np.unique(x)) > 10)
    occurs(grad_arrays((30, 40), distinct=True), lambda x: len(np.unique(x)) == 1200)


SMALLEST: dict[str, tuple[st.SearchStrategy[Any], Condition, Any]] = {
    "any": (grad_arrays(), lambda x: True, 0.0),
    "above two": (grad_arrays(), lambda x: np.any(x > 2), 3.0),
    "negative": (grad_arrays(), lambda x: np.any(x < 0), -1.0),
    "a fraction": (grad_arrays(), lambda x: np.any(x % 1), 0.5),
    "two axes": (grad_arrays(), lambda x: x.ndim > 1, [[0.0]]),
    "positive": (grad_arrays(2, domain="positive"), lambda x: True, [1.0, 1.0]),
    "positive, not one": (grad_arrays((), domain="positive"), lambda x: x != 1, 0.5),
    "distinct": (grad_arrays(4, distinct=True), lambda x: True, [0.0, 1.0, -1.0, 0.5]),
    "raw": (grad_arrays(raw=True), lambda x: np.any(x > 2), 3.0),
    "layouts": (grad_arrays((2, 2), layouts=True), lambda x: x[1, 1] > 1, [[0.0, 0.0], [0.0, 2.0]]),
    "regular": (grad_arrays(domain="regular"), lambda x: True, [[1.0]]),
}


@pytest.mark.parametrize("case", SMALLEST)
def test_the_simplest_array(case: str) -> None:
    strategy, condition, expected = SMALLEST[case]
    assert np.array_equal(minimal(strategy, condition), expected)


# ---- shapes that broadcast


@given(broadcastable(3, domain="positive", max_dims=2, max_side=4))
def test_shapes_that_broadcast(arrays: tuple[np.ndarray, ...]) -> None:
    assert len(arrays) == 3
    assert len(np.broadcast_shapes(*(x.shape for x in arrays))) <= 2
    assert all(np.all(x > 0) for x in arrays)


@pytest.mark.parametrize("condition", [
    lambda p: p[0].ndim < p[1].ndim,
    lambda p: np.add(*p).size > max(p[0].size, p[1].size),
    lambda p: p[0].shape == p[1].shape and p[0].size > 3,
])  # fmt: skip
def test_each_way_to_broadcast_occurs(condition: Condition) -> None:
    occurs(broadcastable(2), condition)


def test_the_simplest_shapes_are_the_same() -> None:
    x, y = minimal(broadcastable(2), lambda p: p[0].ndim == 2)
    assert x.shape == y.shape == (1, 1)


# ---- errors


BAD: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (DomainError, "domain='postive' is none of 'real'", lambda: grad_arrays(domain="postive")),
    (DomainError, "nothing lies between 2.0 and 1.0", lambda: grad_arrays(domain=(2, 1))),
    (DomainError, "neither a word nor", lambda: grad_arrays(domain=(1, 2, 3))),
    (DomainError, "neither a word nor", lambda: grad_arrays(domain=3)),
    (DomainError, "take a wider domain",
     lambda: grad_arrays(domain=(1.0, np.nextafter(1.0, 2.0)))),
    (DomainError, "no raw floats", lambda: grad_arrays(domain="x != y", raw=True)),
    (DomainError, "whole matrices", lambda: grad_arrays(domain="regular", avoid=[1.0])),
    (DTypeError, "dtype=<class 'int'>", lambda: grad_arrays(dtype=int)),
    (DTypeError, "dtype='doubble'", lambda: grad_arrays(dtype="doubble")),
    (ShapeError, "no axis has a negative length", lambda: grad_arrays((2, -1))),
    (ShapeError, "square matrices", lambda: grad_arrays((2, 3), domain="regular")),
    (ShapeError, "no shape has 4 to 3 axes", lambda: grad_arrays(min_dims=4)),
    (ShapeError, "of length 5 to 3", lambda: broadcastable(min_side=5)),
    (DomainError, "domain='postive'", lambda: broadcastable(domain="postive")),
    (DomainError, "there are 255 numbers of dtype float16",
     lambda: minimal(grad_arrays(300, domain=(1.0, 1.25), distinct=True, dtype=np.float16))),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text", "call"), BAD, ids=[b[1] for b in BAD])
def test_bad_arguments_are_named_at_once(
    error: type[Exception], text: str, call: Callable[[], Any]
) -> None:
    with pytest.raises(error, match=text):
        call()
