"""Every experiment on a small language: what is learnt, kept, said, resumed and predicted."""

from __future__ import annotations

import re
import shlex
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models.cli import main
from models.experiments import EXPERIMENTS
from models.experiments.experiment import Experiment
from tests.models.experiments.corpora import corpus

SIZES = "--word-size 8 --feature-size 8"
LINES = {
    "tagger": ("speech", f"tagger {SIZES} --hidden 8 --batch 8 --epochs 6"),
    "names": ("names", f"tagger {SIZES} --hidden 8 --batch 8 --epochs 8 --crf yes"),
    "window-tagger": ("speech", f"window-tagger {SIZES} --hidden 16 --batch 8 --epochs 6"),
    "classifier": (
        "opinions",
        "classifier --bag 0 --vectors own --size 16 --hidden 16 --batch 8 --epochs 8 --lr 0.01 "
        "--dropout 0.1",
    ),
    "seq2seq": (
        "sentences",
        "seq2seq --size 24 --hidden 24 --batch 8 --epochs 10 --lr 0.01 --folds 3 --dropout 0.1",
    ),
    "adding": (None, "adding --length 4 --hidden 8 --batch 16 --epochs 3 --lr 0.01"),
}
"""A small corpus and a command for each; the digits are in test_cli."""

LEARNT = {
    "tagger": ("accuracy", 0.95),
    "names": ("F1 without mentions", 0.95),
    "window-tagger": ("accuracy", 0.98),
    "classifier": ("accuracy", 0.98),
    "seq2seq": ("BLEU", 95),
}

each_line = pytest.mark.parametrize("name", LINES)


PICTURES = ("models.run.save_loss_curve", "models.run._drawn")
"""They take longer than the training of a short run."""


@contextmanager
def without(*steps: str) -> Iterator[None]:
    """Runs that leave out these steps at their end."""
    with pytest.MonkeyPatch.context() as patch:
        for step in steps:
            patch.setattr(step, lambda *rest: ())
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("experiments")


def line_of(name: str, folder: Path, out: Path) -> list[str]:
    kind, line = LINES[name]
    data = ["--data", corpus(kind, folder)] if kind else []
    return ["train", *shlex.split(line), *data, "--out", str(out)]


@pytest.fixture(scope="module")
def done(folder: Path) -> Any:
    """The folder of a finished run, made when it is first asked for."""
    made: dict[str, Path] = {}

    def run(name: str) -> Path:
        if name not in made:
            with without("models.run._drawn"):  # test_draws has one drawn
                out = folder / "runs" / name
                assert main(line_of(name, folder, out)) == 0
                made[name] = out
        return made[name]

    return run


def figures(page: str) -> dict[str, dict[str, float]]:
    """The table of figures in a report."""
    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in page.split("## Loss")[0].splitlines()
        if line.startswith("|")
    ]
    return {
        way: {name: float(x) for name, x in zip(rows[0][1:], values) if x}
        for way, *values in rows[2:]
    }


def test_each_experiment_is_tried() -> None:
    assert {LINES[name][1].split()[0] for name in LINES} == set(EXPERIMENTS) - {"mlp"}


@pytest.mark.parametrize("name", LEARNT)
def test_learns_its_language(name: str, done: Any) -> None:
    found = figures((done(name) / "report.md").read_text())
    measure, least = LEARNT[name]
    assert found["this network"][measure] >= least, found


def test_adds(done: Any) -> None:
    found = figures((done("adding") / "report.md").read_text())
    assert found["this network"]["MSE"] < found["always 1"]["MSE"] / 5, found


def test_endings_tell_what_new_words_are(done: Any) -> None:
    found = figures((done("window-tagger") / "report.md").read_text())
    assert found["this network"]["accuracy, unknown words"] > 0.95
    assert found["most frequent tag"]["accuracy, unknown words"] < 0.5


@each_line
def test_run_leaves_its_results(name: str, done: Any) -> None:
    out = done(name)
    assert {path.name for path in out.iterdir()} == {
        "checkpoint.safetensors", "loss.png", "model.safetensors", "report.md",
    }  # fmt: skip
    page = (out / "report.md").read_text()
    assert "## Settings" in page and "## Made with" in page
    assert f"autodiff train {LINES[name][1].split()[0]} " in page


@each_line
def test_the_same_command_gives_the_same_numbers(name: str, done: Any, tmp_path: Path) -> None:
    page = (done(name) / "report.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("autodiff train"))
    few = short(name)  # that of a whole run is tested with the digits
    for out in (tmp_path / "one", tmp_path / "two"):
        with pytest.MonkeyPatch.context() as patch, without(*PICTURES):
            patch.setattr(Experiment, "examples", lambda self: {})
            assert main([*shlex.split(line)[1:], *few, "--out", str(out)]) == 0
    assert_same(tmp_path / "one", tmp_path / "two")


def short(name: str) -> list[str]:
    """Options that make a run short."""
    return ["--epochs", "2", *([] if name == "adding" else ["--limit", "60"])]


def assert_same(one: Path, two: Path) -> None:
    for name in ("model.safetensors", "checkpoint.safetensors"):
        first, second = ad.io.load(one / name), ad.io.load(two / name)
        assert first[1] == second[1]
        for key, value in first[0].items():
            np.testing.assert_array_equal(value, second[0][key], err_msg=key)


@each_line
def test_an_interrupted_run_goes_on_to_the_same_model(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    line = [*line_of(name, folder, tmp_path / "whole"), *short(name)]
    with without(*PICTURES):
        assert main(line) == 0
    task = type(made_task(name, folder))
    count, inputs = iter(range(10**6)), task.inputs

    def interrupted(*arguments: Any) -> Any:
        if next(count) == 3:
            signal.raise_signal(signal.SIGINT)
        return inputs(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(task, "inputs", interrupted)
        assert main([*line, "--out", str(tmp_path / "part")]) == 130
    assert main(["predict", str(tmp_path / "part"), "x"]) == 1
    assert "has not come to its end" in capsys.readouterr().err
    model = line[1]
    with without(*PICTURES):
        assert main(["train", model, "--out", str(tmp_path / "part"), "--resume"]) == 0
    assert_same(tmp_path / "whole", tmp_path / "part")


def test_other_data_are_not_learnt_from_when_resumed(tmp_path: Path, capsys: Any) -> None:
    line = [*line_of("window-tagger", tmp_path, tmp_path / "out"), "--epochs", "1"]
    with without(*PICTURES):
        assert main(line) == 0
    text = tmp_path / "speech" / "train.conll"
    text.write_text(text.read_text().replace("NOUN", "ZZZ").replace("VERB", "NOUN"))
    for part in ("dev", "test"):
        (tmp_path / "speech" / f"{part}.conll").write_text("the\tDET\n")
    assert main(["train", "window-tagger", "--out", str(tmp_path / "out"), "--resume"]) == 1
    assert re.search("the data are not those of the run", capsys.readouterr().err)


def made_task(name: str, folder: Path) -> Any:
    kind, experiment = EXPERIMENTS[LINES[name][1].split()[0]]
    given: dict[str, Any] = {"data": corpus(LINES[name][0], folder)} if LINES[name][0] else {}
    if name == "classifier":
        given["vectors"] = ()
    return experiment(kind(**given), np.random.default_rng(0)).task


def test_draws_the_graph_of_an_example(folder: Path, tmp_path: Path) -> None:
    line = [*line_of("window-tagger", folder, tmp_path), *short("window-tagger")]
    assert main(line) == 0
    assert (tmp_path / "graph.svg").read_text().startswith("<svg")
    assert "## Its graph" in (tmp_path / "report.md").read_text()


# ---- predictions


SAID = {
    "tagger": ("the bofulful lamener", r"the/DET bofulful/ADJ lamener/NOUN\n"),
    "names": ("we are in Bopa", r"we/O are/O in/O Bopa/B-LOC\n"),
    "classifier": ("the tarer is not dull", r"yes \(\d+\.\d%\)\n"),
    "seq2seq": ("du hast den Tisch nicht gemalt .", r"you have not painted the table\.\n"),
}


@pytest.mark.parametrize("name", SAID)
def test_predicts(name: str, done: Any, capsys: Any) -> None:
    text, said = SAID[name]
    out = done(name)
    capsys.readouterr()
    for path in (out, out / "model.safetensors"):
        assert main(["predict", str(path), text]) == 0
        assert re.fullmatch(said, capsys.readouterr().out)


def test_predicts_the_lines_of_standard_input(
    done: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = done("tagger")
    capsys.readouterr()
    monkeypatch.setattr("sys.stdin", iter(["the lamener\n", "\n", "a bofulful lamener\n"]))
    assert main(["predict", str(out)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_follows_several_translations(done: Any, capsys: Any) -> None:
    out = done("seq2seq")
    capsys.readouterr()
    assert main(["predict", str(out), "ich habe den Hund gesehen .", "--beam", "3"]) == 0
    assert capsys.readouterr().out == "i have seen the dog.\n"


def test_a_model_that_takes_no_text_says_so(done: Any, capsys: Any) -> None:
    out = done("adding")
    capsys.readouterr()
    assert main(["predict", str(out), "hello"]) == 1
    assert re.fullmatch(
        r"autodiff: .*Regressor, which takes no sentences; .*\n", capsys.readouterr().err
    )


@pytest.mark.parametrize("path", ["nothing", "nothing.npz", "text.npz"])
def test_what_is_no_model_is_named(path: str, tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "text.npz").write_text("text")
    assert main(["predict", str(tmp_path / path), "hello"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and path in error


@pytest.mark.parametrize("name", [*SAID, "adding", "window-tagger"])
def test_a_saved_model_is_the_trained_one(name: str, done: Any) -> None:
    path = done(name) / "model.safetensors"
    model, (state, metadata) = models.load(path), ad.io.load(path)
    assert not model.training and metadata["model"] == type(model).__name__
    for key, value in model.state_dict().items():
        np.testing.assert_array_equal(value, state[key])
        assert value.dtype == np.float32


# ---- failures


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("tagger --data nowhere.conll", "nowhere.conll"),
        ("tagger --data brwon", r"brwon.*brown"),
        ("tagger --data DATA --features word,sufix3", "unknown feature.*sufix3"),
        ("classifier --data DATA/train.conll", r"train.conll:\d+: expected labels"),
        ("seq2seq --data DATA/nothing.tsv", r"nothing.tsv"),
        ("tagger --data DATA --vectors brwon", "brwon"),
    ],
)
def test_failure_is_one_line(
    line: str, message: str, folder: Path, tmp_path: Path, capsys: Any
) -> None:
    line = line.replace("DATA", corpus("speech", folder))
    assert main(["train", *line.split(), "--out", str(tmp_path / "out")]) in (1, 2)
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and error.startswith("autodiff"), error
    assert re.search(message, error), error
    assert not (tmp_path / "out" / "model.safetensors").exists()
