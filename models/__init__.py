"""Models on the engine, data to train them on, and the command ``autodiff``."""

from __future__ import annotations

from models.gru import GRU
from models.mlp import MLP
from models.rnn import RNN
from models.saved import load, save

__all__ = ["GRU", "MLP", "RNN", "load", "save"]
