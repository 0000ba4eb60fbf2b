"""Runs that learn word vectors: what they leave, that they go on, and what they refuse."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from models.cli import main
from models.data import DataError
from models.word_learning.draws import Draws
from models.word_learning.run import WORD_RUNS
from models.words import Text, load
from models.words.evaluation import Score

Capture = pytest.CaptureFixture[str]

TOPICS = (("tea", "cup", "milk", "sugar", "spoon"), ("sea", "ship", "wave", "sail", "wind"))
SCORES = {name: Score(0.5, 0.1, 3, 9) for name in ("wordsim353", "simlex999", "analogies")}
FILES = {"report.md", "map.png", "map.html", "vectors.safetensors", "model.safetensors",
         "checkpoint.safetensors"}  # fmt: skip


class _Map:
    """Files in place of maps, which take seconds."""

    def __init__(self, vectors: Any) -> None:
        assert len(vectors) == len(TOPICS) * len(TOPICS[0])

    def save(self, path: Path) -> None:
        path.touch()


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two topics, in a file in the current folder; nobody judges, and nothing is drawn."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("models.word_learning.run.evaluate", lambda vectors: SCORES)
    monkeypatch.setattr("models.word_learning.run.WordMap", _Map)
    rng = np.random.default_rng(0)
    lines = [" ".join(rng.choice(TOPICS[i % 2], 8)) for i in range(400)]
    Path("text.txt").write_text("\n".join(lines))
    return Path("text.txt")


def line_of(model: str, *more: str) -> list[str]:
    """A short training."""
    return ["train", model, "--corpus", "text.txt", "--size", "16", "--epochs", "2",
            "--lr", "0.05", *more]  # fmt: skip


@pytest.mark.parametrize("model", WORD_RUNS)
def test_run_leaves_vectors_of_words_that_go_together(model: str, capsys: Capture) -> None:
    subsample = [] if model == "glove" else ["--subsample", "0"]
    assert main(line_of(model, "--epochs", "8", *subsample)) == 0
    out = Path("runs", model)
    assert {path.name for path in out.iterdir()} == FILES
    vectors = load(out / "vectors.safetensors")
    for topic in TOPICS:
        near = [word for word, _ in vectors.most_similar(topic[0], n=4)]
        assert set(near) == set(topic[1:])
    said = capsys.readouterr().out
    assert "text.txt: 3,200 words; 10 different ones occur 5 times or more, 3,200 times" in said
    assert "simlex999   0.500 ± 0.100  3 of 9" in said
    found = models.load(out / "model.safetensors")
    np.testing.assert_array_equal(found.vectors.vectors, vectors.vectors)
    assert found.vectors.words == vectors.words
    assert main(["similar", "tea", "--top", "1"]) == 0  # finds the run by itself


def test_report_says_how_to_do_it_again() -> None:
    assert main(line_of("cbow", "--out", "out", "--whole-error", "yes")) == 0
    page = Path("out", "report.md").read_text()
    command = page.split("```sh\nautodiff ")[1].split("\n")[0].split()
    assert command[:4] == ["train", "cbow", "--corpus", "text.txt"]
    assert main([*command, "--out", "again"]) == 0
    first, again = (Path(out, "vectors.safetensors").read_bytes() for out in ("out", "again"))
    assert first == again
    assert "| WordSim-353 |" not in page and "| simlex999 | 0.500 ± 0.100 3 of 9 |" in page


def test_interrupted_run_goes_on_to_the_same_vectors(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("models.words.encoded.CHUNK", 1_000)
    line = line_of("skipgram", "--compile", "off", "--subsample", "0")
    assert main([*line, "--out", "whole"]) == 0
    usual, calls = Draws.examples, iter(range(100))

    def interrupted(self: Draws, *rest: Any) -> Any:
        if next(calls) == 5:  # in the second epoch
            os.kill(os.getpid(), signal.SIGINT)
        return usual(self, *rest)

    monkeypatch.setattr(Draws, "examples", interrupted)
    capsys.readouterr()
    assert main([*line, "--out", "part"]) == 130
    said = capsys.readouterr().err
    assert "interrupted in epoch 2 of 2, saved in part/checkpoint.safetensors; to go on:" in said
    assert main([*line, "--out", "part"]) == 1
    assert "go on with it by --resume" in capsys.readouterr().err
    assert main(["train", "skipgram", "--out", "part", "--resume"]) == 0
    assert "resuming after 1 of 2 epochs" in capsys.readouterr().out
    whole, part = (Path(out, "vectors.safetensors").read_bytes() for out in ("whole", "part"))
    assert whole == part


def test_another_text_does_not_go_on(corpus: Path, capsys: Capture) -> None:
    assert main(line_of("glove", "--out", "out")) == 0
    corpus.write_text(corpus.read_text().replace("tea", "pot"))
    before = Path("out", "vectors.safetensors").read_bytes()
    assert main(["train", "glove", "--out", "out", "--resume"]) == 1
    assert "the text is not the one" in capsys.readouterr().err
    assert Path("out", "vectors.safetensors").read_bytes() == before


def test_phrases_become_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.word_learning.run.WordMap", lambda vectors: _Map(range(10)))
    lines = [f"new york {x}" for x in "abcde" * 8] + [" ".join("abcdefgh")] * 100
    Path("text.txt").write_text("\n".join(lines))
    assert main(line_of("skipgram", "--phrases", "1", "--out", "out")) == 0
    assert "new_york" in load("out/vectors.safetensors")


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("skipgram --corpus nothing.txt", 1, "nothing.txt: no such file"),
        ("skipgram --corpus browm", 1, "did you mean brown"),
        ("cbow --corpus text.txt --min-count 100000", 1, "lower the minimum count"),
        ("glove --corpus text.txt --window 0", 2, "--window: expected a whole number of at least"),
        ("skipgram --output sigmoid", 2, "--output: unknown 'sigmoid'; there is negative"),
        ("skipgram --x-max 3", 2, "unknown argument --x-max"),
        ("skipgram --corpus text.txt --threads 2 --compile numpy", 1, "2 threads learn in C only"),
        ("glove --resume --out none", 1, "no run to resume"),
    ],
)
def test_failure_is_one_line(line: str, status: int, message: str, capsys: Capture) -> None:
    try:
        found = main(["train", *line.split()])
    except SystemExit as end:
        found = end.code
    said = capsys.readouterr().err
    assert found == status and message in said and said.count("\n") == 1
    assert not list(Path().glob("runs/*/vectors*"))


def test_without_judgements_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def absent(vectors: Any) -> Any:
        raise DataError("there is no network")

    monkeypatch.setattr("models.word_learning.run.evaluate", absent)
    assert main(line_of("skipgram", "--out", "out")) == 0
    said = capsys.readouterr().out
    assert "not compared with people's judgements: there is no network" in said


def test_bar_is_told_of_every_word(monkeypatch: pytest.MonkeyPatch) -> None:
    from models.word_learning.run import _told

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with _told("counting", Text("text.txt"), 3_200) as told:
        assert sum(map(len, told)) == sum(map(len, told)) == 3_200
