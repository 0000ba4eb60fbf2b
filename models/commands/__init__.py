"""The commands of ``autodiff``, each in a file that adds it to the command line."""

from __future__ import annotations

from collections.abc import Callable

from models.commands import check, demo, info, see, train
from models.commands.common import Commands

__all__ = ["ADD"]

ADD: list[Callable[[Commands], None]] = [demo.add, train.add, check.add, see.add, info.add]
"""In the order in which they are listed."""
