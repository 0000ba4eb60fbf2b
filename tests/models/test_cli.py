"""The command: what it leaves, and that every failure is one line and a status."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models
from models.cli import main
from models.data import load_digits
from models.tasks.classification import Classification, accuracy, predict

SMALL = ["train", "mlp", "--hidden", "8", "--epochs", "3"]
ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "autodiff"]


def status_of(line: list[str]) -> int:
    """The exit status of a command line, also where argparse ends the program."""
    try:
        return main(line)
    except SystemExit as end:
        assert isinstance(end.code, int)
        return end.code


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("", 2, r"expected COMMAND, one of demo, train, .*; see autodiff --help"),
        ("--vers", 2, r"unknown argument --vers \(did you mean --version\?\)"),
        ("trian", 2, r"unknown 'trian' \(did you mean train\?\); there is demo, train, predict"),
        ("demo more", 2, r"unknown argument more"),
        ("train", 2, r"expected MODEL, one of mlp, .*; see autodiff train --help"),
        ("train MLP", 2, r"unknown 'MLP' \(did you mean mlp\?\)"),
        ("predict", 2, r"required: MODEL;"),
        ("train mpl", 2, r"unknown 'mpl' \(did you mean mlp\?\)"),
        ("train mlp --epoch 3", 2, r"unknown argument --epoch \(did you mean --epochs\?\)"),
        ("train mlp --weight_decay=1", 2, r"unknown argument --weight_decay.*--weight-decay"),
        ("train mlp --data digit", 2, r"--data: unknown 'digit' \(did you mean digits\?\)"),
        ("train mlp --optimizer adm", 2, r"--optimizer: unknown 'adm' \(did you mean adam\?\)"),
        ("train mlp --activation x", 2, r"--activation: unknown 'x'; there is tanh, sigmoid"),
        ("train mlp --schedule cos", 2, r"--schedule: unknown 'cos'"),
        ("train mlp --dtype int8", 2, r"--dtype: unknown 'int8'"),
        ("train mlp --epochs 0", 2, r"--epochs: expected a whole number of at least 1, not '0'"),
        ("train mlp --epochs 1.5", 2, r"--epochs: expected a whole number .* not '1.5'"),
        ("train mlp --epochs", 2, r"--epochs: expected one argument"),
        ("train mlp --batch -4", 2, r"--batch: expected a whole number of at least 1"),
        ("train mlp --lr -1", 2, r"--lr: expected a number above 0, not '-1'"),
        ("train mlp --lr 0", 2, r"--lr: expected a number above 0"),
        ("train mlp --lr nan", 2, r"--lr: expected a number above 0, not 'nan'"),
        ("train mlp --lr inf", 2, r"--lr: expected a number above 0"),
        ("train mlp --dropout 1", 2, r"--dropout: expected a number of at least 0 and below 1"),
        ("train mlp --hidden 8,x", 2, r"--hidden: expected a whole number of at least 1"),
        ("train mlp --seed -1", 2, r"--seed: expected a whole number of at least 0"),
        ("train mlp --lr 1e6", 1, r"loss diverged to .* in epoch 1, step 2: lower the learning"),
        ("train mlp --lr 1e6 --optimizer sgd --activation tanh", 1, r"loss diverged"),
        ("train mlp --optimizer adam --weight-decay 1", 1, r"adam has no weight decay"),
        ("train mlp --hidden 99999999,99999999", 1, r"Unable to allocate"),
        ("train mlp --hidden 99999999999999999999999", 2, r"of at least 1 and below 1,000,000,000"),
        ("train mlp --epochs 99999999999999999999999", 2, r"--epochs: .* below 1,000,000,000"),
        ("train mlp --threads 99999", 2, r"--threads: .* from 1 to 1,024, not '99999'"),
        ("train mlp --resume --overwrite", 2, r"--overwrite: not allowed with argument --resume"),
        ("train mlp --lr 1e300", 2, r"--lr: expected a number above 0 and below 1,000,000,000"),
        ("train mlp --foo", 2, r"unknown argument --foo; see"),
        ("train mlp --resume", 1, r"no run to resume: there is no out/checkpoint.safetensors"),
    ],
)  # fmt: skip
def test_failure_is_one_line(
    line: str,
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    words = line.split()
    assert status_of(words + ["--out", "out"] * ("mlp" in words)) == status
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.search(message, error), error
    assert error.startswith("autodiff")


def test_folder_that_cannot_be_written(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "file").write_text("")
    for place in ("file", "file/deeper"):
        assert main(["demo", "--out", str(tmp_path / place)]) == 1
        assert re.fullmatch(
            r"autodiff: .*file.*: no results can .* --out\n", capsys.readouterr().err
        )


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    def full(*arguments: Any) -> None:
        raise OSError(28, "No space left on device", "model")

    monkeypatch.setattr(ad.io, "save", full)
    assert main([*SMALL, "--out", str(tmp_path)]) == 1
    assert capsys.readouterr().err == "autodiff: model: No space left on device\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run."""
    out = tmp_path_factory.mktemp("done")
    assert main([*SMALL, "--dropout", "0.1", "--out", str(out)]) == 0
    return out


@pytest.fixture
def without_baselines() -> Iterator[None]:
    """Runs that do not train what the network is compared with, which takes longer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("models.experiments.digits.baselines", lambda split: {})
        yield


quickly = pytest.mark.usefixtures("without_baselines")


def test_run_leaves_its_results(done: Path) -> None:
    assert {path.name for path in done.iterdir()} == {
        "checkpoint.safetensors", "graph.html", "graph.svg", "loss.png", "model.safetensors",
        "report.md",
    }  # fmt: skip
    assert (done / "graph.svg").read_text().startswith("<svg")
    assert (done / "loss.png").read_bytes().startswith(b"\x89PNG")
    page = (done / "report.md").read_text()
    assert "autodiff train mlp --data digits --epochs 3 --hidden 8 --dropout 0.1\n" in page
    assert "| logistic regression | 0.9" in page
    assert "| weight_decay | 0.01 |" in page


def test_saved_model_has_the_reported_accuracy(done: Path) -> None:
    test = load_digits().test
    found = accuracy(predict(models.load(done / "model.safetensors"), test.x), test.y)
    assert f"| this network | {found:.4f} |" in (done / "report.md").read_text()


def test_command_in_the_report_repeats_the_run(done: Path, tmp_path: Path) -> None:
    page = (done / "report.md").read_text()
    line = next(line for line in page.splitlines() if line.startswith("autodiff train"))
    assert main([*line.split()[1:], "--out", str(tmp_path)]) == 0
    assert (tmp_path / "report.md").read_text() == page
    assert_same_files(done, tmp_path)


def assert_same_files(one: Path, two: Path) -> None:
    for name in ("model.safetensors", "checkpoint.safetensors"):
        first, second = ad.io.load(one / name), ad.io.load(two / name)
        assert first[1] == second[1]
        assert first[0].keys() == second[0].keys()
        for key, value in first[0].items():
            np.testing.assert_array_equal(value, second[0][key])


@quickly
def test_interrupted_run_goes_on_to_the_same_files(
    done: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    line = [*SMALL, "--dropout", "0.1", "--out", str(tmp_path)]
    interrupt_at(27, monkeypatch)
    assert main(line) == 130
    error = capsys.readouterr().err
    assert re.fullmatch(
        r"autodiff: interrupted in epoch 2 of 3, saved in .*; to go on: autodiff .* --resume\n",
        error,
    ), error
    monkeypatch.undo()
    assert main(["train", "mlp", "--out", str(tmp_path), "--resume"]) == 0
    assert "resuming after 1 of 3 epochs" in capsys.readouterr().out
    assert_same_files(done, tmp_path)


def interrupt_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Press Ctrl-C in one step of the training."""
    count, inputs = iter(range(10**6)), Classification.inputs

    def interrupted(*arguments: Any) -> Any:
        if next(count) == step:
            signal.raise_signal(signal.SIGINT)
        return inputs(*arguments)

    monkeypatch.setattr(Classification, "inputs", interrupted)


def test_resume_with_other_settings(done: Path, capsys: Any) -> None:
    line = ["train", "mlp", "--out", str(done), "--resume"]
    assert main([*line, "--epochs", "9", "--hidden", "8"]) == 1
    error = capsys.readouterr().err
    assert re.fullmatch(r"autodiff: the run in .* has --epochs 3: leave .*--out\n", error)


@pytest.mark.parametrize("kind", ["short", "empty", "foreign", "text", "other run", "folder"])
def test_resume_from_a_bad_file(kind: str, done: Path, tmp_path: Path, capsys: Any) -> None:
    path, good = tmp_path / "checkpoint.safetensors", done / "checkpoint.safetensors"
    if kind == "foreign":
        path.write_bytes((done / "model.safetensors").read_bytes())
    elif kind == "other run":
        ad.io.save(path, {}, {"checkpoint": "{}", "settings": '{"depth": 3}'})
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes({"short": good.read_bytes()[:-99], "text": b"a" * 99}.get(kind, b""))
    assert main(["train", "mlp", "--out", str(tmp_path), "--resume"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "checkpoint.safetensors" in error


NUMBERS = {
    "settings": [
        "nonsense", "[]", '{"hidden": 5}', {"hidden": 5}, {"hidden": ["a"]}, {"lr": "foo"},
        {"data": "nowhere"}, {"optimizer": []}, {"schedule": None}, {"activation": "x"},
        {"more": 1},
    ],
    "checkpoint": [
        "nonsense", "[]", "{}", {"progress": {"depth": 1}}, {"progress": None}, {"generators": []},
        {"generators": [{"bit_generator": "MT19937"}] * 2},
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("key", "change"), [(key, change) for key, changes in NUMBERS.items() for change in changes]
)
def test_resume_from_odd_numbers(
    key: str, change: Any, done: Path, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "checkpoint.safetensors"
    arrays, metadata = ad.io.load(done / path.name)
    text = (
        change if isinstance(change, str) else json.dumps({**json.loads(metadata[key]), **change})
    )
    ad.io.save(path, arrays, {**metadata, key: text})
    before = path.read_bytes()
    assert main(["train", "mlp", "--out", str(tmp_path), "--resume"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "checkpoint.safetensors" in error, error
    assert path.read_bytes() == before


@quickly
def test_a_run_that_could_go_on_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    line = [*SMALL, "--out", str(tmp_path)]
    interrupt_at(27, monkeypatch)
    assert main(line) == 130
    monkeypatch.undo()
    capsys.readouterr()
    before = (tmp_path / "checkpoint.safetensors").read_bytes()
    assert main(line) == 1
    assert re.search("not come to its end.*--resume.*--overwrite", capsys.readouterr().err)
    assert (tmp_path / "checkpoint.safetensors").read_bytes() == before
    assert main([*line, "--overwrite"]) == 0
    assert main(line) == 0  # in the place of one that is done


@pytest.mark.parametrize(
    "name", ["checkpoint.safetensors", "model.safetensors", "loss.png", "report.md"]
)
def test_a_folder_in_the_way_is_found_before_the_training(
    name: str, tmp_path: Path, capsys: Any
) -> None:
    (tmp_path / name).mkdir()
    assert main([*SMALL, "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert re.search(f"{name} is a folder", captured.err) and not captured.out


@quickly
def test_a_full_disk_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert main([*SMALL, "--out", str(tmp_path)]) == 0
    replace, before = os.replace, (tmp_path / "loss.png").read_bytes()

    def full(source: Any, target: Any) -> None:
        if str(target).endswith("loss.png"):
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    assert main([*SMALL, "--seed", "1", "--out", str(tmp_path)]) == 1
    assert re.search(r"loss\.png: .*No space left", capsys.readouterr().err)
    assert (tmp_path / "loss.png").read_bytes() == before


@quickly
def test_ctrl_c_after_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def interrupted(split: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr("models.experiments.digits.baselines", interrupted)
    assert main([*SMALL, "--out", str(tmp_path)]) == 130
    assert "after the training, which is saved; to go on: " in capsys.readouterr().err
    monkeypatch.undo()
    assert main(["train", "mlp", "--out", str(tmp_path), "--resume"]) == 0
    assert (tmp_path / "report.md").exists()


def test_keywords_of_the_library_are_options_here(tmp_path: Path, capsys: Any) -> None:
    out = str(tmp_path / "graph.svg")
    large = ["graph", "gru", "--steps", "250", "--expand", "all", "--out", out]
    assert main(large) == 1
    assert "leave --expand out, or give --force;" in capsys.readouterr().err
    assert main(["graph", "gru", "--out", str(tmp_path / "graph.dot")]) == 0
    assert capsys.readouterr().out.endswith("scopes are closed; --expand opens them\n")


@quickly
def test_any_terminal_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with io.TextIOWrapper(io.BytesIO(), encoding="ascii") as narrow:
        monkeypatch.setattr(sys, "stdout", narrow)
        monkeypatch.setattr(sys, "stderr", None)
        assert main([*SMALL, "--out", str(tmp_path / "ü")]) == 0


def test_missing_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["demo", "--out", str(tmp_path)]) == 1
    assert re.fullmatch(r"autodiff: .* needs .*: pip install .*\n", capsys.readouterr().err)


def test_as_a_program(tmp_path: Path) -> None:
    """The real thing once: a failure, and Ctrl-C in the middle of a long run."""
    pipes: dict[str, Any] = {"stdout": PIPE, "stderr": PIPE, "text": True, "cwd": ROOT}
    wrong = subprocess.run([*COMMAND, "train", "mlp", "--lr", "x"], **pipes)
    assert (wrong.returncode, wrong.stderr.count("\n"), wrong.stdout) == (2, 1, "")
    line = [*COMMAND, *SMALL[:-1], "100000", "--out", str(tmp_path)]
    with subprocess.Popen(line, **pipes) as run:
        while run.poll() is None and not (tmp_path / "checkpoint.safetensors").exists():
            time.sleep(0.02)
        run.send_signal(signal.SIGINT)
        _, error = run.communicate(timeout=30)
    assert run.returncode == 130
    assert re.fullmatch(r"autodiff: interrupted in epoch \d+ of 100000, saved in .*\n", error), (
        error
    )
