"""`autodiff graph` and `autodiff paths`: what they show, and one line for what cannot be shown."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.cli import main
from models.see import MODELS, list_paths
from tests.models.test_cli import status_of

LOSSES = """
import numpy as np

import autodiff as ad

W = ad.Parameter(np.array([[1.0, -2.0], [0.5, 3.0]]))


class Net(ad.Module):
    def __init__(self):
        self.b = ad.Parameter(np.ones(2))

    def forward(self, x):
        return ad.tanh(W @ x + self.b)


def loss(scale=1.0):
    net = Net()
    xs = [ad.Tensor([1.0, 2.0], requires_grad=True), ad.Tensor([0.5, 0.1], requires_grad=True)]
    inner = net(xs[0]) * net(xs[1])
    return scale * ad.sum(inner)


def scalar():
    start = ad.Scalar(2.0, name="x")
    y = start * start
    return y + start


def zero():
    x = ad.Scalar(0.0)
    return 2.0 * x


def chain():
    x = ad.Tensor(1.0, requires_grad=True)
    for _ in range(60):
        x = ad.tanh(x)
    return x


def needs(x, y):
    return x


def vector():
    return W @ np.ones(2)


def number():
    return 3.0


def nothing():
    pass


def constant():
    return ad.sum(ad.Tensor([1.0, 2.0]))


def untracked():
    with ad.no_grad():
        return ad.sum(W)


def raises():
    return {}["key"]


def misfit():
    return W @ np.ones(3)


def leaves():
    raise SystemExit(3)


def stops():
    raise KeyboardInterrupt


class Group:
    loss = staticmethod(loss)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a file of a user."""
    (tmp_path / "losses.py").write_text(LOSSES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    sys.modules.pop("losses", None)


# ---- paths


@pytest.mark.parametrize(
    ("words", "title"),
    [
        (["mlp", "--to", "x"], "∂J/∂x is the sum over 1 path"),
        (["rnn", "--to", "x1"], "∂J/∂x1 is the sum over 1 path"),
        (["rnn", "--to", "h0", "--steps", "1"], "∂J/∂h0 is the sum over 1 path"),
        (["gru", "--to", "x1", "--steps", "1"], "∂J/∂x1 is the sum over 4 paths"),
        (["gru", "--to", "x1", "--steps", "3"], "∂J/∂x1 is the sum over 100 paths"),
        (["gru", "--to", "bz"], "∂J/∂bz is the sum over 62 paths"),
        (["gru", "--to", "W x3"], "∂J/∂W x3 is the sum over 1 path"),
        (["skipgram", "--to", "V"], "∂J/∂V is the sum over 1 path"),
        (["losses.py:loss", "--to", "W"], "∂J/∂W is the sum over 2 paths"),
        (["losses:loss", "--to", "W", "--element", "0,1"], "∂J/∂W[0, 1] is the sum over 2 paths"),
        (["losses:loss", "--to", "b"], "∂J/∂b is the sum over 2 paths"),
        (["losses:loss", "--to", "xs1"], "∂J/∂xs₁ is the sum over 1 path"),
        (["losses:Group.loss", "--to", "inner"], "∂J/∂inner is the sum over 1 path"),
        (["losses:scalar", "--to", "x"], "∂J/∂x is the sum over 3 paths"),
        (["losses:zero", "--to", "x"], "∂J/∂x is the sum over 1 path"),
        (["losses:scalar", "--to", "y"], "∂J/∂y is the sum over 1 path"),
    ],
    ids=" ".join,
)
def test_paths_are_listed(words: list[str], title: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["paths", *words]) == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == title and not err
    assert lines[1].startswith("1  ") and lines[-1].startswith("Σ  ")


@pytest.mark.parametrize("name", ["h₂", "h2"])
def test_a_number_may_be_written_in_plain_digits(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["paths", "gru", "--to", name, "--element", "1"]) == 0
    assert capsys.readouterr().out.startswith("∂J/∂h₂[1] is the sum over 5 paths\n")


def test_top_says_how_many(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["paths", "gru", "--to", "x1", "--top", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[0] for line in lines[1:]] == ["1", "2", "⋯", "Σ"]
    assert "98 more, together" in lines[3]


def test_the_sum_of_the_paths_is_the_gradient(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["paths", "losses:scalar", "--to", "x"]) == 0
    assert "Σ  5.000  ∂J/∂x" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("model", "to"), list(zip(MODELS, ["x", "x1", "x1", "U", "V", "C"], strict=True))
)
def test_a_seed_decides_the_numbers(model: str, to: str) -> None:
    first, again, other = (list_paths(model, to, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


# ---- graph


@pytest.mark.parametrize(
    ("words", "size"),
    [
        (["mlp"], "10 nodes"),
        (["rnn"], "28 nodes"),
        (["gru", "--steps", "4"], "98 nodes"),
        (["gru", "--steps", "1", "--seed", "5"], "35 nodes"),
        (["skipgram"], "9 nodes"),
        (["glove"], "16 nodes"),
        (["losses.py:loss"], "13 nodes"),
        (["losses:scalar"], "3 nodes"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("suffix", ["dot", "gv", "txt"])
def test_what_was_written_is_said(
    words: list[str], size: str, suffix: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["graph", *words, "--out", f"g.{suffix}"]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[0] == f"g.{suffix}: {size}" and not err
    start = "value of" if suffix == "txt" else "digraph"
    assert (folder / f"g.{suffix}").read_text("utf-8").startswith(start)


@pytest.mark.parametrize(
    ("suffix", "start"), [("html", b"<!"), ("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")]
)
def test_a_picture_is_written_or_else_what_it_needs_is_said(
    suffix: str, start: bytes, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = status_of(["graph", "rnn", "--steps", "2", "--to", "x1", "--out", f"g.{suffix}"])
    out, err = capsys.readouterr()
    if status == 0:
        assert (folder / f"g.{suffix}").read_bytes().startswith(start)
        assert out.startswith(f"g.{suffix}: 22 nodes\n") and not err
    else:
        assert status == 1 and not (folder / f"g.{suffix}").exists()
        assert re.fullmatch(r"autodiff: .*pip install 'autodiff\[draw(-full)?\]'\n", err), err


@pytest.mark.parametrize("suffix", ["html", "svg", "png", "pdf"])
def test_without_an_engine_nothing_is_left_behind(
    suffix: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AUTODIFF_DOT", "none")
    assert status_of(["graph", "mlp", "--out", f"g.{suffix}"]) == 1
    assert re.fullmatch(r"autodiff: .* needs .*\n", capsys.readouterr().err)
    assert not list(folder.glob("g.*"))


def test_the_picture_is_a_page_unless_said_otherwise(folder: Path) -> None:
    assert status_of(["graph", "mlp"]) in (0, 1)  # 1 where nothing can lay it out
    assert {path.name for path in folder.glob("graph*")} <= {"graph.html"}


def drawn(*words: str) -> str:
    """The DOT text that a command line makes."""
    assert status_of(["graph", *words, "--out", "drawn.dot"]) == 0
    return Path("drawn.dot").read_text("utf-8")


@pytest.mark.parametrize(
    "words",
    [
        ["--to", "x1"],
        ["--show", "names"],
        ["--expand", "0"],
        ["--expand", "ops"],
        ["--expand", "GRU t=2"],
        ["--to", "x2", "--expand", "path"],
        ["--rankdir", "TB"],
        ["--seed", "1"],
        ["--steps", "2"],
    ],
    ids=" ".join,
)
def test_an_option_changes_the_picture(words: list[str]) -> None:
    assert drawn("gru") == drawn("gru") != drawn("gru", *words)


def test_top_says_how_many_paths_are_highlighted() -> None:
    assert "②" in drawn("gru", "--to", "x1")
    assert "②" not in drawn("gru", "--to", "x1", "--top", "1")


def test_a_picture_says_what_it_is_of() -> None:
    assert "losses:loss" in drawn("losses:loss")


def test_parameters_are_told_from_inputs() -> None:
    assert "parameters, drawn once" in drawn("gru")


def test_parameters_keep_their_names_and_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["graph", "losses:loss", "--out", "g.txt"]) == 0
    rows = re.findall(r"^(\S+) +input +(\[.*?\])", Path("g.txt").read_text("utf-8"), re.MULTILINE)
    assert dict(rows) == {
        "W": "[1.000  −2.000;  0.500  3.000]", "b": "[1.000  1.000]",
        "xs₀": "[1.000  2.000]", "xs₁": "[0.500  0.100]",
    }  # fmt: skip


def test_notes_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["graph", "gru", "--steps", "50", "--out", "g.dot"]) == 0
    written, *notes = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"g\.dot: 1,\d{3} nodes", written)
    assert any("closed" in note for note in notes)


def test_the_scale_is_that_of_the_png(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = []
    monkeypatch.setattr("autodiff.draw.Graph.save", lambda graph, path, scale: seen.append(scale))
    assert status_of(["graph", "mlp", "--out", "g.png"]) == 0
    assert status_of(["graph", "mlp", "--out", "g.png", "--scale", "0.5"]) == 0
    assert seen == [2, 0.5]


def test_too_large_a_picture_is_drawn_by_force(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("autodiff.draw.picture.LARGEST", 1)
    monkeypatch.setattr("autodiff.draw.layout.render", lambda *_, **__: b"<svg></svg>")
    assert status_of(["graph", "mlp", "--out", "g.svg"]) == 1
    assert "more than the 1" in capsys.readouterr().err
    assert status_of(["graph", "mlp", "--out", "g.svg", "--force"]) == 0


# ---- failures


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("graph", 2, r"required: TARGET"),
        ("graph gur", 2, r"unknown 'gur' \(did you mean gru\?\); there is mlp, .*, glove, and"),
        ("graph losses.py", 2, r"unknown 'losses.py'; there is .* FILE.py:NAME or MODULE:NAME"),
        ("graph :loss", 2, r"unknown ':loss'"),
        ("graph mlp --step 3", 2, r"unknown argument --step \(did you mean --steps\?\)"),
        ("graph gru --steps 0", 2, r"--steps: expected a whole number from 1 to 10,000"),
        ("graph gru --seed -1", 2, r"--seed: expected a whole number of at least 0"),
        ("graph mlp --steps 3", 2, r"--steps is for rnn, gru, not for mlp"),
        ("graph losses:loss --steps 3", 2, r"--steps is for rnn, gru, not for losses:loss"),
        ("graph losses:loss --seed 3", 2, r"--seed is for mlp, .*, glove, not for losses:loss"),
        ("graph mlp --show valus", 2, r"--show: unknown 'valus' \(did you mean values\?\)"),
        ("graph mlp --rankdir lr", 2, r"--rankdir: unknown 'lr' \(did you mean LR\?\)"),
        ("graph mlp --top 0", 2, r"--top: expected a whole number from 1 to 8"),
        ("graph mlp --scale 0", 2, r"--scale: expected a number above 0 and below 100"),
        ("graph mlp --out g.jpg", 1, r"g.jpg.*\.svg"),
        ("graph mlp --out g", 1, r"g: .*\.svg"),
        ("graph mlp --out nowhere/g.dot", 1, r"nowhere/g.dot.*: No such file or directory"),
        ("graph mlp --out losses.py/g.dot", 1, r"losses.py/g.dot.*: Not a directory"),
        ("graph mlp --expand nowhere", 1, r"'nowhere'"),
        ("graph rnn --to x9", 2, r"no value is called 'x9'; there is .*x1, x2, x3, h0"),
        ("graph losses:loss --to iner", 2, r"called 'iner' \(did you mean inner\?\); there is W"),
        ("graph losses:needs", 1, r"needs\(x, y\): missing a required argument: 'x'"),
        ("graph losses:W", 1, r"W is of type Parameter, and not a function"),
        ("graph losses:lss", 2, r"no attribute 'lss' \(did you mean loss\?\)"),
        ("graph nowhere.py:loss", 2, r"there is no file nowhere.py"),
        ("graph losses:vector", 1, r"losses:vector gave no loss: .* has shape \(2,\)"),
        ("graph losses:number", 1, r"losses:number gave no loss: .*not 3.0"),
        ("graph losses:nothing", 1, r"losses:nothing gave no loss: .*not None"),
        ("graph losses:constant", 1, r"constant gave no loss: .*requires a gradient"),
        ("graph losses:untracked", 1, r"untracked gave no loss: .*requires a gradient"),
        ("graph losses:raises", 1, r"raises raised KeyError: 'key' \(losses.py, line \d+\)"),
        ("graph losses.py:misfit", 1, r"misfit raised ShapeError: matmul.* \(losses.py, line \d+"),
        ("graph losses:leaves", 1, r"leaves raised SystemExit: 3 \(losses.py, line \d+\)"),
        ("paths mlp", 2, r"required: --to"),
        ("paths gur --to x1", 2, r"unknown 'gur' \(did you mean gru\?\)"),
        ("paths mlp --steps 1 --to x", 2, r"--steps is for rnn, gru, not for mlp"),
        ("paths gru --to z9", 2, r"no value is called 'z9'.*; there is bz, Wz, Uz"),
        ("paths losses:loss --to w", 2, r"no value is called 'w'; there is W, b, xs₀, xs₁"),
        ("paths gru --to x1 --top -1", 2, r"--top: expected a whole number of at least 0"),
        ("paths gru --to x1 --element a", 2, r"--element: expected a whole number .*not 'a'"),
        ("paths gru --to x1 --element 2", 1, r"--element \(2,\) is no entry of a value of shape"),
        ("paths gru --to x1 --element 0,0", 1, r"--element \(0, 0\) is no entry"),
        ("paths losses:vector --to W", 1, r"losses:vector gave no loss"),
    ],
)  # fmt: skip
def test_failure_is_one_line(
    line: str, status: int, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(line.split()) == status
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and not out
    assert re.search(message, err), err
    assert err.startswith("autodiff")
    assert {path.name for path in folder.iterdir()} <= {"losses.py", "__pycache__"}


def test_of_many_names_the_first_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["paths", "losses:chain", "--to", "y"]) == 2
    assert re.search(r"there is x₁, x₂, .*, x₂₀ and 41 more\n", capsys.readouterr().err)


def test_the_line_is_that_of_the_users_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["paths", "losses:raises", "--to", "x"]) == 1
    found = re.search(r"line (\d+)", capsys.readouterr().err)
    assert found and LOSSES.splitlines()[int(found[1]) - 1].strip() == 'return {}["key"]'


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "losses:stops"]) == 130
    assert capsys.readouterr() == ("", "autodiff: interrupted\n")


def test_a_profile_is_not_left_on() -> None:
    for name in ("scalar", "raises"):
        status_of(["paths", f"losses:{name}", "--to", "x"])
        assert sys.getprofile() is None


@pytest.mark.parametrize("command", ["graph", "paths"])
def test_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of([command, "--help"]) == 0
    out = capsys.readouterr().out
    assert f"Examples:\n  autodiff {command} gru" in out and "--to" in out
