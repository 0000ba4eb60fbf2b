"""What a run leaves for people to read: the curve of the loss, and a page about it."""

from __future__ import annotations

import io
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import autodiff as ad
from models.extras import need

__all__ = ["report", "save_loss_curve", "table"]

LONGEST = 300
"""Characters of a cell."""

BLUE, ORANGE = "#1f77b4", "#d95f02"  # told apart also by those who see no red and green


def save_loss_curve(history: Sequence[Mapping[str, float]], best_epoch: int, path: Path) -> None:
    """Draw the loss of the training and the validation part against epochs, as a PNG.

    Parameters
    ----------
    history : sequence of mapping
        For each epoch ``loss`` and ``validation loss``.
    best_epoch : int
        The epoch to mark, from 1.
    path : Path
        File to write.
    """
    figure_module = need("matplotlib.figure", "drawing the loss curve")
    figure = figure_module.Figure(figsize=(7, 4), dpi=150, layout="constrained")
    _plot(figure.subplots(), history, best_epoch)
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    ad.io.replace(path, picture.getvalue())


def _plot(axes: Any, history: Sequence[Mapping[str, float]], best_epoch: int) -> None:
    epochs = np.arange(1, len(history) + 1)
    losses, validation = ([row[n] for row in history] for n in ("loss", "validation loss"))
    axes.plot(epochs, losses, color=BLUE, label="training")
    axes.plot(epochs, validation, color=ORANGE, linestyle="--", label="validation")
    axes.plot(best_epoch, validation[best_epoch - 1], "o", color=ORANGE,
              label=f"kept: epoch {best_epoch}")  # fmt: skip
    scale = "log" if min(*losses, *validation) > 0 else "linear"
    axes.set(xlabel="epoch", ylabel="loss", yscale=scale, title="Loss")
    axes.grid(alpha=0.3, which="both")
    axes.legend(frameon=False)


def table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A table in Markdown; a cell that is too long is cut."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(_cell, line)) + " |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    text = " ".join(str(value).split()).replace("|", "\\|")
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip("\\ ") + " ..."


def report(title: str, sections: Mapping[str, str]) -> str:
    """A page in Markdown: the sections by title, and last the versions that made it."""
    made_with = (
        f"autodiff {ad.__version__}, numpy {np.__version__}, Python {platform.python_version()} "
        f"on {platform.system()} ({platform.machine()})"
    )
    texts = {**sections, "Made with": made_with}
    body = "\n".join(f"## {name}\n\n{text.rstrip()}\n" for name, text in texts.items())
    return f"# {title}\n\n{body}"
