"""A multilayer perceptron on images of handwritten digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

import autodiff as ad
from models.config import Option, Settings
from models.data import Part, Split, load_digits, shifted
from models.experiments.experiment import Experiment, Figures, error_of
from models.mlp import ACTIVATIONS, MLP
from models.options import number, sizes
from models.report import table
from models.tasks.classification import Classification, accuracy, baselines, predict

__all__ = ["Digits", "DigitsSettings"]

DATA: dict[str, Callable[[], Split]] = {"digits": load_digits}

SIDE = 8
"""Height and width of an image of a digit, in pixels."""


@dataclass(frozen=True)
class DigitsSettings(Settings):
    """The defaults were chosen by cross-validation on the training and validation part."""

    data: str = "digits"
    hidden: tuple[int, ...] = (256, 128)
    activation: str = "relu"
    dropout: float = 0.0
    shift: float = 0.7
    epochs: int = 150
    optimizer: str = "adamw"
    schedule: str = "cosine"

    OPTIONS: ClassVar[Mapping[str, Option]] = {
        "data": Option(f"data set: {', '.join(DATA)}", choices=DATA),
        "hidden": Option("units of each hidden layer", sizes, metavar="N,N"),
        "activation": Option(f"of hidden units: {', '.join(ACTIVATIONS)}", choices=ACTIVATIONS),
        "dropout": Option("share of hidden units dropped", number(float, 0, 1), metavar="P"),
        "shift": Option("greatest random shift of training images, in pixels",
                        number(float, 0, SIDE), metavar="PIXELS"),
        **Settings.OPTIONS,
    }  # fmt: skip
    MODEL: ClassVar[str] = "mlp"
    HELP: ClassVar[str] = "multilayer perceptron on images"


class Digits(Experiment):
    """See `Experiment`."""

    title = "A multilayer perceptron on the digits"

    def __init__(self, settings: DigitsSettings, rng: np.random.Generator) -> None:
        self.split = _as_dtype(DATA[settings.data](), settings.dtype)
        inputs = self.split.train.x.shape[1]
        self.arguments = {
            "sizes": [inputs, *settings.hidden, self.split.classes],
            "activation": settings.activation,
            "dropout": settings.dropout,
            "dtype": settings.dtype,
        }
        self.model = MLP(**self.arguments, rng=rng)
        augment = partial(shifted, most=settings.shift, side=SIDE) if settings.shift else None
        self.task = Classification(self.split, settings.batch, augment, unit="images")
        self.opening = self._opening(settings)

    def _opening(self, settings: DigitsSettings) -> str:
        parts = (self.split.train, self.split.validation, self.split.test)
        train, validation, test = (f"{len(part.y):,}" for part in parts)
        layers = "-".join(map(str, self.arguments["sizes"]))
        return (
            f"{self.split.name}: {train} images to learn from, {validation} to validate, "
            f"{test} held out\n"
            f"MLP {layers}: {self.count():,} parameters, {settings.activation}, {settings.dtype}"
        )

    def figures(self) -> Figures:
        """Accuracy of the network and of simpler ways."""
        test = self.split.test
        found = {"this network": predict(self.model, test.x), **baselines(self.split)}
        shares = {name: accuracy(predicted, test.y) for name, predicted in found.items()}
        return {
            name: {"accuracy": share, "standard error": error_of(share, len(test.y))}
            for name, share in shares.items()
        }

    def test_part(self) -> str:
        """What the figures are of."""
        count = len(self.split.test.y)
        return (
            f"{count} images that were neither trained on nor used to choose anything. "
            f"{self.split.note}"
        )

    def examples(self) -> Mapping[str, str]:
        """The images that are misread."""
        y = self.split.test.y
        predicted = predict(self.model, self.split.test.x)
        wrong = np.flatnonzero(predicted != y)
        if not len(wrong):
            return {"Mistakes on the test part": "None."}
        rows = table(["image", "is", "read as"], [(i, y[i], predicted[i]) for i in wrong])
        text = f"Images are numbered from 0 within the test part.\n\n{rows}"
        return {"Mistakes on the test part": text}

    def loss(self) -> ad.Tensor:
        """Of one image that was held out."""
        test = self.split.test
        x = ad.Tensor(test.x[:1], requires_grad=True)
        return ad.cross_entropy(self.model(x), test.y[:1])


def _as_dtype(split: Split, dtype: str) -> Split:
    parts = (split.train, split.validation, split.test)
    converted: list[Any] = [Part(part.x.astype(dtype), part.y) for part in parts]
    return Split(split.name, *converted, note=split.note)
