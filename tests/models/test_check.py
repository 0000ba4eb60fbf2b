"""`autodiff check`: what it finds, its exit status, and one line for whatever it cannot check."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.cli import main
from tests.models.test_cli import status_of

NETS = """
import warnings

import numpy as np
from hypothesis import settings, strategies as st

from autodiff.testing import gradient_test


def tanh(x):
    return np.tanh(x)


def tanh_vjp(g, x):
    return g * (1 - np.tanh(x) ** 2)


def wrong_vjp(g, x):
    return g * (1 - np.tanh(x))


def energy(x):
    return np.sum(x * x)


def energy_grad(x):
    return 2 * x


def relu(x):
    return np.maximum(x, 0.0)


def total(x, axis=None, keepdims=False):
    return np.sum(x, axis=axis, keepdims=keepdims)


def power(x, y):
    return x**y


def scaled(x, n):
    return x * n


def affine(x, w, b):
    return x @ w + b, (x, w)


def affine_backward(g, cache):
    x, w = cache
    return g @ w.T, x.T @ g, g.sum(axis=0)


def mean_backward(g, cache):
    x, w = cache
    return g @ w.T, x.T @ g, g.mean(axis=0)


pair = (affine, affine_backward)


class Layer:
    weight = 2.0

    def forward(self, x):
        return self.weight * x

    @property
    def broken(self):
        raise RuntimeError("no weight yet")


layer = Layer()


def loud(x):
    warnings.warn("loud")
    return np.exp(x)


def refuses(x):
    raise ValueError("not today")


def leaves(x):
    raise SystemExit(3)


def stops(x):
    raise KeyboardInterrupt


def with_fixture(x, database):
    return x


@settings(max_examples=3)
@gradient_test(shapes="same")
def test_product(a, b):
    return a * b


test_whole = gradient_test(tanh, inputs=st.integers(1, 3))
test_nothing = gradient_test(tanh, shapes="(0)")
test_impossible = gradient_test(tanh, inputs=st.floats(0, 1).filter(lambda x: x > 2))
"""
FILES = {
    "mynets.py": NETS,
    "unclosed.py": "import numpy\n\ndef f(x:\n    return x\n",
    "raising.py": "import numpy\n\nnumpy.zeros(-1)\n",
    "dependent.py": "import numpy\nimport nowhere\n",
    "leaving.py": "raise SystemExit('usage: leaving FILE')\n",
    "inner/mylayer.py": "import myhelper\n\ndef f(x):\n    return myhelper.square(x)\n",
    "inner/myhelper.py": "def square(x):\n    return x * x\n",
    "inner/random.py": "def f(x):\n    return x + x\n",
}
AFFINE = ["--shapes", "(n,d),(d,m),(m)->(n,m)"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with files of a user."""
    (tmp_path / "inner").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name in ("mynets", "mylayer", "myhelper"):
        sys.modules.pop(name, None)


def run(*words: str) -> int:
    """The exit status of a check of few examples."""
    return status_of(["check", "--examples", "6", *words])


@pytest.mark.parametrize(
    "words",
    [
        ["mynets:tanh"],
        ["mynets.py:tanh"],
        ["inner/mylayer.py:f"],
        ["inner/random.py:f"],
        ["numpy:tanh"],
        ["mynets:layer.forward"],
        ["mynets:pair", *AFFINE],
        ["mynets:affine,affine_backward", *AFFINE],
        ["mynets:tanh", "--vjp", "tanh_vjp"],
        ["mynets.py:tanh", "--vjp", "mynets:tanh_vjp"],
        ["mynets:energy", "--grad", "energy_grad"],
        ["mynets:tanh", "--vs", "numpy:tanh", "--dtype", "float32"],
        ["mynets:total", "--set", "axis=0", "--set", "keepdims=True", "--shapes", "(n,d)->(1,d)"],
        ["mynets:scaled", "--wrt", "x"],
        ["mynets:scaled", "--wrt", "1", "--shapes", "same"],
        ["mynets:scaled", "--arity", "1", "--set", "n=3"],
        ["mynets:power", "--domain=0.5,2", "--avoid", "1", "--layouts", "--order", "2"],
        ["mynets:tanh", "--domain", "positive", "--raw"],
        ["mynets:relu", "--kinks", "skip"],
        ["mynets:loud", "--domain", "unit"],
        ["mynets:test_product"],
    ],
    ids=" ".join,
)
def test_right_gradient(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 0
    out, err = capsys.readouterr()
    found = re.fullmatch(
        r"(.*): right to \d+\.\d digits; (\d+) examples, \d+ entries, \d+ without a derivative, "
        r"\d+ undecided\n",
        out,
    )
    assert found and found[1] == words[0].partition(":")[2] and not err
    assert found[2] == "6"  # also where the test has settings of its own


def test_kinks_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mynets:relu", "--raw", "--examples", "25") == 0
    assert re.search(r" 25 examples, .* [1-9]\d* without a derivative", capsys.readouterr().out)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (
            ["mynets:tanh", "--vjp", "wrong_vjp"],
            ["gradient of tanh() with respect to input 0 ('x'", "smallest failing example   x = 1.",
             "likely cause", "reproduce: check_gradients(tanh, np.array(1.), vjp=wrong_vjp"],
        ),
        (
            ["mynets:affine,mean_backward", *AFFINE],
            ["gradient of affine() with respect to input 2 ('b'", "mean along axis 0",
             "vjp=(affine, mean_backward)"],
        ),
        (["mynets:tanh", "--vs", "numpy:sinh"], ["tanh() gave", "and its twin"]),
        (["mynets:tanh", "--shapes", "(n)->()"], ["its signature says"]),
        (["mynets:relu", "--raw", "--kinks", "strict"], ["no derivative there"]),
        (["mynets:refuses"], ["refuses() raised ValueError: not today", "; --shapes states"]),
        (["mynets:refuses", "--vs", "numpy:tanh"], ["refuses raised ValueError: not today"]),
        (["mynets:leaves"], ["leaves raised SystemExit: 3"]),
    ],
)  # fmt: skip
def test_failed_check(
    words: list[str], parts: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert status_of(["check", *words]) == 1
    out, err = capsys.readouterr()
    assert not [part for part in parts if part not in out], out
    assert not err and "Traceback" not in out and "Falsifying" not in out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", r"required: TARGET"),
        ("mynets:tanh --shpes same", r"unknown argument --shpes \(did you mean --shapes\?\)"),
        ("mynets:tanh --examples 0", r"--examples: expected a whole number of at least 1"),
        ("mynets:tanh --seed -1", r"--seed: expected a whole number of at least 0"),
        ("mynets:tanh --order 3", r"--order: expected a whole number from 1 to 2"),
        ("mynets:tanh --kinks skp", r"--kinks: unknown 'skp' \(did you mean skip\?\)"),
        ("mynets:tanh --dtype int8", r"--dtype: unknown 'int8'"),
        ("mynets:tanh --avoid 0,x", r"--avoid: expected numbers as in 0,1.5, not '0,x'"),
        ("mynets:total --set axis", r"--set: expected NAME=VALUE as in axis=0 .* not 'axis'"),
        ("mynets:total --set axis=O", r"--set: expected NAME=VALUE .* not 'axis=O'"),
        ("mynets:total --set axs=0", r"axs.* takes x, axis, keepdims"),
        ("mynets:scaled --arity 2 --set n=1", r"multiple values for argument 'n' for scaled"),
        ("mynets:tanh --arity 2", r"--arity.*: too many positional arguments for tanh\(x\)"),
        ("mynets:tanh --shapes (n),(n)", r"too many positional arguments for tanh\(x\)"),
        ("mynets:tanh --shapes (n),(n) --arity 1", r"has 2 inputs, and the function 1"),
        ("mynets:tanh --shapes squares", r"--shapes 'squares': it is 'broadcast', 'same'"),
        ("mynets:tanh --domain positve", r"--domain 'positve' is none of 'real', 'positive'"),
        ("mynets:tanh --domain 1", r"nor is it two ends, low and high"),
        ("mynets:tanh --domain 2,1", r"nothing lies between 2.0 and 1.0"),
        ("mynets:tanh --wrt y", r"tanh: wrt names 'y'; there are x"),
        ("mynets:tanh --vjp tanh_vjp --grad tanh_vjp", r"give --vjp or --grad, not both"),
        ("mynets:tanh --vjp tahn_vjp", r"no attribute 'tahn_vjp' \(did you mean tanh_vjp\?\)"),
        ("mynets:tanh --vs nupmy:tanh", r"no module 'nupmy' \(did you mean numpy\?\)"),
        ("mynets", r"'mynets' names no function: write MODULE:NAME or FILE.py:NAME"),
        (":tanh", r"':tanh' names no function"),
        ("mynest:tanh", r"no module 'mynest' \(did you mean mynets\?\): write MODULE:NAME"),
        ("numpy.lingalg:det", r"no module 'numpy.lingalg' \(did you mean linalg\?\)"),
        ("mynets.inner:f", r"no module 'mynets.inner': write"),
        ("mynest.py:tanh", r"no file mynest.py \(did you mean mynets.py\?\)"),
        ("mynets:tahn", r"module 'mynets' has no attribute 'tahn' \(did you mean tanh\?\)"),
        ("mynets:layer.forwad", r"no attribute 'forwad' \(did you mean forward\?\)"),
        ("mynets:layer.broken", r"broken cannot be had: RuntimeError: no weight yet"),
        ("mynets:layer", r"layer is of type Layer, and not a function or a pair"),
        ("mynets:np", r"np is of type module"),
        ("mynets:tanh,relu,energy", r"tanh,relu,energy is of type tuple"),
        ("mynets:Layer", r"Layer is a class: name a function, or what was made of the class"),
        ("mynets:Layer.forward", r"Layer.forward\(\) also needs self, which is not drawn"),
        ("mynets:with_fixture --arity 1", r"with_fixture\(\) also needs database"),
        ("unclosed:f", r"unclosed cannot be imported: SyntaxError: .*\(unclosed.py, line 3\)"),
        ("unclosed.py:f", r"unclosed.py cannot be imported: .*\(unclosed.py, line 3\)"),
        ("raising:f", r"raising cannot be imported: ValueError: negative .*\(raising.py, line 3\)"),
        ("raising.py:f", r"raising.py cannot be imported: .*\(raising.py, line 3\)"),
        ("dependent:f", r"No module named 'nowhere' \(dependent.py, line 2\)"),
        ("leaving:f", r"SystemExit: usage: leaving FILE \(leaving.py, line 1\)"),
        ("mynets:test_product --order 2", r"test_product is a test with options of its own"),
        ("mynets:test_whole", r"test_whole: no floating input to differentiate by: x 1"),
        ("mynets:test_nothing", r"test_nothing: .* drew nothing that could be checked"),
        ("mynets:test_impossible", r"test_impossible: Unable to satisfy assumptions"),
    ],
)
def test_failure_is_one_line(line: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of(["check", *line.split()]) == 2
    out, err = capsys.readouterr()
    assert err.count("\n") == 1 and not out
    assert re.search(message, err), err
    assert err.startswith("autodiff")


def test_missing_hypothesis(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert run("mynets:tanh") == 2
    assert re.fullmatch(
        r"autodiff: testing a gradient needs hypothesis, .*: pip install 'autodiff\[test\]'\n",
        capsys.readouterr().err,
    )


def test_missing_library(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "jax", None)
    assert run("mynets:tanh", "--vjp", "jax") == 2
    assert re.fullmatch(
        r"autodiff: --vjp 'jax' needs jax, .*: pip install jax\n", capsys.readouterr().err
    )


def test_same_seed_same_text(capsys: pytest.CaptureFixture[str]) -> None:
    texts = []
    for seed in ("0", "0", "1"):
        assert run("mynets:tanh", "--domain", "unit", "--seed", seed, "--examples", "20") == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1] != texts[2]


def test_leaves_no_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("mynets:tanh") == 0
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {
        name.partition("/")[0] for name in FILES
    }


def test_ctrl_c(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "mynets:stops"]) == 130
    assert capsys.readouterr() == ("", "autodiff: interrupted\n")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    assert "--shapes" in capsys.readouterr().out
