"""Words of running text, as those have them that a tagger has learnt from."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest

import models
from models import Tagger
from models.cli import main
from models.predict import words

KNOWN = {"Mr.", "U.S.", "--", "'s", ":)", "don't", "end"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("The old man the boat.", "The old man the boat ."),
        ("(see Mr. Smith), he said...", "( see Mr. Smith ) , he said . . ."),
        ("U.S. -- don't", "U.S. -- don't"),
        ("nice :)", "nice :)"),
        ("#fun @ann", "#fun @ ann"),
        ("well-known 3.5% state-of-the-art!", "well-known 3.5 % state-of-the-art !"),
        ("end. \u201cNow\u201d", "end . \u201c Now \u201d"),
        ("told apart : ?! (as here) .", "told apart : ?! (as here) ."),
    ],
)  # fmt: skip
def test_words_of_running_text(text: str, expected: str) -> None:
    assert words(text, KNOWN.__contains__) == expected.split()


@pytest.mark.parametrize("text", ["Mr. U.S. --", "a. (b) c"])
def test_words_that_were_told_apart_stay_apart(text: str) -> None:
    apart = words(text, KNOWN.__contains__)
    assert words(" ".join(apart), KNOWN.__contains__) == apart


@pytest.fixture
def saved(tmp_path: Path) -> str:
    arguments: dict[str, Any] = {
        "tables": {"word": ["<unk>", "a"]}, "tags": ["X"], "hidden": 2, "word_size": 2,
    }  # fmt: skip
    models.save(tmp_path / "model.npz", Tagger(**arguments), arguments)
    return str(tmp_path / "model.npz")


def stdin(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="ascii"))


def test_lines_are_read_as_utf_8(
    saved: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin("\ufeffcaf\u00e9 a\r\n\nb".encode(), monkeypatch)
    assert main(["predict", saved]) == 0
    assert capsys.readouterr().out == "caf\u00e9/X a/X\n\nb/X\n"


def test_lines_of_another_encoding_are_one_line_of_error(
    saved: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stdin("caf\u00e9".encode("latin-1"), monkeypatch)
    assert main(["predict", saved]) == 1
    error = capsys.readouterr().err
    assert error == "autodiff: standard input: expected UTF-8, found a byte 0xe9\n"


def test_a_model_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["predict", str(tmp_path / "nope"), "x"]) == 1
    assert "nope: there is no such model: name the folder of a finished" in capsys.readouterr().err
