"""Each op, compiled: values, gradients and second derivatives, bit for bit those of eager mode."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

import autodiff as ad
from autodiff import tree
from autodiff.compiler import buffers
from autodiff.testing import op_cases
from autodiff.testing.expressions import OpCase
from tests.compiler.tools import Counted, assert_compiles, assert_same
from tests.ops.case import CASES, PAIRS, Case, each, inner, is_input

# Empty arrays have no mean, and samples moved about may leave the domain.
pytestmark = [
    pytest.mark.filterwarnings("ignore::RuntimeWarning"),
]

FIRST = [case for case in CASES if case.number == 0]
DRAWN = {"dropout-1"}
"""Goes on with a generator of its own; see `test_random`."""
WHOLE = [case for case in CASES if str(case) not in DRAWN]


@pytest.fixture(autouse=True)
def buffers_for_the_smallest_arrays() -> Iterator[None]:
    """So that reuse is tested with each op."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(buffers, "LEAST", 1)
        yield


def random_like(xs: Any, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=np.shape(x)).astype(getattr(x, "dtype", float)) for x in xs]


def derivatives(f: Callable[..., Any], order: int) -> Callable[..., Any]:
    """The values of ``f(*xs)``, its gradient against vs, and the derivative of that along ts."""

    def total(*xs: Any, vs: Any) -> Any:
        return inner([v for v in f(*xs) if v.dtype.kind == "f"], vs)

    def call(xs: Any, vs: Any, ts: Any) -> list[Any]:
        every = tuple(range(len(xs)))
        gradient = ad.grad(total, every, allow_unused=True)
        slope = ad.grad(lambda *xs: inner(gradient(*xs, vs=vs), ts), every, allow_unused=True)
        found = [f(*xs)]
        found += [gradient(*xs, vs=vs)] if order > 0 else []
        return [*found, slope(*xs)] if order > 1 else found

    return call


def check(f: Callable[..., Any], xs: list[np.ndarray], order: int = 2) -> None:
    """Both for some values and for others, of which nothing was known at the first call."""
    with ad.no_grad():
        values = [v for v in f(*xs) if v.dtype.kind == "f"]
    args = xs, random_like(values, 1), random_like(xs, 2)
    f = derivatives(f, order_of(f, args, order))
    assert_compiles(f, args, tuple([np.array(np.flip(x)) for x in arg] for arg in args))


def order_of(f: Callable[..., Any], args: Any, order: int) -> int:
    """As many derivatives as eager mode has."""
    try:
        derivatives(f, order)(*args)
    except (ad.errors.AutodiffError, IndexError, np.linalg.LinAlgError):
        return order_of(f, args, order - 1)
    return order


@each(WHOLE)
def test_values_and_two_derivatives(case: Case) -> None:
    check(case.values, case.inputs, order=2 if case.number < 2 else 1)


@each(FIRST)
def test_in_float32(case: Case) -> None:
    check(case.values, [x.astype(np.float32) for x in case.inputs])


def attempt(case: Case, xs: list[np.ndarray]) -> Any:
    try:
        return case.plain(*xs)
    except (ad.errors.AutodiffError, IndexError, ZeroDivisionError, np.linalg.LinAlgError) as e:
        return e


def first_entry(x: Any) -> Any:
    return np.array(x.ravel()[0]) if x.size else x


def nothing_of(x: Any) -> Any:
    return x[:0] if x.ndim else x


@each(FIRST, change=[first_entry, nothing_of])
def test_numbers_and_empty_arrays(case: Case, change: Callable[[Any], Any]) -> None:
    xs = [change(x) for x in case.inputs]
    if isinstance(error := attempt(case, xs), Exception):
        with pytest.raises(type(error)):
            Counted(case.values)(*xs)
    else:
        check(case.values, xs, order=1)


@each(
    [case for case in PAIRS if case.number == 0],
    shapes=[((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 3))],
)
def test_broadcasting(case: Case, shapes: Any) -> None:
    pairs = zip(case.inputs, shapes, strict=True)
    check(case.values, [np.resize(x.ravel(), shape) for x, shape in pairs])


@each(FIRST)
def test_tensors(case: Case) -> None:
    def step(leaves: Any, vs: Any) -> Any:
        values = case.values(*leaves)
        out = inner([v for v in values if v.dtype.kind == "f"], vs)
        if getattr(out, "requires_grad", False):
            out.backward()
        return values

    vs = random_like([v for v in case.plain(*case.inputs) if v.dtype.kind == "f"], 1)
    counted = Counted(step)
    for k in range(2):
        apart = [[ad.Tensor(x * (1 - k / 64), requires_grad=True) for x in case.inputs]
                 for _ in range(2)]  # fmt: skip
        assert_same(counted(apart[0], vs), step(apart[1], vs))
        found, expected = ([leaf.grad for leaf in leaves] for leaves in apart)
        assert [g is None for g in found] == [g is None for g in expected]
        assert_same([g for g in found if g is not None], [g for g in expected if g is not None])
    assert counted.calls == 1


def is_constant(leaf: Any) -> bool:
    return isinstance(leaf, np.ndarray) and not is_input(leaf)


BY_INDEX = {"getitem", "scatter_add", "compress", "extract"}
WITH_INTEGERS = [
    case for case in CASES
    if any(map(is_constant, tree.flatten((case.sample.args, case.sample.kwargs))[0]))
]  # fmt: skip


def is_as_long_as_values_say(case: Case, constants: list[Any]) -> bool:
    """Whether the result, or its gradient, has an entry for each true one of a mask."""
    return case.name in ("repeat", "extract") or (
        case.name in BY_INDEX and any(c.dtype == bool for c in constants)
    )


def gradient_by_constants(case: Case) -> tuple[Callable[..., Any], list[Any]]:
    """A function of the integers and masks too, and these."""
    leaves, definition = tree.flatten((case.sample.args, case.sample.kwargs))

    def values(constants: Any, *xs: Any) -> Any:
        given, floats = iter(constants), iter(xs)
        filled = [next(given) if is_constant(x) else next(floats) if is_input(x) else x
                  for x in leaves]  # fmt: skip
        args, kwargs = tree.unflatten(definition, filled)
        return tuple(tree.flatten(ad.FUNCTIONS[case.name](*args, **kwargs))[0])

    def call(xs: Any, vs: Any, constants: Any) -> Any:
        every = tuple(range(len(xs)))
        total = lambda *xs: inner(values(constants, *xs), vs)  # noqa: E731
        return values(constants, *xs), ad.grad(total, every, allow_unused=True)(*xs)

    return call, [x.copy() for x in leaves if is_constant(x)]


@each(WITH_INTEGERS)
def test_integers_and_masks_are_not_baked_in(case: Case) -> None:
    f, constants = gradient_by_constants(case)
    xs, vs = case.inputs, case.cotangents()
    if is_as_long_as_values_say(case, constants):
        with pytest.raises(ad.errors.AutodiffError, match="not known yet"):
            Counted(f)(xs, vs, constants)
        return
    others = [np.roll(c, 1) for c in constants]
    assert_compiles(f, (xs, vs, constants), (xs, vs, others))


@settings(max_examples=15)
@given(op_cases(max_steps=5))
def test_random_programs(case: OpCase) -> None:
    def values(*xs: Any) -> Any:
        out = case(*xs)
        return out if isinstance(out, tuple) else (out,)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(values, list(case.inputs))
