"""Word2VecTrainer: what it learns from, how fast, and by which way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import CBOW, SkipGram, Word2VecTrainer
from models.word_learning.draws import Piece, keys_of
from models.word_learning.graph import OnGraph
from models.word_learning.word2vec import InC
from models.words import Encoded, WordCounts
from tests.compiler.near import needs_compiler
from tests.models.word_learning.runs import WORDS, assert_same, at_round, chunked, topics, trainer

KINDS = [(kind, output) for kind in (SkipGram, CBOW) for output in ("negative", "hierarchical")]
WITH_SOFTMAX = [*KINDS, (SkipGram, "softmax"), (CBOW, "softmax")]


def watched(run: Any) -> list[Piece]:
    """The pieces that a training learns from."""
    learn, seen = run.learner.learn, list[Piece]()

    def note(pieces: Any) -> Any:
        seen.extend(pieces)
        return learn(pieces)

    run.learner.learn = note
    return seen


def test_all_chunks_in_order_with_keys_of_their_own() -> None:
    run, encoded = trainer(), chunked()
    pieces = watched(run)
    run.fit()
    assert len(pieces) == 3 * len(encoded) > 9
    for i, piece in enumerate(pieces):
        np.testing.assert_array_equal(piece.ids, encoded.chunk(i % len(encoded)))
    assert len({tuple(piece.keys) for piece in pieces}) == len(pieces)


def test_the_learning_rate_falls_linearly_with_the_words() -> None:
    encoded = chunked()
    run = trainer(text=encoded, lr=0.05, least_lr=0.01)
    pieces = watched(run)
    run.fit()
    done = np.cumsum([0, *encoded.sizes, *encoded.sizes, *encoded.sizes])
    expected = 0.05 - 0.04 * done[:-1] / done[-1]
    np.testing.assert_allclose([piece.rate for piece in pieces], expected, rtol=1e-12)


def test_a_learning_rate_below_the_least_one_does_not_rise() -> None:
    pieces = watched(run := trainer(lr=1e-5))
    run.fit()
    assert {piece.rate for piece in pieces} == {1e-5}


@pytest.mark.parametrize(
    ("kind", "options", "lr"),
    [(SkipGram, {}, 0.025), (CBOW, {}, 0.07), (CBOW, {"whole_error": True}, 0.025)],
)
def test_the_learning_rate_at_the_start(kind: Any, options: dict[str, Any], lr: float) -> None:
    run = Word2VecTrainer(kind(WORDS, size=2, **options), chunked(), compile="off")
    assert run.source.piece(0, 0, 0.0).rate == lr
    assert run.source.piece(4, 0, 1.0).rate == pytest.approx(1e-4)


def test_a_learning_rate_of_zero_learns_nothing() -> None:
    run = trainer(lr=0.0, least_lr=0.0)
    before = run.learner.model.V.numpy().copy()
    run.fit()
    np.testing.assert_array_equal(run.learner.model.V.numpy(), before)


@pytest.mark.parametrize("how", ["off", pytest.param("c", marks=needs_compiler)])
@pytest.mark.parametrize(("kind", "output"), KINDS)
def test_the_loss_of_an_epoch_is_the_mean_over_its_examples(
    kind: Any, output: str, how: str
) -> None:
    """With a model that stays as it is, so that it can be asked afterwards, in float64."""
    run = trainer(kind, output=output, epochs=1, lr=0.0, least_lr=0.0, compile=how)
    rng = np.random.default_rng(0)
    state = {name: rng.normal(size=x.shape) for name, x in run.learner.model.state_dict().items()}
    run.learner.load_state(state)
    exact = trainer(kind, output=output, epochs=1, dtype=float)
    exact.learner.load_state(state)
    pieces = watched(run)
    [row] = run.fit()
    learner, total, count = exact.learner, 0.0, 0
    for piece in pieces:
        arrays = learner.examples(piece)
        total += learner.model.loss(*arrays).item()
        count += len(arrays[0])
    np.testing.assert_allclose(row["loss"], total / count, rtol=1e-6)


@pytest.mark.parametrize(("kind", "output"), WITH_SOFTMAX)
def test_a_program_on_numpy_gives_the_same_as_step_by_step(kind: Any, output: str) -> None:
    """Also where batches are full, and steps compiled."""
    text = [sentence for chunk in chunked() for sentence in in_words(chunk)] * 3
    one, two = (
        trainer(kind, text, output=output, epochs=2, subsample=0, compile=how)
        for how in ("off", "numpy")
    )
    one.fit()
    two.fit()
    assert_same(one, two)
    piece = Piece(Encoded(text, WORDS).chunk(0), keys_of(0, 0, 0), 0.0)
    assert len(two.learner.examples(piece)[0]) > two.learner._batch


def in_words(chunk: np.ndarray) -> list[list[str]]:
    ends = np.flatnonzero(chunk < 0)
    return [[WORDS.words[i] for i in part if i >= 0] for part in np.split(chunk, ends)]


@pytest.mark.parametrize("how", ["off", pytest.param("c", marks=needs_compiler)])
@pytest.mark.parametrize(("kind", "output"), WITH_SOFTMAX)
def test_learns(kind: Any, output: str, how: str) -> None:
    text = topics(200)
    run = trainer(kind, text, output=output, epochs=4, lr=0.02, subsample=0, compile=how)
    losses = [row["loss"] for row in run.fit()]
    assert losses[-1] < 0.97 * losses[0]


@needs_compiler
def test_what_c_does_not_have_goes_by_the_graph() -> None:
    assert isinstance(trainer(compile="c").learner, InC)
    assert isinstance(trainer(compile="off").learner, OnGraph)
    for options in ({"output": "softmax"}, {"dtype": float}):
        assert isinstance(trainer(compile="c", **options).learner, OnGraph)
        with pytest.raises(ad.errors.DomainError, match="2 threads learn in C only"):
            trainer(compile="c", threads=2, **options)


@needs_compiler
def test_the_softmax_in_compiled_c_is_close_to_numpy() -> None:
    one, two = (trainer(output="softmax", compile=how, subsample=0) for how in ("c", "off"))
    losses = [[row["loss"] for row in run.fit()] for run in (one, two)]
    np.testing.assert_allclose(*losses, rtol=1e-5)


@pytest.mark.parametrize("how", ["off", pytest.param("c", marks=needs_compiler)])
def test_a_text_encoded_with_more_words_is_refused(how: str) -> None:
    few = WordCounts(WORDS.words[:5], WORDS.counts[:5])
    run = Word2VecTrainer(SkipGram(few, size=4), chunked(), compile=how)
    with pytest.raises(ad.errors.DomainError, match="id 17, and the model 5 words; encode"):
        run.fit()


@pytest.mark.parametrize(("kind", "output"), [(SkipGram, "negative"), (CBOW, "negative")])
def test_one_word_alone_is_refused(kind: Any, output: str) -> None:
    with pytest.raises(ad.errors.DomainError, match="nearly always be the same word"):
        Word2VecTrainer(kind(["a"], [2], output=output), [["a", "a"]])


def test_one_word_alone_has_a_softmax() -> None:
    model = SkipGram(["a"], [2], size=3, output="softmax")
    assert Word2VecTrainer(model, [["a", "a"]], subsample=0, epochs=1).fit() == [{"loss": 0.0}]


@needs_compiler
def test_the_state_is_copied() -> None:
    run = trainer(compile="c")
    states: list[Any] = []
    at_round(run, 1, lambda: states.append(run.learner.state()))
    run.fit()
    assert not np.array_equal(states[0]["V"], run.learner.model.V.numpy())
