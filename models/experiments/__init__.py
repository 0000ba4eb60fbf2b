"""Experiments by the name of their model: what `autodiff train` can train."""

from __future__ import annotations

from models.config import Settings
from models.experiments.adding import Adding, AddingSettings
from models.experiments.classification import Classes, ClassifierSettings
from models.experiments.digits import Digits, DigitsSettings
from models.experiments.experiment import Experiment, Figures
from models.experiments.tagging import TaggerSettings, Tags, WindowSettings
from models.experiments.translation import Seq2SeqSettings, Translating

__all__ = ["EXPERIMENTS", "Experiment", "Figures"]

EXPERIMENTS: dict[str, tuple[type[Settings], type[Experiment]]] = {
    kind.MODEL: (kind, experiment)
    for kind, experiment in [
        (DigitsSettings, Digits),
        (TaggerSettings, Tags),
        (WindowSettings, Tags),
        (ClassifierSettings, Classes),
        (Seq2SeqSettings, Translating),
        (AddingSettings, Adding),
    ]
}
