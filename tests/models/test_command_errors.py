"""The page on the errors of the command line: each row is run, and says what stands there."""

import importlib.util
import json
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models.checkpoint import CHECKPOINT
from models.experiments.digits import DigitsSettings
from models.saved import MODEL
from models.words import Vectors
from models.words import save as save_vectors
from tests.models.test_cli import status_of

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "command_errors.md"
ROW = re.compile(r"^\| `(.*?)` \| (\d+) \| (.*) \|$", re.MULTILINE)
ROWS = [
    (shlex.split(line), int(status), said) for line, status, said in ROW.findall(PAGE.read_text())
]

MINE = """\
import autodiff as ad

number = 3

def loss():
    return ad.sum(ad.Tensor([1.0, 2.0], requires_grad=True, name="w") ** 2)

def double(x):
    return 2 * x

def fails():
    raise ValueError("no such thing")

def nothing():
    pass
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the page says that the folder holds."""
    made = tmp_path_factory.mktemp("errors")
    for name in ("empty", "runs/film", "runs/digits", "runs/words", "runs/begun"):
        (made / name).mkdir(parents=True)
    texts = {"mine.py": MINE, "broken.py": "def f(:\n", "nothing.txt": "", "film.tsv": "good\n"}
    for name, text in texts.items():
        (made / name).write_text(text)
    (made / "bytes.txt").write_bytes(b"\xff\xfe\x00a")
    (made / "bytes.safetensors").write_bytes(b"\xff" * 99)
    _save_models(made / "runs")
    return made


def _save_models(runs: Path) -> None:
    film = {"words": ["good"], "labels": ["neg", "pos"], "grams": [], "size": 2, "hidden": 2}
    models.save(runs / "film" / MODEL, models.Classifier(**film, rng=0), film)
    sizes = {"sizes": [2, 2]}
    models.save(runs / "digits" / MODEL, models.MLP(**sizes, rng=0), sizes)
    vectors = Vectors(["king", "man", "woman"], np.eye(3, dtype=np.float32))
    save_vectors(runs / "words" / "vectors.safetensors", vectors)
    numbers = {"checkpoint": {"finished": False}, "settings": DigitsSettings(epochs=9).kept}
    texts = {name: json.dumps(value) for name, value in numbers.items()}
    ad.io.save(runs / "begun" / CHECKPOINT, {}, texts)


@pytest.fixture
def inside(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """There, without a network, and with modules that are forgotten afterwards."""

    def offline(*arguments: Any, **options: Any) -> Any:
        raise OSError(-2, "Name or service not known")

    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUTODIFF_DATA", str(folder / "data"))
    monkeypatch.setattr("urllib.request.urlopen", offline)
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    yield
    for name in {"mine", "broken"} - before:
        sys.modules.pop(name, None)


@pytest.mark.usefixtures("inside")
@pytest.mark.parametrize(
    ("line", "status", "said"), ROWS, ids=[" ".join(line) for line, _, _ in ROWS]
)
def test_row(
    line: list[str], status: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    while line[0] != "autodiff":
        setting, *line = line
        _set(*setting.split("=", 1), monkeypatch)
    found = status_of(line[1:])
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("autodiff"), error
    parts = (re.escape(part.strip()) for part in said.strip("`").replace(r"\|", "|").split("..."))
    assert re.search(".*".join(parts), error), error
    assert found == status


def _set(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set a variable of the environment; WITHOUT=PACKAGE: as if that were not installed."""
    if name != "WITHOUT":
        monkeypatch.setenv(name, value)
        return
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *p: None if name == value else found(name, *p)
    )


def test_rows_are_many_and_each_is_there_once() -> None:
    lines = [shlex.join(line) for line, _, _ in ROWS]
    assert 40 <= len(set(lines)) == len(lines)
