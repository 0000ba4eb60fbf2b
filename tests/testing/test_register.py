"""`register`, and what `gradient_test` says at once of arguments that do not go together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import seed, settings
from hypothesis import strategies as st

import autodiff as ad
from autodiff.errors import DomainError, DTypeError, ShapeError
from autodiff.testing import GradientError, grad_arrays, gradient_test, register
from autodiff.testing.arguments import inputs_for

TestLogaddexp = register(ad.logaddexp, np.logaddexp, domain=(-4.0, 4.0))
TestCumsum = register(ad.cumsum, np.cumsum, inputs=grad_arrays((2, 3)), axis=st.integers(0, 1))

NAMES = ("test_gradient", "test_second_order", "test_float32", "test_layouts")


def failing(registered: type) -> set[str]:
    """The names of the tests of a class that fail."""
    found = set()
    for name in NAMES:
        test = seed(0)(settings(max_examples=10, database=None)(getattr(registered, name)))
        try:
            test()
        except GradientError:
            found.add(name)
    return found


def in_double(x: Any) -> Any:
    return np.sin(x.astype(float))


def of_memory(x: Any) -> Any:
    """Counts on rows that lie one behind the other."""
    x = np.asarray(x)
    return np.lib.stride_tricks.as_strided(x, x.shape, np.zeros(x.shape, x.dtype).strides) * 1.0


cut = ad.custom_op(lambda x: x * x, lambda g, x: 2 * g * ad.stop_gradient(x))
minus = ad.custom_op(lambda x: np.sin(x), lambda g, x: -g * np.cos(x))

WRONG: dict[str, tuple[set[str], type]] = {
    "gradient": ({*NAMES}, register(minus, arity=1)),
    "value": ({*NAMES}, register(ad.sin, np.cos)),
    "second order": ({"test_second_order"}, register(cut, arity=1)),
    "float32": ({"test_float32"}, register(in_double, np.sin)),
    "layouts": (
        {"test_layouts"},
        register(of_memory, np.positive, checks="none", vjp=lambda g, x: g, min_dims=1),
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_fails_where_it_shows(what: str) -> None:
    expected, registered = WRONG[what]
    assert failing(registered) == expected


def test_the_class_bears_the_name_of_the_function() -> None:
    assert TestLogaddexp.__name__ == "Test_logaddexp"
    assert [name for name in vars(TestLogaddexp) if name.startswith("test")] == [*NAMES]


@pytest.mark.parametrize("limits", [{"max_dims": 1}, {"min_dims": 3, "max_side": 2}])
def test_limits_hold_in_each_test(limits: dict[str, int]) -> None:
    seen: list[int] = []

    def twin(x: Any) -> Any:
        seen.append(x.ndim)
        return np.sin(x)

    registered = register(ad.sin, twin, **limits)
    for name in NAMES:
        settings(max_examples=5, database=None)(getattr(registered, name))()
    assert limits.get("min_dims", 0) <= min(seen)
    assert max(seen) <= limits.get("max_dims", 3)


# ---- names


def test_names_of_the_test_itself_may_be_names_of_inputs_and_settings() -> None:
    @settings(max_examples=5)
    @gradient_test(kwargs={"order": st.just(2.0), "shapes": 3.0, "dtype": "f"}, args=1.0, test=2.0)
    def f(values: Any, order: Any, shapes: Any, dtype: Any, args: Any, test: Any) -> Any:
        assert (shapes, dtype, args, test) == (3.0, "f", 1.0, 2.0)
        return values**order

    f()


def test_a_function_that_takes_any_setting() -> None:
    @settings(max_examples=5)
    @gradient_test(power=2.0)
    def f(x: Any, **names: float) -> Any:
        return x ** names["power"]

    f()


class OldUfunc:
    """As an older numpy has it: without a signature."""

    __name__ = "old"
    __signature__ = "unknown"
    nin = 2

    def __call__(self, x: Any, y: Any, scale: float = 1.0) -> Any:
        return scale * x * y


def test_a_ufunc_without_a_signature() -> None:
    test = settings(max_examples=5)(gradient_test(OldUfunc(), scale=2.0))
    test()
    assert test.tally.checked


def test_a_function_as_a_setting_is_given_the_inputs() -> None:
    seen = []

    @settings(max_examples=5)
    @gradient_test(scale=lambda x: x.size, kind=float)
    def f(x: Any, scale: int, kind: type) -> Any:
        seen.append(scale == x.size and kind is float)
        return x * scale

    f()
    assert all(seen)


# ---- where the cause of a failure is looked for


WIDER: list[tuple[Any, list[tuple[int, ...]], list[tuple[int, ...]]]] = [
    ("broadcast", [(1, 1), (1,)], [(5, 2), (2,)]),
    ("broadcast", [(3, 1), (1, 2), ()], [(5, 1), (1, 2), ()]),
    ("same", [(), ()], [(3, 2), (3, 2)]),
    ("(n,d),(d)->(n)", [(1, 1), (1,)], [(3, 2), (2,)]),
    ("(n,3),(n)", [(1, 3), (1,)], [(3, 3), (3,)]),
    (st.just(((2, 3), (3, 4))), [(2, 3), (3, 4)], [(2, 3), (3, 4)]),
]


@pytest.mark.parametrize(("shapes", "small", "expected"), WIDER)
def test_the_axes_of_generic_points_can_be_told_apart(
    shapes: Any, small: list[tuple[int, ...]], expected: list[tuple[int, ...]]
) -> None:
    generic = inputs_for(None, shapes, len(small), {}).generic
    assert generic is not None
    arrays = generic(small)(np.random.default_rng(0))
    assert [x.shape for x in arrays] == expected


SUCH: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "ordinary": ({}, lambda x: not np.isin(x, [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0]).any()),
    "positive": ({"domain": "positive"}, lambda x: np.all(x > 0)),
    "not avoided": ({"avoid": np.arange(-63, 64, 2) / 8}, lambda x: np.all(x * 4 % 1 == 0)),
    "distinct": ({"distinct": True}, lambda x: len(np.unique(x)) == 9),
    "definite": ({"domain": "definite"}, lambda x: np.all(np.linalg.eigvalsh(x) > 0)),
}


@pytest.mark.parametrize("kind", SUCH)
def test_generic_points_are_such_as_are_drawn(kind: str) -> None:
    settings, holds = SUCH[kind]
    generic = inputs_for(None, "(n,n)", 1, {"dtype": np.float32, **settings}).generic
    assert generic is not None
    for seed_of_one in range(8):
        (x,) = generic([(1, 1)])(np.random.default_rng(seed_of_one))
        assert x.shape == (3, 3)
        assert holds(x)


# ---- errors


def pair(x: Any, y: Any) -> Any:
    return x * y


BAD: list[tuple[type[Exception], str, Callable[[], Any]]] = [
    (DomainError, "go together", lambda: gradient_test(forward=pair)),
    (DomainError, "go together", lambda: gradient_test(backward=pair)),
    (DomainError, "go together", lambda: gradient_test(pair, forward=pair, backward=pair)),
    (DomainError, "not both", lambda: gradient_test(pair, vjp=pair, grad=pair)),
    (DomainError, "cannot be called", lambda: gradient_test(3)),
    (DomainError, "order=3", lambda: gradient_test(pair, order=3)),
    (DomainError, "no check 'speed'", lambda: gradient_test(pair, checks="speed")),
    (DomainError, "state arity=", lambda: gradient_test(lambda *xs: xs[0])),
    (DomainError, "'cotangent', which is the test's own",
     lambda: gradient_test(lambda cotangent: 1)),
    (DomainError, "'cotangent', which is the test's own",
     lambda: gradient_test(lambda x, cotangent: 1, arity=1)),
    (DomainError, "'x0', which is the test's own",
     lambda: gradient_test(lambda *xs, x0=1: 1, arity=1, x0=2)),
    (DomainError, "domian= is neither a setting of gradient_test nor one of the function, which "
     "takes x, y", lambda: gradient_test(pair, domian="positive")),
    (DomainError, "domain='postive'", lambda: gradient_test(pair, domain="postive")),
    (DomainError, "domain= has 1 parts for 2", lambda: gradient_test(pair, domain=["real"])),
    (DTypeError, "dtype=<class 'int'>", lambda: gradient_test(pair, dtype=int)),
    (DomainError, "shapes='equal': it is", lambda: gradient_test(pair, shapes="equal")),
    (ShapeError, "has 1 inputs, and the function 2",
     lambda: gradient_test(pair, shapes="(n)->(n)", arity=2)),
    (ShapeError, "is no signature", lambda: gradient_test(pair, shapes="(n),(n m)")),
    (ShapeError, "no input has an axis k", lambda: gradient_test(pair, shapes="(n),(m)->(k)")),
    (ShapeError, "no shape has", lambda: gradient_test(pair, min_side=4)),
    (DomainError, "avoid would have no effect",
     lambda: gradient_test(pair, inputs=(grad_arrays(), grad_arrays()), avoid=[0.0])),
    (DomainError, "a tuple of 2 of them", lambda: gradient_test(pair, inputs=3, arity=2)),
    (DomainError, "inputs= has to draw a tuple of 2, and drew",
     lambda: gradient_test(pair, inputs=grad_arrays((3,)))()),
    (DomainError, "shapes= has to draw a tuple of 2, and drew",
     lambda: gradient_test(pair, shapes=st.just((3,)))()),
    (GradientError, "no floating result", lambda: gradient_test(np.argmax, arity=1, min_dims=1)()),
    (GradientError, "raised ZeroDivisionError", lambda: gradient_test(lambda x: 1 / 0)()),
]  # fmt: skip


@pytest.mark.parametrize(("error", "text", "call"), BAD, ids=[b[1] for b in BAD])
def test_bad_arguments_are_named(
    error: type[Exception], text: str, call: Callable[[], Any]
) -> None:
    with pytest.raises(error, match=text):
        call()
