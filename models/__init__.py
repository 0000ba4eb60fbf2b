"""Models on the engine, data to train them on, and the command ``autodiff``."""

from __future__ import annotations

from models.classifier import Classifier
from models.crf import CRF
from models.glove import GloVe
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
from models.word2vec import CBOW, SkipGram
from models.word_learning import GloVeTrainer, Word2VecTrainer

__all__ = [
    "CBOW", "CRF", "GRU", "LSTM", "MLP", "RNN", "Classifier", "GloVe", "GloVeTrainer", "Regressor",
    "Seq2Seq", "SkipGram", "Stack", "Tagger", "WindowTagger", "Word2VecTrainer", "load", "save",
]  # fmt: skip
