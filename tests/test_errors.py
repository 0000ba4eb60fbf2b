"""Errors: their kinds, and how values are described in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from autodiff import errors


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ShapeError, ValueError), (errors.DTypeError, TypeError),
        (errors.GraphError, RuntimeError), (errors.DomainError, ValueError),
        (errors.FormatError, ValueError),
    ],
)  # fmt: skip
def test_each_kind_is_ours_and_pythons(kind: type, builtin: type) -> None:
    assert issubclass(kind, errors.AutodiffError) and issubclass(kind, builtin)
    assert not issubclass(errors.AutodiffError, builtin)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.zeros((3, 4)), "float64(3, 4)"), (np.zeros(2, np.float32), "float32(2,)"),
        (np.float64(1.0), "float64()"), (2.0, "2.0"), ("row", "'row'"), (None, "None"),
        (ad.Tensor([1, 2]), "int64(2,)"), (ad.Scalar(1.0), "float()"),
        ([np.zeros(1), 2], "[float64(1,), 2]"), ((np.zeros(1),), "[float64(1,)]"),
        ([1, 2], "[1, 2]"), (slice(1, None), "slice(1, None, None)"),
    ],
)  # fmt: skip
def test_describe(value: Any, text: str) -> None:
    assert errors.describe(value) == text


def test_long_values_are_cut() -> None:
    text = errors.describe(list(range(1000)))
    assert len(text) == 40 and text.endswith("...")


def test_warnings_name_the_line_of_the_user() -> None:
    with pytest.warns(UserWarning, match="limit=") as caught:
        ad.compile(lambda x: x, backend="numpy", limit=0)(1.0)
    assert [w.filename for w in caught] == [__file__]


def test_the_cause_is_kept() -> None:
    with pytest.raises(errors.ShapeError) as caught:
        ad.add(np.ones(2), np.ones(3))
    assert isinstance(caught.value.__cause__, ValueError)
    assert "add(float64(2,), float64(3,))" in str(caught.value)


def test_errors_inside_rules_of_the_user_reach_him() -> None:
    def rule(g: Any) -> Any:
        raise errors.DomainError("not here")

    op = ad.custom_op(lambda x: x * 1.0, rule)
    with pytest.raises(errors.DomainError, match="not here"):
        ad.grad(lambda x: ad.sum(op(x)))(np.ones(2))


X = ad.Tensor(np.ones((3, 4)), requires_grad=True)
LARGE = ad.Tensor(np.ones((30, 4)), requires_grad=True, name="W")


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (lambda: ad.Tensor([1.0], dtype="float65"), errors.DTypeError, "dtype='float65'"),
        (lambda: setattr(X, "data", "a"), errors.DTypeError, "real numbers, not 'a'"),
        (lambda: ad.sum(X).backward("a"), errors.DTypeError, "real numbers, not 'a'"),
        (lambda: ad.tile(X, "a"), errors.DTypeError, "tile"),
        (lambda: X.register_hook(3), errors.DTypeError, r"register_hook\(\) takes a function"),
        (lambda: ad.tensordot(X, X, axes=5), IndexError, "fewer axes"),
        (lambda: ad.jvp(ad.sum, (np.ones(3),), (1j * np.ones(3),)), errors.DTypeError, "real"),
        (lambda: ad.hvp(ad.sum, np.ones(3), np.ones(3)), errors.DTypeError, "primals is a tuple"),
        (lambda: ad.jacobian(ad.exp, 4)(np.ones(3)), errors.ShapeError, "names argument 4"),
        (lambda: ad.hessian(ad.sum, (0, 4))(np.ones(3)), errors.ShapeError, "names argument 4"),
        (lambda: ad.vjp(lambda x: None, 1.0), errors.DTypeError, "a return is missing"),
        (lambda: ad.vmap(ad.sum)(), errors.ShapeError, "leaves no argument"),
        (lambda: ad.custom_op(np.tanh, partials=1), errors.DTypeError, "is no tuple"),
        (lambda: ad.Linear(-3, 2), errors.ShapeError, "at least 0"),
        (lambda: ad.init.normal((2, 1.5)), errors.ShapeError, "a whole number"),
        (lambda: ad.schedule.warmup("a"), errors.DTypeError, "steps='a' is no number"),
        (lambda: ad.optim.Adam([X], eps="a"), errors.DTypeError, "eps='a' is no number"),
        (lambda: ad.io.save("a.npz", {}, 3), errors.DTypeError, "texts by name"),
        (lambda: float(LARGE), errors.GraphError, r"Tensor\(float64\(30, 4\), name='W'\) is"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        call()


def test_a_name_that_is_not_there_says_where() -> None:
    with pytest.raises(AttributeError) as caught:
        ad.mes  # noqa: B018
    assert (caught.value.name, caught.value.obj) == ("mes", ad)
