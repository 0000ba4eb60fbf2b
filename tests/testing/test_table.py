"""Every op of the table, proved by the checker: values, first and second derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings

from autodiff.op import OPS
from tests.testing import table

each = pytest.mark.parametrize("name", table.NAMES)


def test_what_is_stated_by_hand_is_of_ops_there_are() -> None:
    assert {*table.BY_HAND, *table.HIDDEN} <= set(OPS)


@each
def test_value_and_gradient(name: str) -> None:
    table.tested(name, layouts=True)()


def few(share: int) -> settings:
    """A share of the profile's examples."""
    return settings(max_examples=max(settings().max_examples // share, 1))


@each
def test_second_derivative(name: str) -> None:
    few(4)(table.tested(name, order=2, max_dims=2))()


# Where one entry outweighs all others, float32 has no digits of 1 - y left.
FLOAT32 = {name: {"domain": (-2.0, 2.0)} for name in ("softmax", "softmax_cross_entropy")}


@each
def test_float32(name: str) -> None:
    more = FLOAT32.get(name, {})
    few(8)(table.tested(name, dtype=np.float32, vs=None, **more))()
