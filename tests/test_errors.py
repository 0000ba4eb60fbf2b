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
