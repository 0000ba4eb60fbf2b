"""The commands of ``autodiff``, each in a file that adds it to the command line."""

from __future__ import annotations

from collections.abc import Callable

from models.commands import check, data, demo, info, predict, see, train, words
from models.commands.common import Commands

__all__ = ["ADD"]

ADD: list[Callable[[Commands], None]] = [
    demo.add, train.add, predict.add, words.add, data.add, check.add, see.add, info.add,
]  # fmt: skip
"""In the order in which they are listed."""
