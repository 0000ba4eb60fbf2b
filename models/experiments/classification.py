"""Classifiers of texts: sentiment, topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from models.classifier import POOLINGS, Classifier
from models.data import CLASSIFICATION, Corpus, Labelled, load_classification, sentences
from models.experiments.experiment import Experiment, Figures, error_of
from models.options import number, words
from models.report import table
from models.settings import COUNT, Option, Settings
from models.stack import CELLS
