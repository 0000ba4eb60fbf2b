"""Samples of inverses, factors of matrices, and norms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.sample import Sample

_rng = np.random.default_rng(12)


def draw(*shape: int) -> np.ndarray:
    return _rng.normal(size=shape)


def regular(*shape: int) -> np.ndarray:
    """Square matrices far from singular ones."""
    return draw(*shape) + 3 * np.eye(shape[-1])


def definite(*shape: int) -> np.ndarray:
    x = draw(*shape)
    return x @ x.mT + np.eye(shape[-1])


def each(*arrays: Any, numpy: Callable[..., Any] | None = None, **settings: Any) -> list[Sample]:
    return [Sample((x,), settings, numpy=numpy) for x in arrays]


# numpy 2.0 still refuses the largest of nothing; a reference of our own may.
def norm(*args: Any, **settings: Any) -> Any:
    return np.linalg.norm(*args, **settings)


def vector_norm(x: Any, **settings: Any) -> Any:
    return np.linalg.vector_norm(x, **settings)


# numpy refuses numbers in the one, and takes two of them in the other.
def tensorinv(*args: Any) -> Any:
    return np.linalg.tensorinv(*args)


def multi_dot(arrays: Any) -> Any:
    return np.linalg.multi_dot(arrays)


def svd(x: Any) -> Any:
    return np.linalg.svd(x)


TALL, WIDE, SQUARE, STACK = draw(4, 2), draw(2, 4), draw(3, 3), draw(2, 3, 3)
SINGULAR = np.outer(draw(3), draw(3)) + np.outer(draw(3), draw(3))
CUBE = draw(2, 3, 4)
CUBE += np.sign(CUBE) / 4  # away from the kinks of the norms
VECTOR_ORDS = (None, 1, 2, 3, 2.5, 0.5, -1, -2, 0, np.inf, -np.inf)
MATRIX_ORDS = (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)

SAMPLES: dict[str, list[Sample]] = {
    "linalg.inv": each(regular(3, 3), regular(2, 2, 2), regular(1, 1)),
    "linalg.solve": [
        Sample((regular(3, 3), draw(3))), Sample((regular(3, 3), draw(3, 2))),
        Sample((regular(2, 3, 3), draw(2, 3, 2))), Sample((regular(2, 3, 3), draw(3))),
        Sample((regular(2, 1, 2, 2), draw(3, 2, 1))), Sample((regular(2, 2), draw(2, 2, 1))),
    ],
    "linalg.det": each(SQUARE, STACK, draw(1, 1), SINGULAR, draw(2, 2)),
    "linalg.slogdet": each(regular(3, 3), -regular(3, 3), regular(2, 2, 2)),
    "linalg.pinv": each(TALL, WIDE, regular(3, 3), draw(2, 3, 2)),
    "linalg.cholesky": [*each(definite(3, 3), definite(2, 2, 2))],
    "linalg.qr": [
        *each(TALL, SQUARE, WIDE, draw(2, 3, 2), draw(2, 2, 3)), *each(TALL, WIDE, mode="r"),
    ],
    "linalg.eigh": [*each(definite(3, 3), definite(2, 2, 2)), *each(SQUARE + SQUARE.T, UPLO="U")],
    "linalg.eigvalsh": [*each(definite(3, 3), STACK + STACK.mT), *each(SQUARE, UPLO="U")],
    "linalg.svd": [
        *each(SQUARE, STACK, numpy=svd), *each(TALL, WIDE, draw(2, 3, 2), full_matrices=False),
        *each(TALL, compute_uv=False),
    ],
    "linalg.svdvals": each(TALL, WIDE, STACK),
    "linalg.matrix_power": [Sample((regular(3, 3), n)) for n in (0, 1, 2, 3, 5, -1, -2)],
    "linalg.lstsq": [
        Sample((draw(4, 2), draw(4))),
        Sample((draw(4, 2), draw(4, 3))),
        Sample((draw(2, 3), draw(2))),
        Sample((regular(3, 3), draw(3))),
    ],
    "linalg.tensorsolve": [
        Sample((draw(2, 3, 6), draw(2, 3))), Sample((draw(2, 6, 3), draw(2, 3)), {"axes": (1,)}),
    ],
    "linalg.tensorinv": [
        Sample((draw(2, 3, 6),), numpy=tensorinv), Sample((draw(4, 2, 2), 1), numpy=tensorinv),
    ],
    "linalg.multi_dot": [
        *(Sample(([draw(*s) for s in shapes],), numpy=multi_dot) for shapes in [
            ((2, 3), (3, 2)), ((3,), (3,)), ((1, 3), (3, 2), (2, 4), (4, 1)),
            ((3,), (3, 2), (2, 2), (2,)), ((4, 1), (1, 3), (3, 2)),
        ]),
    ],
    "linalg.cond": [
        *(Sample((regular(3, 3), p)) for p in (None, -2, "fro", 1, np.inf)), *each(TALL, STACK),
    ],
    "linalg.vector_norm": [
        *(Sample((CUBE,), {"ord": p, "axis": (0, 2)}, vector_norm) for p in VECTOR_ORDS[1:]),
        *(Sample((CUBE,), {"ord": p, "keepdims": True}, vector_norm) for p in (2, np.inf)),
    ],
    "linalg.matrix_norm": [Sample((CUBE,), {"ord": p}) for p in MATRIX_ORDS[1:]],
    "linalg.norm": [
        *(Sample((draw(4), p), numpy=norm) for p in VECTOR_ORDS),
        *(Sample((CUBE, p, -1), {"keepdims": True}, norm) for p in VECTOR_ORDS),
        *(Sample((draw(3, 2), p), numpy=norm) for p in MATRIX_ORDS),
        *(Sample((CUBE, p, (2, 0)), {"keepdims": True}, norm) for p in MATRIX_ORDS),
        *(Sample((CUBE, p, (0, -1)), numpy=norm) for p in MATRIX_ORDS), Sample((CUBE,)),
        Sample((CUBE,), {"axis": (0, 1), "keepdims": True}),
    ],
    "linalg.cross": [Sample((draw(2, 3), draw(3))), Sample((draw(3, 2), draw(3, 2)), {"axis": 0})],
    "linalg.trace": each(CUBE, STACK) + each(STACK, offset=1),
    "linalg.diagonal": each(CUBE, STACK) + each(STACK, offset=-1),
}  # fmt: skip
