"""Make the pictures of this folder: ``python docs/pictures/make.py [FOLDER]``.

Each is drawn from the model in the function of its name. The tests run this and compare.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

import autodiff as ad
from models import GRU, SkipGram

FOLDER = Path(__file__).parent
INPUT = 0.5, -1.0, 0.8, 1.2
ROWS = (0.4, -0.3, 0.5, 0.6), (0.3, 0.6, -0.5, 0.5)
"""The input and the first weights of the network of three units."""


def gru_4_paths() -> ad.draw.Graph:
    """One step of a GRU: four ways from the loss to the input, two of which nearly cancel."""
    rng = np.random.default_rng(55)
    W, Wz, Wr, U, Uz, Ur = (ad.Parameter(w) for w in rng.normal(size=(6, 2, 2)))
    x = ad.Tensor([1.0, -0.5], requires_grad=True)
    h_ = ad.Tensor([0.6, -0.8], requires_grad=True, name="h′")
    with ad.scope("GRU cell"):
        z = ad.sigmoid(Wz @ x + Uz @ h_)
        r = ad.sigmoid(Wr @ x + Ur @ h_)
        h̃ = ad.tanh(W @ x + r * (U @ h_))
        h = z * h_ + (1 - z) * h̃
    J = 0.5 * ad.sum((h - np.array([0.2, 0.9])) ** 2)
    return ad.graph(J, highlight=(J, x))


def net_4_2_1_path() -> ad.draw.Graph:
    """A network of three units: the derivative with respect to one weight, factor by factor."""
    x = [ad.Tensor(v, requires_grad=True, name=f"x{j}") for v, j in zip(INPUT, "1234")]
    W = [[ad.Parameter(w, name=f"W{i}{j}") for w, j in zip(r, "1234")] for r, i in zip(ROWS, "12")]
    b1, b2, u1, u2 = (ad.Parameter(v) for v in (0.06, 0.02, 0.9, -0.7))
    with ad.scope("hidden layer"):
        z1, z2 = (b + sum(w * v for w, v in zip(r, x)) for b, r in zip((b1, b2), W))
        a1, a2 = ad.sigmoid(z1), ad.sigmoid(z2)
    with ad.scope("output"):
        s = u1 * a1 + u2 * a2
        p = ad.sigmoid(s)
    J = -ad.log(1 - p)
    return ad.graph(J, highlight=(J, W[0][3]))


def gru_unrolled() -> ad.draw.Graph:
    """Four steps of a GRU, one of them open: where the gradient of each weight comes from."""
    rng = np.random.default_rng(0)
    model = GRU(2, 3, bias=False, rng=rng)
    xs = [ad.Tensor(rng.normal(size=2), requires_grad=True, name=f"x({t})") for t in range(1, 5)]
    h0 = ad.Tensor(np.zeros(3), requires_grad=True, name="h(0)")
    with ad.watch():
        _, h = model(xs, h0)
    J = 0.5 * ad.sum((h - 0.3) ** 2)
    return ad.graph(J, expand="GRU t=3")


def skipgram() -> ad.draw.Graph:
    """One example of skip-gram: "rose" beside "a", and "is" as noise."""
    rng = np.random.default_rng(0)
    model = SkipGram(["a", "rose", "is"], [2, 2, 1], size=2)
    model.V.data, model.U.data = rng.uniform(-1, 1, (2, 3, 2))
    with ad.watch():
        J = model.loss([0], [[1, 2]], signs=[1, -1])
    return ad.graph(J)


PICTURES = (gru_4_paths, net_4_2_1_path, gru_unrolled, skipgram)


def main(folder: Path = FOLDER) -> None:
    """Write each picture as DOT and as PNG."""
    for make in PICTURES:
        graph = make()
        graph.save(folder / f"{make.__name__}.gv")
        graph.save(folder / f"{make.__name__}.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
