"""The training loop: what it keeps, when it stops, and that a resumed run is the same run."""

import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
import models.train
from models import MLP
from models.checkpoint import generators
from models.interruption import StoppedError
from models.train import DivergedError, Trainer, TrainingError

EPOCHS, BATCHES = 4, 5


class Curve:
    """Fit a noisy curve: a `Task` that draws from the generator in plan and in inputs."""

    unit = "points"

    def __init__(self, at: int | None = None, event: Any = None) -> None:
        rng = np.random.default_rng(0)
        self.x = rng.uniform(-2, 2, (BATCHES * 4 - 1, 1))
        self.y = np.sin(self.x)
        self.at, self.event, self.steps = at, event, 0

    def plan(self, rng: np.random.Generator) -> list[np.ndarray]:
        return np.array_split(rng.permutation(len(self.x)), BATCHES)

    def size(self, batch: np.ndarray) -> int:
        return len(batch)

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        if self.steps == self.at:
            self.event()
        self.steps += 1
        noise = rng.normal(0, 0.01, (len(batch), 1))
        return self.x[batch] + noise, self.y[batch]

    def loss(self, model: Any, x: Any, y: Any) -> ad.Tensor:
        return ad.mean((model(x) - y) ** 2)

    def evaluate(self, model: Any) -> dict[str, float]:
        assert not model.training
        return {"loss": ad.mean((model(self.x) - self.y) ** 2).item()}


def trainer(
    task: Any, checkpoint: Path | None = None, rule: str = "Adam", **options: Any
) -> Trainer:
    """A run with everything that could be forgotten in a checkpoint."""
    model = MLP([1, 8, 1], dropout=0.1, rng=1)  # dropout draws from a generator of its own
    extra = {"momentum": 0.9} if rule == "SGD" else {}
    optimizer = getattr(ad.optim, rule)(model.parameters(), lr=0.01, **extra)
    options = {"epochs": EPOCHS, "schedule": ad.schedule.cosine(EPOCHS * BATCHES), **options}
    options = {"save_every": 0, **options}
    return Trainer(model, task, optimizer, rng=2, clip=1.0, checkpoint=checkpoint, **options)


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def crash() -> None:
    raise RuntimeError("the power went")


def assert_same(one: Trainer, two: Trainer) -> None:
    """Equal to the last bit: figures, parameters, the optimiser's state, the generators."""
    assert one.history == two.history
    assert one.best_epoch == two.best_epoch
    for first, second in ((one.model, two.model), (one.optimizer, two.optimizer)):
        state, other = first.state_dict(), second.state_dict()
        assert state.keys() == other.keys()
        for name, value in state.items():
            np.testing.assert_array_equal(value, other[name], err_msg=name)
    assert [g.random() for g in one.generators] == [g.random() for g in two.generators]


@pytest.mark.parametrize("step", range(EPOCHS * BATCHES))
def test_resumes_bit_for_bit_after_ctrl_c_at_any_step(tmp_path: Path, step: int) -> None:
    whole = trainer(Curve())
    whole.fit()
    stopped = trainer(Curve(step, ctrl_c), tmp_path / "c.npz")
    with pytest.raises(
        StoppedError, match=rf"interrupted in epoch {step // BATCHES + 1} of 4, saved"
    ):
        stopped.fit()
    resumed = trainer(Curve(), tmp_path / "c.npz")
    resumed.resume()
    resumed.fit()
    assert_same(whole, resumed)


@pytest.mark.parametrize("rule", ["SGD", "Adagrad", "RMSProp", "Adam", "AdamW"])
@pytest.mark.parametrize("epoch", range(1, EPOCHS))
def test_resumes_bit_for_bit_after_a_crash(tmp_path: Path, rule: str, epoch: int) -> None:
    whole = trainer(Curve(), rule=rule)
    whole.fit()
    crashed = trainer(Curve(epoch * BATCHES + 2, crash), tmp_path / "c.safetensors", rule)
    with pytest.raises(RuntimeError, match="power"):
        crashed.fit()
    resumed = trainer(Curve(), tmp_path / "c.safetensors", rule)
    resumed.resume()
    assert len(resumed.history) == epoch
    resumed.fit()
    assert_same(whole, resumed)


def test_saves_no_more_often_than_told_but_always_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs, write = [], models.train.write

    def recorded(path: Path, *rest: Any) -> None:
        epochs.append(len(rest[4].history))
        write(path, *rest)

    monkeypatch.setattr(models.train, "write", recorded)
    trainer(Curve(), tmp_path / "c.npz", save_every=1000).fit()
    assert epochs == [1, EPOCHS]


def test_resuming_a_finished_run_changes_nothing(tmp_path: Path) -> None:
    whole = trainer(Curve(), tmp_path / "c.npz")
    whole.fit()
    again = trainer(Curve(), tmp_path / "c.npz")
    again.resume()
    again.fit()
    assert_same(whole, again)


def test_generators_in_containers_are_found() -> None:
    class Noisy(ad.Module):
        def __init__(self) -> None:
            self.one, self.more = (np.random.default_rng(i) for i in range(2))
            self.layers = [{"p": np.random.default_rng(2)}, self.one]

    model, rng = Noisy(), np.random.default_rng(3)
    assert generators(rng, model) == [rng, model.one, model.more, model.layers[0]["p"]]


def test_other_bit_generators_can_be_resumed(tmp_path: Path) -> None:
    def make(task: Curve) -> Trainer:
        made = trainer(task, tmp_path / "c.npz")
        made.rng = made.generators[0] = np.random.Generator(np.random.MT19937(3))
        return made

    whole = make(Curve())
    whole.fit()
    with pytest.raises(StoppedError):
        make(Curve(7, ctrl_c)).fit()
    resumed = make(Curve())
    resumed.resume()
    resumed.fit()
    assert_same(whole, resumed)


def test_ctrl_c_without_a_checkpoint_says_so() -> None:
    with pytest.raises(StoppedError, match="nothing is saved"):
        trainer(Curve(3, ctrl_c)).fit()


def test_second_ctrl_c_does_not_wait() -> None:
    def twice() -> None:
        ctrl_c()
        time.sleep(0.01)  # signals that nobody has looked at yet count as one
        ctrl_c()

    with pytest.raises(KeyboardInterrupt) as caught:
        trainer(Curve(3, twice)).fit()
    assert caught.type is KeyboardInterrupt


def test_a_job_that_ignores_ctrl_c_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run = trainer(Curve(3, ctrl_c))
    run.fit()
    assert len(run.history) == run.epochs
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_handler_of_signals_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    trainer(Curve()).fit()
    assert signal.getsignal(signal.SIGINT) is before
    with pytest.raises(StoppedError):
        trainer(Curve(3, ctrl_c)).fit()
    assert signal.getsignal(signal.SIGINT) is before


def test_trains_in_another_thread() -> None:
    run, same = trainer(Curve()), trainer(Curve())
    thread = threading.Thread(target=run.fit)
    thread.start()
    thread.join()
    same.fit()
    assert_same(run, same)


class Spoilt(Curve):
    """Its loss is multiplied by something at one step."""

    def __init__(self, at: int, factor: float) -> None:
        super().__init__()
        self.spoil_at, self.factor = at, factor

    def inputs(self, batch: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        factor = self.factor if self.steps == self.spoil_at else 1.0
        return *super().inputs(batch, rng), np.array(factor)

    def loss(self, model: Any, x: Any, y: Any, factor: Any = 1.0) -> ad.Tensor:
        return super().loss(model, x, y) * factor


@pytest.mark.parametrize("factor", [np.nan, np.inf, -np.inf, 1e9])
def test_diverging_loss_names_epoch_and_step(tmp_path: Path, factor: float) -> None:
    run = trainer(Spoilt(BATCHES + 2, factor), tmp_path / "c.npz")
    message = r"diverged to .* in epoch 2, step 3: lower the learning rate \(now 0.01\)"
    with pytest.raises(DivergedError, match=message):
        run.fit()
    before = trainer(Curve(), tmp_path / "c.npz")
    before.resume()  # the checkpoint is of the last epoch that went well
    assert len(before.history) == 1


def test_diverging_in_validation() -> None:
    task = Curve()
    task.evaluate = lambda model: {"loss": float("nan")}  # type: ignore[method-assign]
    with pytest.raises(DivergedError, match="nan in epoch 1, validation"):
        trainer(task).fit()


class Scripted(Curve):
    """Its validation losses are given."""

    def __init__(self, *losses: float) -> None:
        super().__init__()
        self.losses, self.states = iter(losses), []

    def evaluate(self, model: Any) -> dict[str, float]:
        self.states.append(model.state_dict())
        return {"loss": next(self.losses)}


def test_keeps_the_best_epoch() -> None:
    task = Scripted(3, 1, 2, 1.5)
    run = trainer(task)
    run.fit()
    assert run.best_epoch == 2
    for name, value in run.model.state_dict().items():
        np.testing.assert_array_equal(value, task.states[1][name])
    assert not run.model.training


def test_stops_early() -> None:
    run = trainer(Scripted(3, 1, 2, 1, 0), patience=2, epochs=9)
    run.fit()
    assert (len(run.history), run.best_epoch) == (4, 2)


def test_early_stop_survives_a_resume(tmp_path: Path) -> None:
    trainer(Scripted(3, 1), tmp_path / "c.npz", epochs=2).fit()
    run = trainer(Scripted(2, 2, 0), tmp_path / "c.npz", patience=2, epochs=9)
    run.resume()
    run.fit()
    assert (len(run.history), run.best_epoch) == (4, 2)


def test_history_has_the_figures() -> None:
    run = trainer(Curve(), schedule=ad.schedule.linear(EPOCHS * BATCHES))
    history = run.fit()
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[0].keys() == {"loss", "lr", "validation loss"}
    lr = [0.01 * (1 - (BATCHES * (epoch + 1) - 1) / (EPOCHS * BATCHES)) for epoch in range(EPOCHS)]
    np.testing.assert_allclose([row["lr"] for row in history], lr)


def test_learns() -> None:
    run = trainer(Curve(), epochs=300, schedule=None)
    run.model.dropout.rate = 0.0
    run.fit()
    assert min(row["validation loss"] for row in run.history) < 0.01


def test_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = []
    monkeypatch.setattr(ad.optim, "clip_grad_norm", lambda params, limit: limits.append(limit))
    trainer(Curve(), compile="off").fit()
    assert limits == [1.0] * EPOCHS * BATCHES


def test_nothing_to_learn_from() -> None:
    task = Curve()
    task.plan = lambda rng: []  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="nothing to learn from"):
        trainer(task).fit()


def test_resume_needs_a_checkpoint() -> None:
    with pytest.raises(TrainingError, match="without checkpoint="):
        trainer(Curve()).resume()


def refusals(path: Path) -> dict[str, tuple[type[Exception], str]]:
    """Files that cannot be resumed from, written to the folder, with the error."""
    trainer(Curve(), path / "good.npz").fit()
    content = (path / "good.npz").read_bytes()
    (path / "short.npz").write_bytes(content[: len(content) // 2])
    (path / "empty.npz").write_bytes(b"")
    ad.io.save(path / "foreign.npz", {"W": np.eye(2)})
    other = MLP([1, 9, 1])
    optimizer = ad.optim.Adam(other.parameters())
    Trainer(other, Curve(), optimizer, epochs=1, checkpoint=path / "other.npz").fit()
    trainer(Curve(), path / "rule.npz", rule="SGD").fit()
    return {
        "short": (ad.errors.FormatError, "truncated"),
        "empty": (ad.errors.FormatError, "truncated"),
        "foreign": (ad.errors.FormatError, "not the checkpoint of such a run"),
        "other": (ad.errors.ShapeError, r"layers.0.W.* shape"),
        "rule": (ad.errors.FormatError, "does not belong to Adam"),
        "missing": (FileNotFoundError, "missing"),
    }


def test_refused_checkpoint_leaves_the_model_as_it_was(tmp_path: Path) -> None:
    for name, (error, message) in refusals(tmp_path).items():
        run = trainer(Curve(), tmp_path / f"{name}.npz")
        before = run.model.state_dict()
        with pytest.raises(error, match=message):
            run.resume()
        for key, value in run.model.state_dict().items():
            np.testing.assert_array_equal(value, before[key], err_msg=name)
        assert run.history == []


def test_bar_is_quiet_where_nobody_looks(capfd: pytest.CaptureFixture[str]) -> None:
    trainer(Curve()).fit()
    assert capfd.readouterr() == ("", "")


def test_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    trainer(Curve()).fit()
    shown = capsys.readouterr().err
    assert "epoch 4/4" in shown
    assert "points/s" in shown
    assert "validation loss" in shown
    trainer(Curve(), quiet=True).fit()
    assert capsys.readouterr().err == ""
