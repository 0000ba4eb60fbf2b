"""Word vectors learnt from text: what is drawn from it, steps in C or on numpy, the loop."""

from __future__ import annotations

from models.word_learning.glove import GloVeTrainer
from models.word_learning.word2vec import Word2VecTrainer

__all__ = ["GloVeTrainer", "Word2VecTrainer"]
