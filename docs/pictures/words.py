"""Make factors.png and words.png: ``python docs/pictures/words.py [FOLDER]``.

Inner products of learnt vectors beside what they are to be near: the entries of a small matrix,
and what is counted in Brown and BBC. The first time two models are trained, for some three minutes;
they stay in runs/pictures/.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

import autodiff as ad
import models
from models import GloVe, SkipGram
from models.word_learning import GloVeTrainer, Word2VecTrainer
from models.words import Encoded, Text, WordCounts, cooccurrences
from models.words.cooccurrence import Triples

FOLDER, KEPT = Path(__file__).parent, Path("runs", "pictures")
M = np.array([[3.0, 0.0, 1.0], [0.0, 3.0, 2.0], [3.0, 3.0, 3.0]])
NEGATIVES, WINDOW, EPOCHS = 5, 5, 10
"""Of skip-gram."""
GLOVE_WINDOW = 10
LEAST = (1, 2, 5, 10, 20, 50)
PLOTTED = 5
"""How often a pair has to occur."""


def factors(size: int, epochs: int = 60) -> tuple[list[float], np.ndarray]:
    """Root mean square error after each epoch over single pairs, and the product at the end."""
    rng = np.random.default_rng(0)
    A, B = (ad.Parameter(rng.normal(size=(3, size)) / 2) for _ in "AB")
    optimizer, errors = ad.optim.SGD([A, B], lr=0.1), []
    for epoch in range(epochs):
        optimizer.lr = 0.1 * (1 - epoch / epochs)
        for i, j in rng.permutation(list(np.ndindex(M.shape))):
            optimizer.zero_grad()
            (0.5 * (M[i, j] - A[i] @ B[j]) ** 2).backward()
            optimizer.step()
        errors.append(float(np.sqrt(np.mean((M - A.data @ B.data.T) ** 2))))
    return errors, A.data @ B.data.T


def least_error(rank: int) -> float:
    """The least root mean square error that a matrix of some rank can have."""
    singular = np.linalg.svd(M, compute_uv=False)
    return float(np.linalg.norm(singular[rank:]) / np.sqrt(M.size))


def draw_factors() -> Figure:
    """Entries against inner products, and the error by epochs."""
    figure = Figure(figsize=(8, 3.4), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    for size, colour, marker in ((1, "#d95f02", "s"), (2, "#1f77b4", "o")):
        errors, product = factors(size)
        left.plot(M.ravel(), product.ravel(), marker, color=colour, label=f"length {size}")
        right.plot(range(1, len(errors) + 1), errors, color=colour, label=f"length {size}")
    right.axhline(least_error(1), color="grey", linestyle=":", label="the least for rank 1")
    left.axline((0, 0), slope=1, color="grey", linewidth=1, zorder=0)
    left.set(xlabel="entry M[i, j]", ylabel="inner product a[i] · b[j]")
    right.set(xlabel="passes over all pairs", ylabel="root mean square error", yscale="log")
    right.set_ylim(1e-6, 5)
    left.legend(frameon=False)
    right.legend(frameon=False)
    return figure


def skipgram(counts: WordCounts, encoded: Encoded) -> SkipGram:
    """Trained on all pairs of each window, as they are counted."""
    model = SkipGram(counts)
    Word2VecTrainer(
        model, encoded, epochs=EPOCHS, window=WINDOW, shrink=False, negatives=NEGATIVES, subsample=0
    ).fit()
    return model


def glove(counts: WordCounts, encoded: Encoded) -> GloVe:
    """Trained with its usual settings."""
    model = GloVe(counts)
    GloVeTrainer(model, encoded, epochs=25, window=GLOVE_WINDOW).fit()
    return model


def kept(train: Any, counts: WordCounts, encoded: Encoded) -> Any:
    """A model from its file, or else trained and saved."""
    path = KEPT / f"{train.__name__}.safetensors"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        model = train(counts, encoded)
        models.save(path, model, model.arguments)
    return models.load(path)


def products(rows: np.ndarray, columns: np.ndarray, pairs: Triples) -> np.ndarray:
    """The inner product for each pair, some at a time."""
    parts = (np.array_split(side, 50) for side in pairs[:2])
    return np.concatenate([(rows[i] * columns[j]).sum(1) for i, j in zip(*parts)])


def counted(encoded: Encoded, size: int, window: int, weighted: bool) -> Triples:
    """Pairs with their counts, but for words with one neighbour only: it is never their noise."""
    found = cooccurrences(encoded, size, window, weighted=weighted)
    pairs = found.read(0, len(found))
    has_others = np.bincount(pairs.rows)[pairs.rows] > 1
    return Triples(*(part[has_others] for part in pairs))


def of_skipgram(model: SkipGram, pairs: Triples) -> tuple[np.ndarray, np.ndarray]:
    """log #(i,j) / #noise(i,j) for each pair, and v[i] . u[j]."""
    best = np.log(pairs.values / noise(model, pairs))
    return best, products(model.V.numpy(), model.U.numpy(), pairs)


def noise(model: SkipGram, pairs: Triples) -> np.ndarray:
    """How often j is expected as noise with i in the centre: never where j is the right word."""
    i, j, seen = pairs
    P = model.words.counts**0.75
    P /= P.sum()
    drawn = seen / (1 - P[j])
    return NEGATIVES * P[j] * (np.bincount(i, drawn)[i] - drawn)


def of_glove(model: GloVe, pairs: Triples) -> tuple[np.ndarray, np.ndarray]:
    """log X[i,j] for each pair, and what is to be near it."""
    near = products(model.W.numpy(), model.C.numpy(), pairs)
    return np.log(pairs.values), near + model.b.numpy()[pairs.rows] + model.d.numpy()[pairs.columns]


def plot(axes: Any, wanted: np.ndarray, learnt: np.ndarray) -> None:
    """How many pairs are where, but for the outermost."""
    x, y = (np.percentile(values, (0.02, 99.98)) for values in (wanted, learnt))
    cells = axes.hexbin(wanted, learnt, gridsize=60, bins="log", extent=(*x, *y), mincnt=1)
    axes.axline((x[1], x[1]), slope=1, color="black", linewidth=1)
    axes.set(title=f"{len(wanted):,} pairs, r = {correlation(wanted, learnt):.2f}")
    axes.figure.colorbar(cells, ax=axes, label="pairs")


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r."""
    return float(np.corrcoef(a, b)[0, 1])


def draw_words() -> Figure:
    """Both models, and their correlations printed by how often pairs occur."""
    text = Text("brown+bbc", fetch=True)
    counts = WordCounts.of(text)
    encoded = Encoded(text, counts)
    figure = Figure(figsize=(10, 4.2), dpi=110, layout="constrained")
    left, right = figure.subplots(1, 2)
    for axes, train, of, window in (
        (left, skipgram, of_skipgram, WINDOW), (right, glove, of_glove, GLOVE_WINDOW),
    ):  # fmt: skip
        pairs = counted(encoded, len(counts), window, weighted=train is glove)
        wanted, learnt = of(kept(train, counts, encoded), pairs)
        for least in LEAST:
            there = pairs.values >= least
            r = correlation(wanted[there], learnt[there])
            print(f"{train.__name__}: {there.sum():,} pairs with a count of {least}: r = {r:.2f}")
        there = pairs.values >= PLOTTED
        plot(axes, wanted[there], learnt[there])
    left.set(xlabel="log #(i,j) / #noise(i,j)", ylabel="v[i] · u[j]")
    right.set(xlabel="log X[i,j]", ylabel="w[i] · c[j] + b[i] + d[j]")
    return figure


def main(folder: Path = FOLDER) -> None:
    """Write both pictures."""
    draw_factors().savefig(folder / "factors.png")
    draw_words().savefig(folder / "words.png")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
