"""One form of a call, however its arguments are given."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import suppress
from inspect import Parameter, signature
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff.compiler.native import expand, lower, reductions, views
from autodiff.compiler.tracing import signatures
from autodiff.ops.index import scatter_add
from autodiff.ops.neural import softmax
from tests.compiler.test_protocols import on_both
from tests.compiler.tools import written_down

pytestmark = pytest.mark.usefixtures("cache")

M, IDS = np.arange(-4.0, 5.0).reshape(3, 3), np.array([2, 0, 2])

CALLS: dict[Any, tuple[Any, ...]] = {
    np.all: (0,), np.any: (0,), np.max: (0,), np.min: (0,), np.argmax: (1,), np.argmin: (1,),
    np.sum: (0, None, None, True), np.prod: (0,), np.mean: (1, None, None, True),
    np.std: (1, None, None, 1), np.var: (1, None, None, 1), np.cumsum: (1,), np.cumprod: (1,),
    np.around: (1,), np.broadcast_to: ((2, 3, 3),), np.clip: (-1.0, 2.0),
    np.concatenate: (1,), np.cross: (M + 1,), np.diagonal: (1,), np.dot: (M,),
    np.expand_dims: (1,), np.flip: (0,), np.inner: (M,), np.moveaxis: (0, 1),
    np.nan_to_num: (True, 1.0), np.outer: (M,), np.pad: (1, "edge"), np.ravel: ("F",),
    np.repeat: (2, 1), np.reshape: ((1, 9), "F"), np.roll: (1, 0), np.rot90: (1, (0, 1)),
    np.round: (1,), scatter_add: (IDS, (4, 3)), np.sinc: (), softmax: (0,), np.squeeze: (None,),
    np.stack: (1,), np.swapaxes: (0, 1), np.take: (IDS, 1), np.take_along_axis: (IDS[None], 0),
    np.tensordot: (M, 1), np.tile: ((2, 1),), np.transpose: ((1, 0),), np.tril: (1,),
    np.triu: (1,), np.vdot: (M,),
}  # fmt: skip
"""Arguments by their places, beside the first one."""

_OF_LISTS = np.concatenate, np.stack


def by_name(f: Any, args: tuple[Any, ...]) -> tuple[list[Any], dict[str, Any]]:
    """As many arguments by their names as may be."""
    found = signatures._parameters(f)[: len(args)]
    first = [a for a, p in zip(args, found) if p.kind is Parameter.POSITIONAL_ONLY]
    return first, {p.name: a for a, p in zip(args[len(first) :], found[len(first) :])}


def text(f: Callable[..., Any], x: Any, backend: str) -> tuple[str, Any]:
    """The program, with values counted from its first one, and the result."""
    compiled = ad.compile(f, backend=backend)
    result, program = compiled(x), str(compiled.program)
    first = int(re.search(r"v(\d+)", program)[1])
    program = re.sub(r"#.*", "", program)
    return re.sub(r"\bv(\d+)", lambda m: f"v{int(m[1]) - first}", program), result


@on_both
@pytest.mark.parametrize("f", CALLS, ids=lambda f: f.__name__)
def test_by_place_and_by_name(backend: str, f: Any) -> None:
    def given(x: Any) -> tuple[Any, ...]:
        return ([x, M] if f in _OF_LISTS else x, *CALLS[f])

    def named(x: Any) -> Any:
        first, others = by_name(f, given(x))
        return f(*first, **others)

    one, expected = text(lambda x: f(*given(x)), M, backend)
    other, found = text(named, M, backend)
    assert other.split() == one.split()
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_allclose(found, f(*given(M)), rtol=1e-14)


def test_these_are_the_functions_that_passes_know() -> None:
    known = {
        *expand._FORMULAS, *views.VIEWS, *reductions.REDUCTIONS, *reductions.ALONG,
        *lower._BY_FUNCTION,
    }  # fmt: skip
    numpys = {f for f in known if isinstance(f, type(np.sum))}
    assert numpys - {np.amax, np.amin, np.einsum, np.ascontiguousarray} <= {*CALLS}


def test_what_is_said_of_functions_written_in_c() -> None:
    for f, stated in signatures._WRITTEN_IN_C.items():
        with suppress(ValueError):  # an older numpy does not know
            known = signature(f).parameters
            assert known.keys() - {"newshape"} == signature(stated).parameters.keys()


def test_formulas_know_the_names() -> None:
    for f, args in CALLS.items():
        if f in expand._FORMULAS and f not in (np.dot, scatter_add, *_OF_LISTS):
            program = written_down(lambda x, f=f, args=args: f(x, *args), M)
            assert f not in {i.function for i in expand.expanded(program).instructions}, f


def test_the_names_of_methods_of_ufuncs() -> None:
    for f in (
        lambda x: np.maximum.reduce(array=x, axis=None),
        lambda x: np.add.accumulate(array=x),
        lambda x: np.add.reduceat(array=x, indices=[0, 2]),
    ):
        np.testing.assert_array_equal(ad.compile(f, backend="numpy")(M), f(M))


@on_both
def test_the_gradient_of_an_index_twice(backend: str) -> None:
    def f(x: Any) -> Any:
        return ad.sum(ad.scatter_add(x * x, index=IDS, shape=(4, 3)) ** 3)

    hvp = lambda x: ad.hvp(f, (x,), (np.cos(x),))  # noqa: E731
    for e, a in zip(hvp(M), ad.compile(hvp, backend=backend)(M), strict=True):
        np.testing.assert_allclose(a, e, rtol=1e-12)
