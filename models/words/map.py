"""A map of the commonest words: a picture, and a page in which one can move about and search."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import os
import warnings
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import numpy as np

import autodiff as ad
from models.extras import need
from models.words.vectors import Vectors

__all__ = ["METHODS", "WordMap"]

NEAR = 10
"""Neighbours that the page shows of a word."""

BLUE, INK = "#1f77b4", "#1c2430"


class WordMap:
    """The commonest words as points of the plane, those that are alike near each other.

    Parameters
    ----------
    vectors : Vectors
        Its first words are the commonest.
    n : int
        How many of them are on the map.
    method : str
        ``"tsne"`` (by scikit-learn) keeps neighbours together; ``"pca"`` shows the two directions
        in which the words differ most.
    seed : int
        Of t-SNE. The same seed gives the same map.

    Attributes
    ----------
    words : tuple of str
    points : ndarray, shape (words, 2)
        From 0 to 1, the second coordinate from top to bottom.
    near : list of list of (int, float)
        For each word those most like it on the map, and their cosines.

    Raises
    ------
    DomainError
        If there is no such method, or there are fewer than 2 words.
    MissingExtraError
        If scikit-learn is needed and not installed.
    """

    def __init__(self, vectors: Vectors, n: int = 500, method: str = "tsne", seed: int = 0) -> None:
        if method not in METHODS:
            raise ad.errors.DomainError(f"unknown method {method!r}; there is {', '.join(METHODS)}")
        self.words = vectors.words[:n]
        if len(self.words) < 2:
            raise ad.errors.DomainError("a map needs 2 words or more")
        units = vectors.units(slice(0, len(self.words)))
        self.points = _scaled(METHODS[method](units, seed))
        self.near = _near(units)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map as ``.png`` or as ``.html``: one file, which makes no request.

        Raises
        ------
        FormatError
            If the name ends in something else.
        MissingExtraError
            If matplotlib is needed and not installed.
        """
        suffix = Path(path).suffix.lower()
        if suffix not in (".png", ".html"):
            raise ad.errors.FormatError(f"{path}: the name of a map ends in .png or .html")
        ad.io.replace(path, self.png() if suffix == ".png" else self.html().encode())

    def png(self) -> bytes:
        """A picture, with as many labels as there is room for; rarer words are points only."""
        width, height = np.clip(14 * self.points.max(0), 5, 14)
        figure = need("matplotlib.figure", "drawing a map").Figure((width, height), dpi=150)
        canvas = need("matplotlib.backends.backend_agg", "drawing a map").FigureCanvasAgg(figure)
        axes = figure.add_axes((0.06, 0.03, 0.88, 0.94))
        axes.set_axis_off()
        axes.invert_yaxis()
        axes.set_aspect("equal", "datalim")
        axes.scatter(*self.points.T, s=5, color=BLUE, linewidths=0)
        picture = io.BytesIO()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of signs that the font lacks
            canvas.draw()  # only now the limits of the axes are known
            self._label(axes, canvas.get_renderer())
            figure.savefig(picture, format="png")
        return picture.getvalue()

    def _label(self, axes: Any, renderer: Any) -> None:
        """Put each word, the commonest first, on the side of its point with the most room."""
        dots = axes.transData.transform(self.points)
        taken = np.empty((0, 4))
        for word, dot in zip(self.words, dots):
            shown = word.encode("utf-8", "replace").decode()  # no font draws half a character
            text = axes.text(0, 0, shown, fontsize=8, color=INK, parse_math=False, transform=None)
            extents = text.get_window_extent(renderer).extents
            moves = _sides(extents, dot)
            boxes = extents + np.tile(moves, 2)
            costs = [np.inf if _meets(box, taken) else _covered(box, dots) for box in boxes]
            side = int(np.argmin(costs))
            if np.isinf(costs[side]):
                text.remove()
                continue
            text.set_position(moves[side])
            taken = np.vstack([taken, boxes[side]])

    def html(self) -> str:
        """A page in which one can zoom, search, and see which words are most alike."""
        script = _read("map.js")
        data = {"words": self.words, "points": self.points.round(5).tolist(), "near": self.near}
        return Template(_read("map.html")).substitute(
            title=html.escape(f"Map of {len(self.words):,} words"),
            # Without "<" no word can end the element: neither "</script>" nor "<!--".
            data=json.dumps(data).replace("<", "\\u003c"),
            script=script,
            hash=base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode(),
        )


def _read(name: str) -> str:
    return files("models.words").joinpath(name).read_text("utf-8").strip()


def _sides(box: np.ndarray, dot: np.ndarray) -> np.ndarray:
    """How far a label has to move to stand right, left, above or below its dot."""
    gap = 8
    (left, bottom, right, top), (x, y) = box, dot
    middle = (x - (left + right) / 2, y - (bottom + top) / 2)
    return np.array([(x + gap - left, middle[1]), (x - gap - right, middle[1]),
                     (middle[0], y + gap - bottom), (middle[0], y - gap - top)])  # fmt: skip


def _meets(box: np.ndarray, taken: np.ndarray) -> bool:
    left, bottom, right, top = taken.T
    found = (left < box[2]) & (box[0] < right) & (bottom < box[3]) & (box[1] < top)
    return bool(found.any())


def _covered(box: np.ndarray, dots: np.ndarray) -> int:
    return int(((box[:2] < dots) & (dots < box[2:])).all(1).sum())


def _pca(units: np.ndarray, seed: int) -> np.ndarray:
    U, S, _ = np.linalg.svd(units.astype(np.float64) - units.mean(0), full_matrices=False)
    points = np.zeros((len(units), 2))
    points[:, : S.size] = (U * S)[:, :2]
    largest = np.abs(points).argmax(0)  # which sign a singular vector has is left to chance
    return points * np.where(points[largest, [0, 1]] < 0, -1, 1)


def _tsne(units: np.ndarray, seed: int) -> np.ndarray:
    manifold = need("sklearn.manifold", "a map by t-SNE")
    if min(units.shape) < 2 or len(units) < 4:
        return _pca(units, seed)
    tsne = manifold.TSNE(
        init="pca", perplexity=min(30, (len(units) - 1) / 3), random_state=seed, n_jobs=1
    )
    # Each number of threads rounds in another way, and t-SNE makes much of it.
    with need("threadpoolctl", "a map by t-SNE").threadpool_limits(1):
        return tsne.fit_transform(units)


METHODS = {"tsne": _tsne, "pca": _pca}
"""Ways to lay words out in the plane."""


def _scaled(points: np.ndarray) -> np.ndarray:
    """Points that begin at 0, the longer side of which ends at 1."""
    points = np.asarray(points, np.float64) - points.min(0)
    return points / (points.max() or 1)


def _near(units: np.ndarray) -> list[list[tuple[int, float]]]:
    cosines = units @ units.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, : min(NEAR, len(units) - 1)]
    rows = np.take_along_axis(cosines, order, 1).astype(np.float64).round(3)
    return [list(zip(*pair)) for pair in zip(order.tolist(), rows.tolist())]
