"""Samples of indexing and of choosing by conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.sample import Sample

_rng = np.random.default_rng(8)


def draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


VECTOR, MATRIX, CUBE = draw(4), draw(3, 4), draw(2, 3, 4)
EVEN = np.arange(12).reshape(3, 4) % 2 == 0
TWICE = np.array([[0, 2, 0], [1, 2, 2]])


def calls(x: np.ndarray, *arguments: tuple[Any, ...]) -> list[Sample]:
    return [Sample((x, *more)) for more in arguments]


def indexed(x: np.ndarray, *indices: Any) -> list[Sample]:
    return [Sample((x, index), numpy=lambda x, index: x[index]) for index in indices]


def added(shape: tuple[int, ...], *indices: Any) -> list[Sample]:
    """Arrays that fit, added at each of the indices."""
    return [
        Sample((draw(*np.empty(shape)[index].shape), index, shape), numpy=scatter_add)
        for index in indices
    ]


def scatter_add(x: Any, index: Any, shape: tuple[int, ...]) -> Any:
    out = np.zeros(shape, np.asarray(x).dtype)
    np.add.at(out, index, x)
    return out


SAMPLES: dict[str, list[Sample]] = {
    "getitem": [
        *indexed(CUBE, 1, -1, slice(None), slice(None, None, -2), ..., None, (), True),
        *indexed(CUBE, (0, 1, 2), (slice(1), ..., -1), (..., None, 2), (0, slice(3, 0, -1))),
        *indexed(CUBE, np.array([1, 0, 1]), np.array([[-1], [0]]), [0, 1, 1], TWICE % 2),
        *indexed(CUBE, (slice(None), TWICE), (TWICE % 2, slice(None), TWICE), (0, TWICE)),
        *indexed(CUBE, (TWICE % 2, 1, ..., TWICE), (np.array([0, 1])[:, None], TWICE, None)),
        *indexed(CUBE, np.array([True, False]), (0, EVEN), (..., np.array([1, 0, 0, 1], bool))),
        *indexed(CUBE, CUBE > 0, (slice(None), EVEN), np.array([], int), slice(5, 9), np.int64(1)),
        *indexed(draw(), (), ..., None, True, np.array(False)),
        *indexed(VECTOR, np.array([2, 2, 2]), np.array(3)),
    ],
    "scatter_add": [
        *added((3, 4), TWICE, EVEN, 1, (slice(None), [0, 0, 1]), (TWICE, TWICE), slice(0, 3, 2)),
        *added((4,), TWICE, np.array([], int), slice(None, None, -1)), *added((), ()),
    ],
    "take": [
        *calls(CUBE, (TWICE,), (TWICE, 1), ([0, -1, 0], 2), (3,), (1, -1), (np.array([], int), 0)),
        Sample((CUBE, [5, -1], 1), {"mode": "wrap"}), Sample((CUBE, [5, -7], 1), {"mode": "clip"}),
        *calls(draw(), (0,), ([0, 0],)),
    ],
    "take_along_axis": [
        *calls(MATRIX, (np.array([[2, 0, -1, 1], [0, 0, 2, 2]]), 0)),
        *calls(MATRIX, (np.array([[3, 0], [1, 1], [2, -1]]), 1)),
        *calls(MATRIX, (np.array([3, 3, 0]), None), (np.argsort(MATRIX, axis=-1), -1)),
        *calls(CUBE, (np.array([[[1]], [[2]]]), 1), (np.array([[[3, 0]]]), -1)),
    ],
    "compress": [
        *calls(np.array([True, False, True]), (MATRIX, 0)), *calls(EVEN[0], (MATRIX, 1)),
        *calls(np.array([False, True]), (MATRIX,)),
    ],
    "extract": [Sample((EVEN, MATRIX)), Sample((np.array([0, 1, 0, 1]), VECTOR))],
    "select": [
        Sample(([EVEN, MATRIX > 0], [draw(3, 4), draw(4)], 1.5)),
        Sample(([EVEN, ~EVEN], [draw(3, 4), draw(3, 1)])),
        Sample(([EVEN[0]], [draw()], draw(4))),
    ],
}  # fmt: skip
