"""Models on the engine, data to train them on, and the command ``autodiff``."""

from __future__ import annotations

from models.classifier import Classifier
from models.crf import CRF
from models.gru import GRU
from models.lstm import LSTM
from models.mlp import MLP
from models.regressor import Regressor
from models.rnn import RNN
from models.saved import load, save
from models.seq2seq import Seq2Seq
from models.stack import Stack
from models.tagger import Tagger
from models.window_tagger import WindowTagger

__all__ = [
    "CRF", "GRU", "LSTM", "MLP", "RNN", "Classifier", "Regressor", "Seq2Seq", "Stack", "Tagger",
    "WindowTagger", "load", "save",
]  # fmt: skip
