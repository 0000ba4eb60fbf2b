"""Variations of images that keep what they show."""

from __future__ import annotations

import numpy as np

__all__ = ["shifted"]


def shifted(images: np.ndarray, most: float, side: int, rng: np.random.Generator) -> np.ndarray:
    """Each image moved a little at random; what comes in from outside is zero.

    Parameters
    ----------
    images : ndarray of shape (images, side * side)
        Rows from top to bottom.
    most : float
        Greatest way down and to the right, and up and to the left, in pixels. Values between
        pixels are interpolated linearly.
    side : int
        Height and width in pixels.
    rng : Generator

    Returns
    -------
    ndarray
        Of the same shape and dtype.
    """
    ways = rng.uniform(-most, most, (2, len(images), 1, 1))
    place = np.arange(side)
    # Entry (i, j): how much of pixel j comes to lie on pixel i.
    shares = np.maximum(0, 1 - np.abs(place[:, None] - place - ways)).astype(images.dtype)
    down, right = shares
    moved = down @ images.reshape(-1, side, side) @ right.swapaxes(1, 2)
    return moved.reshape(images.shape)
