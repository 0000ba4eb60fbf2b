"""Samples of reductions, running forms, sorting, and what is composed of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.sample import Sample
from tests.ops.samples_elementwise import draw

ANY = (-2.0, 2.0)
CUBE = draw(*ANY, 2, 3, 4)
ZEROS = np.array([[0.0, 2.0, 3.0], [0.0, 0.5, 0.0], [1.0, -2.0, 1.5]])
SETTINGS: list[dict[str, Any]] = [
    {}, {"axis": 0}, {"axis": -1}, {"axis": (0, 2)}, {"axis": ()}, {"keepdims": True},
    {"axis": 1, "keepdims": True}, {"axis": (-1, 0), "keepdims": True},
]  # fmt: skip
SOME_AXIS = [s for s in SETTINGS if s.get("axis") != ()]
RUNNING: list[dict[str, Any]] = [{}, {"axis": 0}, {"axis": -1}]


def each(
    settings: list[dict[str, Any]], numpy: Callable[..., Any] | None = None, **extra: Any
) -> list[Sample]:
    """One array under each setting."""
    return [Sample((CUBE,), {**s, **extra}, numpy=numpy) for s in settings]


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


def partition(x: Any, kth: Any, axis: Any = -1) -> Any:
    # numpy leaves open in which order the smaller and the larger entries come.
    x, axis = (x.ravel(), 0) if axis is None else (x, axis)
    return np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis)


HOLES = np.where(CUBE > 1, np.nan, CUBE)

SAMPLES: dict[str, list[Sample]] = {
    "sum": each(SETTINGS),
    "mean": each(SETTINGS),
    "prod": [
        *each(SETTINGS),
        *(Sample((ZEROS,), s, order=3) for s in ({}, {"axis": 0}, {"axis": 1})),
        Sample((draw(*ANY, 4),), order=4),
    ],
    "max": each(SETTINGS),
    "min": each(SETTINGS),
    "var": [*each(SETTINGS), *each(SOME_AXIS, ddof=1)],
    "std": [
        *each(SOME_AXIS),
        Sample((CUBE,), {"axis": (0, 1), "ddof": 1}),
        Sample((draw(*ANY, 5),), order=3),
    ],
    "logsumexp": [
        *each(SETTINGS, logsumexp),
        Sample((np.array([3.0, 3.0, -np.inf]),), numpy=logsumexp, smooth=False),
        Sample((draw(*ANY, 4),), numpy=logsumexp, order=4),
    ],
    "cumsum": each(RUNNING),
    "cumprod": [
        *each(RUNNING),
        *(Sample((ZEROS,), s, order=3) for s in RUNNING),
        Sample((draw(*ANY, 1, 7),), {"axis": 1}, order=3),
    ],
    "sort": each([*RUNNING, {"axis": None}, {"axis": 1, "kind": "stable"}]),
    "partition": [
        Sample((CUBE, 1), numpy=partition),
        Sample((CUBE, (0, 2)), {"axis": 1}, numpy=partition),
        Sample((CUBE, 5), {"axis": None}, numpy=partition),
    ],
    "ptp": each(SETTINGS),
    "median": [*each(SOME_AXIS), Sample((draw(*ANY, 3, 5),), {"axis": 0})],
    "quantile": [
        *(Sample((CUBE, 0.3), s) for s in SOME_AXIS),
        *(Sample((CUBE, [[0.0, 0.5, 1.0]]), s) for s in SOME_AXIS),
    ],
    "percentile": [Sample((CUBE, 30.0)), Sample((CUBE, [25, 75]), {"axis": 1, "keepdims": True})],
    "average": [
        *each(SETTINGS, np.mean),
        Sample((CUBE, 0, draw(0.5, 2.0, 2))),
        Sample((CUBE, (0, 1), draw(0.5, 2.0, 2, 3, 4))),
        Sample((CUBE, None, draw(0.5, 2.0, 2, 3, 4), True), {"keepdims": True}),
    ],
    "nansum": [*each(SETTINGS), Sample((HOLES,), {"axis": 1}, smooth=False)],
    "nanmean": [*each(SETTINGS), Sample((HOLES,), {"axis": (0, 2)}, smooth=False)],
    "diff": [
        *(Sample((CUBE,), s) for s in ({}, {"n": 2}, {"axis": 0}, {"n": 0}, {"n": 3, "axis": 1})),
        Sample((CUBE, 1, 1, draw(*ANY, 2, 1, 4), 0.5)),
        Sample((CUBE, 2, -1), {"append": 2.0}),
    ],
    "trapezoid": [
        Sample((CUBE,)),
        Sample((CUBE,), {"dx": 0.5, "axis": 0}),
        Sample((CUBE, draw(0.0, 3.0, 3)), {"axis": 1}),
        Sample((CUBE, draw(0.0, 3.0, 2, 3, 4)), {"axis": 1}),
        Sample((draw(*ANY, 4), draw(0.0, 3.0, 4))),
    ],
}

SAMPLES |= {"amax": SAMPLES["max"], "amin": SAMPLES["min"]}
