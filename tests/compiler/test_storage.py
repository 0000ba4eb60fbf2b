"""Places: views that numpy works out, without arrays that anybody reads."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from autodiff.compiler.native.storage import Place, Storage, contiguous


def place(*shape: int) -> Place:
    size = int(np.prod(shape))
    return contiguous(Storage("arena", size, np.float32), shape)


VIEWS: dict[str, Callable[..., Any]] = {
    "transpose": np.transpose,
    "flip": np.flip,
    "diagonal": np.diagonal,
    "every other": lambda x: x[::-2, 1:],
    "one row": lambda x: x[1],
    "new axis": lambda x: x[:, None],
    "moved": lambda x: np.moveaxis(x, 0, -1),
}


@pytest.mark.parametrize("name", VIEWS)
def test_offset_and_strides_find_the_entries(name: str) -> None:
    source = np.arange(20, dtype=np.float32).reshape(4, 5)
    made = place(4, 5).view(VIEWS[name])
    assert made is not None
    expected = VIEWS[name](source)
    found = [
        source.ravel()[made.offset + sum(i * s for i, s in zip(index, made.strides, strict=True))]
        for index in np.ndindex(*made.shape)
    ]
    np.testing.assert_array_equal(np.reshape(found, made.shape), expected)


def test_a_copy_is_no_view() -> None:
    assert place(4, 5).view(lambda x: x[[0, 1]]) is None
    assert place(4, 5).view(np.ravel) is not None
    transposed = place(4, 5).view(np.transpose)
    assert transposed is not None
    assert transposed.view(np.ravel) is None
    assert transposed.reshaped((20,)) is None
    assert transposed.reshaped((5, 1, 4)) is not None


def test_nothing_has_no_memory() -> None:
    empty = place(4, 5).view(operator.getitem, slice(9, None))
    assert empty is not None
    assert empty.shape == (0, 5)


def test_a_number_stays_a_place() -> None:
    made = place().view(np.flip)
    assert made is not None
    assert made.shape == ()


def test_slices_of_a_loop() -> None:
    part = place(4, 5, 6).slice_of("t")
    assert (part.shape, part.strides, part.steps) == ((5, 6), (6, 1), (("t", 30),))
    inner = part.slice_of("s")
    assert (inner.shape, inner.steps) == ((6,), (("t", 30), ("s", 6)))
    backwards = place(4, 5).view(np.flip, 0)
    assert backwards is not None
    assert (backwards.slice_of("t").steps, backwards.slice_of("t").offset) == ((("t", -5),), 15)


def test_broadcast_axes_stay_where_they_are() -> None:
    wide = place(5).broadcast((3, 5))
    assert wide.strides == (0, 1)
    assert not wide.is_contiguous
