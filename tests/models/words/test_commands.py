"""The commands that ask word vectors."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from models.cli import main
from models.words import Vectors, load, save

Capture = pytest.CaptureFixture[str]

WORDS = ["king", "queen", "man", "woman", "tea"]
ARRAY = [[1, 1, 0], [1, -1, 0], [0.1, 1, 0], [0.1, -1, 0], [0, 0, 1]]


@pytest.fixture(autouse=True)
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run, below the current one."""
    monkeypatch.chdir(tmp_path)
    folder = Path("runs", "skipgram")
    folder.mkdir(parents=True)
    save(folder / "vectors.safetensors", Vectors(WORDS, ARRAY))
    return folder


@pytest.mark.parametrize(
    ("line", "first"),
    [
        ("similar king", " 0.774  man"),
        ("similar King --top 1", " 0.774  man"),
        ("similar king woman --without man", " 0.961  queen"),
        ("similar tea --vectors runs/skipgram", " 0.000  king"),
        ("analogy man king woman", " 0.961  queen"),
    ],
)
def test_words_are_listed_with_cosines(line: str, first: str, capsys: Capture) -> None:
    assert main(line.split()) == 0
    found = capsys.readouterr().out.splitlines()
    assert found[0] == first
    assert "--top" not in line or len(found) == 1


def test_the_newest_run_is_asked(run: Path, capsys: Capture) -> None:
    other = run.with_name("cbow")
    other.mkdir()
    save(other / "vectors.safetensors", Vectors(["king", "tea"], np.eye(2)))
    os.utime(other / "vectors.safetensors", (0, 0))
    assert main(["similar", "king", "--top", "1"]) == 0
    os.utime(run / "vectors.safetensors", (-9, -9))
    assert main(["similar", "king", "--top", "1"]) == 0
    assert capsys.readouterr().out == " 0.774  man\n 0.000  tea\n"


def test_a_map_lies_next_to_its_vectors(run: Path, capsys: Capture) -> None:
    assert main(["map", "--method", "pca", "--top", "3"]) == 0
    assert capsys.readouterr().out.split() == [str(run / "map.png"), str(run / "map.html")]
    assert main(["map", "--method", "pca", "--out", "a/b"]) == 0
    assert "Map of 5 words" in Path("a", "b", "map.html").read_text()


def test_files_are_converted(run: Path, capsys: Capture) -> None:
    assert main(["vectors", str(run / "vectors.safetensors"), "v.txt"]) == 0
    assert capsys.readouterr().out == "v.txt: Vectors of 5 words in 3 dimensions\n"
    np.testing.assert_array_equal(load("v.txt").vectors, np.float32(ARRAY))
    assert main(["similar", "king", "--vectors", "v.txt"]) == 0


@pytest.mark.parametrize(
    ("line", "status", "message"),
    [
        ("similar kng", 1, "king"),
        ("similar king --vectors none.txt", 1, "none.txt: no such file"),
        ("similar king --vectors none.doc", 1, "none.doc: no such file"),
        ("similar king --top 0", 2, "--top: expected a whole number of at least 1"),
        ("map --method umap", 2, "--method: unknown 'umap'; there is tsne, pca"),
        ("map --top 1", 2, "--top: expected a whole number of at least 2"),
        ("similar", 2, "required: WORD"),
        ("analogy man king", 2, "required: C"),
        ("vectors runs/skipgram/vectors.safetensors v.doc", 1, "v.doc: the name"),
    ],
)
def test_a_failure_is_one_line(line: str, status: int, message: str, capsys: Capture) -> None:
    try:
        found = main(line.split())
    except SystemExit as end:
        found = int(end.code or 0)
    assert found == status
    (said,) = capsys.readouterr().err.splitlines()
    assert message in said


def test_without_a_run_it_is_said_how_to_make_one(run: Path, capsys: Capture) -> None:
    (run / "vectors.safetensors").unlink()
    assert main(["similar", "king"]) == 1
    assert "autodiff train skipgram --corpus brown+bbc, or name a file" in capsys.readouterr().err


def test_evaluation_lists_what_is_covered(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.words.evaluation.word_pairs", lambda name, fetch: [])
    monkeypatch.setattr("models.words.evaluation.analogies", lambda fetch: [])
    assert main(["evaluate"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["wordsim353", "-", "0", "of", "0"]
    assert [line[0] for line in lines[2:]] == ["analogies", "semantic", "syntactic"]
