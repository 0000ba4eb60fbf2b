"""Samples of what moves, repeats and leaves out entries."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.sample import Sample

_rng = np.random.default_rng(7)


def draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


VECTOR, MATRIX, CUBE = draw(3), draw(2, 3), draw(2, 3, 4)


def calls(x: np.ndarray, *arguments: tuple[Any, ...]) -> list[Sample]:
    """One array with each of these further arguments."""
    return [Sample((x, *more)) for more in arguments]


def each(*arrays: np.ndarray, numpy: Callable[..., Any] | None = None) -> list[Sample]:
    return [Sample((x,), numpy=numpy) for x in arrays]


def joined(*shapes: tuple[int, ...], **kwargs: Any) -> Sample:
    """Arrays of these shapes in one list."""
    return Sample(([draw(*shape) for shape in shapes],), kwargs)


def several(*shapes: tuple[int, ...], **kwargs: Any) -> Sample:
    """Arrays of these shapes as arguments."""
    return Sample(tuple(draw(*shape) for shape in shapes), kwargs)


def padded(mode: str, *others: dict[str, Any], width: Any = ((1, 2), (0, 1))) -> list[Sample]:
    x = _rng.permutation(12).reshape(3, 4) / 5.0 - 1.0  # no two entries are close
    return [Sample((x, width, mode), more) for more in ({}, *others)]


def astype(x: Any, dtype: Any) -> Any:
    return x.astype(dtype)


def unstack(x: Any, axis: int = 0) -> tuple[Any, ...]:
    return tuple(np.moveaxis(x, axis, 0))


def pad_by_dict(x: Any, pad_width: Any) -> Any:
    return np.pad(x, [(0, 0), (2, 1)])


SAMPLES: dict[str, list[Sample]] = {
    "reshape": calls(CUBE, ((4, 6),), ((-1, 2),), (24,), (-1,)) + calls(draw(), ((1, 1),)),
    "ravel": each(CUBE, draw()),
    "flatten": each(CUBE, numpy=np.ravel),
    "copy": each(CUBE),
    "astype": [Sample((CUBE, np.float64), numpy=astype)],
    "transpose": calls(CUBE, (), ((1, 2, 0),), ((-1, 0, 1),), ([0, 2, 1],)) + each(VECTOR),
    "swapaxes": calls(CUBE, (0, 2), (-1, 1), (1, 1)),
    "moveaxis": calls(CUBE, (0, -1), (-1, 0), ((0, 1), (2, 0)), ((-1, 0), (0, 1))),
    "rollaxis": calls(CUBE, (2,), (0, 3), (1, 2), (-1, -2), (0, 1)),
    "expand_dims": calls(MATRIX, (0,), (-1,), ((0, 2),), ((-1, 1),)),
    "squeeze": calls(draw(1, 3, 1), (), (0,), (-1,), ((0, 2),)),
    "broadcast_to": calls(MATRIX, ((4, 2, 3),), ((2, 3),)) + calls(draw(2, 1), ((3, 2, 4),)),
    "broadcast_arrays": [several((2, 1), (3,)), several((), (2, 2)), several((2,))],
    "atleast_1d": [several(()), several((2,), ())],
    "atleast_2d": [several(()), several((2,), (2, 2))],
    "atleast_3d": [several(()), several((2,), (2, 3), (1, 2, 3))],
    "meshgrid": [
        several((2,), (3,)), several((2,), (3,), (2,), indexing="ij"), several((2,), (1,), (3,)),
        several((2,)), several((), (2,)),
    ],
    "concatenate": [
        joined((2, 3), (1, 3)), joined((2, 1), (2, 3), axis=1), joined((2, 1), (2, 0), axis=-1),
        joined((2, 2), (3,), (), axis=None), joined((2,)),
    ],
    "stack": [joined((2, 3), (2, 3)), *(joined((2,), (2,), (2,), axis=a) for a in (0, 1, -1, -2))],
    "append": [several((2, 3), (2,)), several((2, 3), (1, 3), axis=0), several((), ())],
    "vstack": [joined((2,), (2,)), joined((2, 3), (3,)), joined((1, 2, 2), (2, 2, 2))],
    "hstack": [joined((2,), (3,)), joined((2, 3), (2, 1)), joined((), ())],
    "dstack": [joined((2,), (2,)), joined((2, 3), (2, 3, 2))],
    "column_stack": [joined((2,), (2,)), joined((2, 3), (2,))],
    "split": calls(CUBE, (2,), (3, 1), ([1, 3], -1), ([2, 1], 1), ([1, 9], -1)),
    "array_split": calls(CUBE, (2, 1), (3, 2), ([1], 0)) + calls(draw(2), (4,)),
    "hsplit": calls(CUBE, (3,)) + calls(draw(4), (2,)),
    "vsplit": calls(CUBE, (2,), ([1],)),
    "dsplit": calls(CUBE, (2,), ([1, 2],)),
    "unstack": [Sample((CUBE,), {"axis": axis}, numpy=unstack) for axis in (0, 1, -1)],
    "tile": calls(MATRIX, (2,), ((2, 1),), ((2, 1, 2),), ((),), ((0, 2),)) + calls(draw(), (3,)),
    "repeat": [
        *calls(MATRIX, (2,), (2, 0), (np.array([1, 0, 2]), 1), ([2], -1), (0, 1)),
        *calls(MATRIX, (np.arange(6),)), *calls(draw(), (3,)),
    ],
    "resize": calls(MATRIX, ((3, 3),), ((2,),), (7,)),
    "delete": calls(CUBE, (1,), (slice(0, 5, 2),), ([0, 2], 1), (-1, 2)) + calls(VECTOR, ([],)),
    "insert": [
        *(Sample((VECTOR, *more)) for more in ((1, draw()), (-1, draw(2)), ([0, 2], draw(2)))),
        Sample((MATRIX, 1, draw(3), 0)), Sample((MATRIX, 1, draw(2), 1)), Sample((MATRIX, 2, 5.0)),
        Sample((MATRIX, [0, 3], draw(2, 2), 1)), Sample((MATRIX, [1], draw(2, 1), 1)),
        Sample((MATRIX, slice(0, 3, 2), draw(2), -1)),
    ],
    "flip": calls(CUBE, (), (0,), (-1,), ((0, 2),)),
    "fliplr": each(CUBE),
    "flipud": each(CUBE, VECTOR),
    "roll": calls(CUBE, (1,), (-2, 1), ((1, 2), (0, -1)), (5, (0, 1)), ((1, 2), (0, 0))),
    "rot90": calls(CUBE, (), (2,), (-1, (1, 2)), (3, (2, 0)), (4,)),
    "diagonal": [*calls(CUBE, (), (1,), (-1, 0, 2), (1, -1, 1), (9,)), *calls(MATRIX, (-1,))],
    "diag": calls(VECTOR, (), (1,), (-2,)) + calls(MATRIX, (), (1,), (-1,)),
    "diagflat": calls(MATRIX, (), (-1,)) + calls(draw(), (1,)),
    "tril": calls(CUBE, (), (1,), (-1,)) + calls(VECTOR, ()),
    "triu": calls(CUBE, (), (1,), (-1,)) + calls(VECTOR, (1,)),
    "pad": [
        *padded("constant", {"constant_values": 2.0}),
        *padded("constant", {"constant_values": ((1.0, 2.0), (3.0, 4.0))}),
        *padded("edge"), *padded("reflect", {"reflect_type": "even"}), *padded("symmetric"),
        *padded("wrap"), *padded("reflect", width=5), *padded("wrap", width=(5, 0)),
        *padded("mean", {"stat_length": 2}, {"stat_length": ((1, 2), (3, 9))}),
        *padded("maximum", {"stat_length": 2}), *padded("minimum"), *padded("median"),
        *padded("linear_ramp", {"end_values": 1.5}, {"end_values": ((1.0, 2.0), (3.0, 4.0))}),
        Sample((MATRIX, {-1: (2, 1)}), numpy=pad_by_dict), Sample((VECTOR, 2)),
    ],
}  # fmt: skip
SAMPLES |= {"concat": SAMPLES["concatenate"], "permute_dims": SAMPLES["transpose"]}
