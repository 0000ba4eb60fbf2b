"""Compiled steps of a training: which are, that numbers stay the same, and what if it cannot be."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models.steps
from models.experiments.digits import DigitsSettings
from models.interruption import StoppedError
from models.run import run as train
from models.steps import AFTER, LEFT, MOST, Kinds
from models.train import DivergedError
from tests.models.test_train import BATCHES, EPOCHS, Curve, Spoilt, assert_same, ctrl_c, trainer

FULL, SMALLER = (f"float64[{n}, 1], float64[{n}, 1]" for n in (4, 3))
"""The kinds of batches of a `Curve`, of which the last one in an epoch is smaller."""


@pytest.fixture
def sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let "auto" compile on numpy, after few batches."""
    monkeypatch.setenv("AUTODIFF_COMPILE", "numpy")
    monkeypatch.setattr(models.steps, "AFTER", 3)
    monkeypatch.setattr(models.steps, "LEFT", 2)


def close(one: Any, other: Any) -> None:
    for a, b in zip(one.history, other.history, strict=True):
        np.testing.assert_allclose(list(a.values()), list(b.values()), rtol=1e-12)


# ---- which are compiled


def test_a_kind_is_compiled_when_it_is_frequent_and_many_are_to_come() -> None:
    kinds = Kinds()
    left = iter(range(400, 0, -1))
    found = [kinds.count("abc"[min(t % 4, 2)], next(left)) for t in range(400)]
    first = {k: found.index(True) for k in "c" if True in found}
    assert {t % 4 for t, is_compiled in enumerate(found) if is_compiled} == {2, 3}
    assert first["c"] == 4 * (AFTER // 2) + 2
    assert kinds.counts == {"a": 100, "b": 100, "c": 200} and kinds.compiled == ["c"]


def test_a_kind_of_which_few_are_to_come_is_not() -> None:
    kinds = Kinds()
    assert not any(kinds.count("a", left) for left in range(LEFT + AFTER - 1, 0, -1))
    assert not kinds.compiled


def test_so_many_kinds_and_no_more() -> None:
    kinds = Kinds()
    found = [kinds.count(str(k), np.inf) for k in (*range(MOST + 1), 0, MOST)]
    assert found == [True] * MOST + [False, True, False]


def test_kinds_are_those_of_the_arrays(sooner: None) -> None:
    run = trainer(Curve())
    run.fit()
    assert run.progress.kinds == Kinds({FULL: EPOCHS * (BATCHES - 1), SMALLER: EPOCHS}, [FULL])
    assert run.how == "eager, compiled with numpy for frequent kinds of batches (1 kind)"
    assert run.steps.seconds > 0


def test_at_once_or_never() -> None:
    compiled, eager = trainer(Curve(), compile="numpy"), trainer(Curve(), compile="off")
    for run in (compiled, eager):
        run.fit()
    assert sorted(compiled.progress.kinds.compiled) == [SMALLER, FULL]
    assert compiled.how == "compiled with numpy (2 kinds)"
    assert (eager.how, eager.progress.kinds) == ("eager", Kinds())
    close(compiled, eager)


def test_the_environment_may_say_never(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODIFF_COMPILE", "off")
    monkeypatch.setattr(models.steps, "AFTER", 0)
    monkeypatch.setattr(models.steps, "LEFT", 0)
    run = trainer(Curve())
    run.fit()
    assert run.how == "eager"


def test_unknown_ways_are_refused() -> None:
    with pytest.raises(ad.errors.DomainError, match="compile='jit' is none of auto, c, numpy, off"):
        trainer(Curve(), compile="jit")


def test_an_unknown_way_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTODIFF_COMPILE", "jit")
    with pytest.raises(ad.errors.DomainError, match="AUTODIFF_COMPILE='jit' is none of"):
        trainer(Curve())


# ---- numbers


@pytest.mark.parametrize("mode", ["numpy", "auto"])
@pytest.mark.parametrize("step", [1, 6, 13])
def test_resumes_bit_for_bit(mode: str, step: int, tmp_path: Path, sooner: None) -> None:
    whole = trainer(Curve(), compile=mode)
    whole.fit()
    with pytest.raises(StoppedError):
        trainer(Curve(step, ctrl_c), tmp_path / "c.npz", compile=mode).fit()
    resumed = trainer(Curve(), tmp_path / "c.npz", compile=mode)
    resumed.resume()
    resumed.fit()
    assert resumed.progress.kinds == whole.progress.kinds
    assert_same(whole, resumed)


def test_a_loss_that_diverges_in_a_program_leaves_the_best_and_the_checkpoint(
    tmp_path: Path,
) -> None:
    run = trainer(Spoilt(BATCHES + 2, np.nan), tmp_path / "c.npz", compile="numpy")
    with pytest.raises(DivergedError, match="diverged to nan in epoch 2, step 3"):
        run.fit()
    assert all(np.isfinite(value).all() for value in run.best.values())
    before = trainer(Curve(), tmp_path / "c.npz")
    before.resume()
    assert len(before.history) == 1 and before.progress.batch == 0


# ---- what cannot be compiled


class Branching(Curve):
    """Its loss branches on a value, and says in which batch of a run."""

    def loss(self, model: Any, x: Any, y: Any) -> ad.Tensor:
        loss = super().loss(model, x, y)
        return loss * 2 if x[0, 0] > 0 else loss


@pytest.mark.parametrize("mode", ["numpy", "c"])
def test_what_cannot_be_compiled_runs_without_and_one_line_says_why(mode: str) -> None:
    eager, run = trainer(Branching(), compile="off"), trainer(Branching(), compile=mode)
    eager.fit()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        run.fit()
    (line,) = (str(warning.message) for warning in said)
    assert line.startswith("a step of the training is not compiled: TraceError: test_steps.py:")
    assert "branches on a value" in line and "\n" not in line
    assert run.how == "eager"
    assert_same(eager, run)


def test_a_program_that_fails_half_way_has_changed_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(f: Any, backend: str) -> Any:
        def run(*given: Any) -> None:
            f(*given)
            raise MemoryError

        return run

    eager, run = trainer(Curve(), compile="off"), trainer(Curve(), compile="numpy")
    eager.fit()
    monkeypatch.setattr(ad, "compile", breaking)
    with pytest.warns(UserWarning, match="not compiled: MemoryError"):
        run.fit()
    assert_same(eager, run)


def test_a_command_says_it_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("models.run._drawn", lambda *rest: ())
    monkeypatch.setattr("models.experiments.digits.baselines", lambda split: {})

    def refuse(*given: Any, **options: Any) -> None:
        raise ad.errors.DomainError("no\nprogram")

    monkeypatch.setattr(ad, "compile", refuse)
    settings = DigitsSettings(hidden=(4,), epochs=1, compile="numpy")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        result = train(settings, tmp_path, say=lambda line: None)
    error = capsys.readouterr().err
    assert error == "autodiff: a step of the training is not compiled: DomainError: no program\n"
    assert result.steps == "eager"
    assert "Steps: eager." in (tmp_path / "report.md").read_text()
