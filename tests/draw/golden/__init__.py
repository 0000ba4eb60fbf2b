"""Small graphs whose DOT text is kept; ``python -m tests.draw.golden`` writes the files anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import autodiff as ad

FOLDER = Path(__file__).parent


def scalars() -> ad.draw.Graph:
    """Numbers only: one value with two uses, one of them twice."""
    x = ad.Scalar(3.0, requires_grad=True)
    J = x * x + x
    return ad.graph(J, highlight=x)


def shared() -> ad.draw.Graph:
    """Three steps that share two parameters."""
    W = ad.Parameter(np.array([[0.5, -0.25], [0.125, 1.0]]))
    U = ad.Parameter(np.array([[0.25, 0.5], [-0.5, 0.75]]))
    h = ad.Tensor(np.array([1.0, -1.0]), requires_grad=True, name="h(0)")
    for t in range(1, 4):
        with ad.scope(f"step t={t}"):
            h = W @ h + U @ np.array([1.0, 0.5 * t])
    return ad.graph(ad.sum(h), title="three steps")


def closed() -> ad.draw.Graph:
    """A closed scope beside an open one."""
    x = ad.Tensor([1.0, 2.0], requires_grad=True)
    with ad.scope("squares"):
        y = x * x
        z = y - x
    with ad.scope("cubes"):
        u = z * z
        J = ad.sum(u * z)
    return ad.graph(J, expand="cubes", rankdir="TB")


def alert() -> ad.draw.Graph:
    """A value that is not a number, and an error signal that is infinite."""
    x = ad.Tensor([1.0, 0.0, -1.0], requires_grad=True)
    with np.errstate(all="ignore"):
        y = np.sqrt(x)
        J = ad.sum(y) * 2.0
    return ad.graph(J)


EXAMPLES = (scalars, shared, closed, alert)


def write() -> None:
    """Make the files anew, to be looked at before they are committed."""
    for example in EXAMPLES:
        example().save(FOLDER / f"{example.__name__}.gv")
