"""The loop of a training: resumed runs are the same runs, and what cannot be is refused."""

from __future__ import annotations

import io
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import CBOW, GloVe, SkipGram
from models.interruption import StoppedError
from models.word_learning import glove
from tests.compiler.near import needs_compiler
from tests.compiler.standins import alone
from tests.models.word_learning.runs import (
    KINDS,
    TEXT,
    assert_same,
    at_round,
    chunked,
    ctrl_c,
    topics,
    trainer,
)

HOWS = [
    {"compile": "off"},
    {"compile": "numpy"},
    pytest.param({"compile": "c"}, marks=needs_compiler),
    pytest.param({"compile": "c", "threads": 3}, marks=needs_compiler),
]


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such that an epoch has several rounds, also of GloVe and with threads."""
    monkeypatch.setattr(glove, "PIECE", 20)
    monkeypatch.setattr(glove, "PER_ROUND", 1)
    monkeypatch.setattr("models.word_learning.word2vec.PER_ROUND", 1)
    monkeypatch.setattr("models.word_learning.word2vec.EACH", {"skip-gram": 1, "CBOW": 1})


# The same numbers


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_seed_decides(kind: Any, how: dict[str, Any]) -> None:
    one, same, other = trainer(kind, **how), trainer(kind, **how), trainer(kind, **how, rng=6)
    for run in (one, same, other):
        run.fit()
    assert_same(one, same)
    assert one.history != other.history


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_the_number_of_threads_decides_too(kind: Any) -> None:
    found = {threads: trainer(kind, compile="c", threads=threads) for threads in (1, 2, 3)}
    again = {threads: trainer(kind, compile="c", threads=threads) for threads in (1, 2, 3)}
    for runs in (found, again):
        assert len({tuple(row["loss"] for row in run.fit()) for run in runs.values()}) == 3
    for threads, run in found.items():
        assert_same(run, again[threads])


@needs_compiler
@pytest.mark.parametrize("kind", KINDS)
def test_more_threads_than_pieces(kind: Any) -> None:
    run = trainer(kind, compile="c", threads=40)
    losses = [row["loss"] for row in run.fit()]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("at", [0, 2, 5])
def test_resumes_bit_for_bit_after_ctrl_c(
    tmp_path: Path, kind: Any, how: dict[str, Any], at: int
) -> None:
    whole, path = trainer(kind, **how), tmp_path / "c.safetensors"
    whole.fit()
    stopped = trainer(kind, **how, checkpoint=path)
    at_round(stopped, at, ctrl_c)
    with pytest.raises(StoppedError, match=r"interrupted in epoch \d of 3, saved in .*c.safe"):
        stopped.fit()
    assert stopped.history == whole.history[: len(stopped.history)]
    resumed = trainer(kind, **how, checkpoint=path)
    resumed.resume()
    assert_same(resumed, stopped)
    resumed.fit()
    assert_same(resumed, whole)


def test_the_same_run_goes_on_after_ctrl_c() -> None:
    whole, stopped = trainer(), trainer()
    whole.fit()
    at_round(stopped, 4, ctrl_c)
    with pytest.raises(StoppedError, match="nothing is saved"):
        stopped.fit()
    stopped.fit()
    assert_same(stopped, whole)


@needs_compiler
def test_ctrl_c_leaves_in_the_model_what_it_has_learnt() -> None:
    run = trainer(compile="c")
    before = run.learner.model.state_dict()
    at_round(run, 2, ctrl_c)
    with pytest.raises(StoppedError):
        run.fit()
    assert not np.array_equal(run.learner.model.V.numpy(), before["V"])


def test_ctrl_c_in_the_last_round_has_nothing_to_interrupt() -> None:
    run, whole = trainer(epochs=1), trainer(epochs=1)
    at_round(run, len(run.source.sizes) - 1, ctrl_c)
    assert run.fit() == whole.fit()
    assert_same(run, whole)


def test_second_ctrl_c_does_not_wait() -> None:
    def twice() -> None:
        ctrl_c()
        time.sleep(0.01)  # signals that nobody has looked at yet count as one
        ctrl_c()

    run = trainer()
    at_round(run, 1, twice)
    with pytest.raises(KeyboardInterrupt) as caught:
        run.fit()
    assert caught.type is KeyboardInterrupt


def test_a_finished_run_is_resumed_as_it_was(tmp_path: Path) -> None:
    whole = trainer(checkpoint=tmp_path / "c.npz")
    whole.fit()
    again = trainer(checkpoint=tmp_path / "c.npz")
    again.resume()
    assert again.fit() == whole.history
    assert_same(again, whole)


def test_no_epochs(tmp_path: Path) -> None:
    run = trainer(epochs=0, checkpoint=tmp_path / "c.npz")
    before = run.learner.model.state_dict()
    assert run.fit() == []
    np.testing.assert_array_equal(run.learner.model.V.numpy(), before["V"])


# What is refused


@pytest.mark.parametrize("kind", KINDS)
def test_another_text_is_refused(tmp_path: Path, kind: Any) -> None:
    trainer(kind, checkpoint=tmp_path / "c.npz").fit()
    other, fresh = (
        trainer(kind, chunked(topics(40, seed=1)), checkpoint=tmp_path / "c.npz") for _ in range(2)
    )
    with pytest.raises(ad.errors.DomainError, match=r"the text is not the one that .*c.npz"):
        other.resume()
    assert_same(other, fresh)


def test_pairs_of_another_window_are_refused(tmp_path: Path) -> None:
    trainer(GloVe, checkpoint=tmp_path / "c.npz").fit()
    other = trainer(GloVe, window=2, checkpoint=tmp_path / "c.npz")
    with pytest.raises(ad.errors.DomainError, match="is not the one"):
        other.resume()


def overwrite(path: Path, changes: dict[str, Any]) -> None:
    """Put other arrays and texts into a file; None takes one out."""
    arrays, metadata = ad.io.load(path)
    for name, value in changes.items():
        (metadata if isinstance(value, str) else arrays)[name] = value
    ad.io.save(path, {name: a for name, a in arrays.items() if a is not None}, metadata)


WRONG: list[dict[str, Any]] = [
    {"checkpoint": "{}"},
    {"checkpoint": "[]"},
    {"checkpoint": "no json"},
    {"settings": "3"},
    {"checkpoint": '{"progress": {"step": 3}}'},
    {"V": np.zeros((2, 2)), "W": np.zeros((2, 2))},
]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("how", [HOWS[0], HOWS[2]])
@pytest.mark.parametrize("kind", [SkipGram, GloVe])
def test_a_wrong_file_is_refused_and_nothing_changes(
    tmp_path: Path, kind: Any, how: dict[str, Any], wrong: dict[str, Any]
) -> None:
    path = tmp_path / "c.npz"
    trainer(kind, **how, checkpoint=path).fit()
    overwrite(path, wrong)
    assert_refused(path, kind, how)


SQUARES = [
    ({"compile": "off"}, "rule square_sum.2"),
    pytest.param({"compile": "c"}, "squares 1", marks=needs_compiler),
]


@pytest.mark.parametrize(("how", "name"), SQUARES)
@pytest.mark.parametrize("value", [None, np.zeros((3, 5))])
def test_a_file_with_other_sums_of_squares_is_refused(
    tmp_path: Path, how: dict[str, Any], name: str, value: Any
) -> None:
    path = tmp_path / "c.npz"
    trainer(GloVe, **how, checkpoint=path).fit()
    overwrite(path, {name: value})
    assert_refused(path, GloVe, how)


def assert_refused(path: Path, kind: Any, how: dict[str, Any]) -> None:
    run, fresh = (trainer(kind, **how, checkpoint=path) for _ in range(2))
    with pytest.raises((ad.errors.FormatError, ad.errors.ShapeError), match=r"c\.npz is no check"):
        run.resume()
    assert_same(run, fresh)


def test_resuming_without_a_file(tmp_path: Path) -> None:
    with pytest.raises(ad.errors.DomainError, match="without checkpoint="):
        trainer().resume()
    with pytest.raises(FileNotFoundError):
        trainer(checkpoint=tmp_path / "c.npz").resume()


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"no folder for the checkpoint.*nowhere"):
        trainer(checkpoint=tmp_path / "nowhere" / "c.npz")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"epochs": -1}, "epochs: at least 0, not -1"),
        ({"threads": 0}, "threads: at least 1 learns, not 0"),
        ({"threads": 2}, "2 threads learn in C only"),
        ({"threads": 2, "compile": "numpy"}, "2 threads learn in C only"),
        ({"compile": "fast"}, "'fast' is none of"),
        ({"text": iter(TEXT)}, "read only once"),
        ({"text": (sentence for sentence in TEXT)}, "generator can be read only once"),
        ({"text": [["unknown"]]}, "none of its words is in the vocabulary"),
    ],
)
def test_what_makes_no_training(kind: Any, options: dict[str, Any], why: str) -> None:
    with pytest.raises(ad.errors.DomainError, match=why):
        trainer(kind, **options)


@pytest.mark.parametrize("kind", [SkipGram, CBOW])
@pytest.mark.parametrize("how", [HOWS[0], HOWS[2]])
def test_sentences_of_one_word_are_nothing_to_learn_from(kind: Any, how: dict[str, Any]) -> None:
    with pytest.raises(ad.errors.DomainError, match="nothing to learn from"):
        trainer(kind, [["a1"], ["b1"]], **how).fit()
    with pytest.raises(ad.errors.DomainError, match="no two words in one sentence"):
        trainer(GloVe, [["a1"], ["b1"]], **how)


@pytest.mark.parametrize("how", [HOWS[0], HOWS[2]])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lr", [1e6, 1e30])
def test_a_loss_that_diverges_is_an_error(
    tmp_path: Path, kind: Any, how: dict[str, Any], lr: float
) -> None:
    path = tmp_path / "c.npz"
    run = trainer(kind, lr=lr, **how, checkpoint=path)
    message = "the loss diverged to .* in epoch 1: lower the learning rate"
    with pytest.raises(ad.errors.DomainError, match=message):
        run.fit()
    assert not path.exists()


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    alone(monkeypatch, tmp_path / "empty")
    monkeypatch.setenv("CC", "")
    monkeypatch.setenv("AUTODIFF_COMPILE", "auto")
    with pytest.raises(ad.compiler.CompilerError, match="none was found"):
        trainer(kind, compile="c")
    with pytest.warns(RuntimeWarning, match="learnt on numpy, several times slower") as told:
        run = trainer(kind, compile="auto")
    assert len(told) == 1
    on_numpy = trainer(kind, compile="numpy")
    run.fit()
    on_numpy.fit()
    assert_same(run, on_numpy)


# The progress bar


def test_no_bar_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    trainer(quiet=False).fit()
    assert capsys.readouterr() == ("", "")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    trainer(quiet=False).fit()
    assert "epoch 3/3: " in terminal.getvalue() and "loss" in terminal.getvalue()


def test_a_bar_that_is_not_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    trainer(quiet=True).fit()
    assert not terminal.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [(CBOW, {}), (SkipGram, {"output": "hierarchical"}), (SkipGram, {"compile": "numpy"})],
)
def test_another_model_or_way_does_not_go_on(tmp_path: Path, kind: Any, options: Any) -> None:
    """Even where its parameters look the same: the numbers would not be those of one training."""
    trainer(checkpoint=tmp_path / "c.npz", epochs=1).fit()
    other = trainer(kind, checkpoint=tmp_path / "c.npz", **options)
    before = other.learner.state()
    with pytest.raises(ad.errors.DomainError, match=r"of 'SkipGram, negative, as a graph \(off\)'"):
        other.resume()
    for name, value in other.learner.state().items():
        np.testing.assert_array_equal(value, before[name])


@needs_compiler
@pytest.mark.parametrize("kind", [SkipGram, GloVe])
def test_vectors_may_be_given_until_it_begins(kind: Any) -> None:
    early, late = trainer(kind, compile="c"), trainer(kind, compile="c")
    for run in (early, late):
        for parameter in run.learner.model.parameters():
            parameter.data = np.full(parameter.shape, 0.1, np.float32)
    given = trainer(kind, compile="c")
    early.fit()
    late.fit()
    given.fit()
    assert_same(early, late)
    assert not np.array_equal(
        early.learner.model.parameters()[0].numpy(), given.learner.model.parameters()[0].numpy()
    )
