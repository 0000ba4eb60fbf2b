"""Models on the engine, data to train them on, and the command ``autodiff``."""

from __future__ import annotations

from models.mlp import MLP
from models.saved import load, save

__all__ = ["MLP", "load", "save"]
