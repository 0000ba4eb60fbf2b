"""Models on the engine, data to train them on, and the command ``autodiff``."""

from __future__ import annotations

from models.gru import GRU
from models.lstm import LSTM
from models.mlp import MLP
from models.rnn import RNN
from models.saved import load, save
from models.stack import Stack

__all__ = ["GRU", "LSTM", "MLP", "RNN", "Stack", "load", "save"]
