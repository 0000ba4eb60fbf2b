"""Products, decompositions and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.sample import Sample

_rng = np.random.default_rng(11)


def draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


def bilinear(*shapes: tuple[tuple[int, ...], tuple[int, ...]], **kwargs: Any) -> list[Sample]:
    """One sample for each pair of shapes."""
    return [Sample((draw(*a), draw(*b)), kwargs) for a, b in shapes]


def summed(subscripts: str, *shapes: tuple[int, ...], **kwargs: Any) -> Sample:
    return Sample((subscripts, *(draw(*shape) for shape in shapes)), kwargs)


def diagonal(subscripts: str, shape: tuple[int, ...]) -> Sample:
    return Sample((subscripts, draw(*shape)), numpy=square_einsum)


def square_einsum(subscripts: str, x: Any) -> Any:
    """numpy's einsum, which reads beyond the array where a diagonal has a length of 0."""
    term = subscripts.partition("->")[0]
    if len(set(term)) < len(set(zip(term, np.shape(x), strict=True))):
        raise ValueError("not square")
    return np.einsum(subscripts, x)


SAMPLES: dict[str, list[Sample]] = {
    "matmul": [
        *bilinear(((2, 3), (3, 4)), ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2))),
        *bilinear(((2, 1, 2, 3), (4, 3, 2)), ((2, 2, 3), (3, 2)), ((2, 3), (2, 3, 2))),
        *bilinear(((3,), (2, 3, 2)), ((2, 2, 3), (3,)), ((2, 0), (0, 3))),
    ],
    "dot": [
        *bilinear(((2, 3), (3, 2)), ((3,), (3,)), ((), (2,)), ((2, 3), (3,))),
        *bilinear(((2, 3), (2, 3, 2)), ((2, 2, 3), (3, 2)), ((3,), (2, 3, 2))),
    ],
    "inner": bilinear(((3,), (3,)), ((2, 3), (4, 3)), ((2, 2, 3), (3,)), ((2,), ())),
    "vdot": bilinear(((3,), (3,)), ((2, 3), (3, 2))),
    "vecdot": [*bilinear(((2, 3), (3,))), *bilinear(((3, 2), (3, 2)), axis=0)],
    "outer": bilinear(((2,), (3,)), ((2, 2), ())),
    "kron": bilinear(((2,), (3,)), ((2, 1), (2, 3)), ((2,), (1, 2, 2)), ((), (2,))),
    "cross": [
        *bilinear(((3,), (3,)), ((2, 3), (3,)), ((2, 1, 3), (2, 3))),
        *bilinear(((3, 2), (3, 2)), axis=0),
        *bilinear(((3, 2), (2, 3)), axisa=0, axisc=0),
    ],
    "tensordot": [
        *bilinear(((2, 3, 2), (3, 2, 2))),
        *bilinear(((2, 3), (3, 4)), ((3,), (3,)), axes=1),
        *bilinear(((2,), (3,)), ((), (2,)), axes=0),
        *bilinear(((2, 3, 4), (4, 2, 3)), axes=((1, 0), (2, 1))),
        *bilinear(((2, 3, 4), (4, 2, 3)), axes=((2, 1), (0, 2))),
        *bilinear(((2, 3, 2), (4, 3)), axes=(1, -1)),
    ],
    "einsum": [
        summed("ij,jk->ik", (2, 3), (3, 2)),
        summed("ij,jk", (2, 3), (3, 2)),
        summed("ba", (2, 3)),
        diagonal("ii", (3, 3)),
        diagonal("ii->i", (3, 3)),
        diagonal("iij->j", (2, 2, 3)),
        diagonal("iii->i", (2, 2, 2)),
        diagonal("ijji->j", (2, 3, 3, 2)),
        summed("ij->", (2, 3)),
        summed("ij,k->i", (2, 3), (2,)),
        summed("ij,ij->ij", (2, 3), (2, 3)),
        summed("ij,ij->j", (1, 3), (2, 3)),
        summed("i,i->", (1,), (3,)),
        summed("ii,i->i", (2, 2), (1,)),
        summed("...ij,...jk->...ik", (2, 1, 2, 3), (4, 3, 2)),
        summed("...i,i", (2, 3), (3,)),
        summed("i...->...", (3, 2)),
        summed("...,...", (2, 3), (3,)),
        summed("ij,jk,kl->il", (2, 3), (3, 2), (2, 2)),
        summed("i,ij,j->", (2,), (2, 3), (3,), optimize=True),
        summed("ab,cb->ac", (2, 3), (4, 3), optimize="greedy"),
        summed(" i , j -> j i ", (2,), (3,)),
        Sample((draw(2, 3), [0, 1], draw(3, 2), [1, 2], [0, 2])),
        Sample((draw(2, 2, 3), [..., 1], draw(3), [1])),
        summed(",i->i", (), (3,)),
        summed("ij,jk->ik", (2, 0), (0, 3)),
    ],
    "matrix_transpose": [Sample((draw(2, 3),)), Sample((draw(2, 2, 3),))],
    "trace": [
        Sample((draw(3, 3),)),
        Sample((draw(2, 3, 4),), {"offset": 1, "axis1": -1, "axis2": 0}),
    ],
}
