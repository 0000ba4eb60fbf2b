"""The task of tagging: its batches, its measures against direct counts, its baselines by hand."""

from __future__ import annotations

from itertools import chain
from math import isnan
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models.data import Corpus, Tagged
from models.features import Features
from models.tagger import Tagger
from models.tasks.tagging import (
    Tagging,
    accuracy,
    baselines,
    figures,
    has_mentions,
    has_names,
    names,
)
from models.train import Trainer
from tests.models.networks import with_biases


def tagged(text: str) -> Tagged:
    """``"a/D rose/N"`` as a sentence."""
    pairs = [word.split("/") for word in text.split()]
    return Tagged(tuple(word for word, _ in pairs), tuple(tag for _, tag in pairs))


def corpus(
    train: list[str], test: list[str], validation: list[str] | None = None
) -> Corpus[Tagged]:
    parts = (train, validation or train, test)
    return Corpus("hand-made", *([tagged(text) for text in part] for part in parts))


PLAIN = corpus(
    ["a/D can/N", "we/P can/V can/N", "can/N"],
    ["can/V we/P tin/N", "tin/V"],
    ["tins/N can/V", "we/P we/P can/N a/D", "we/P"],
)
NAMED = corpus(
    ["New/B-LOC York/I-LOC is/O New/O", "York/B-PER sings/O", "@/B-PER ann/B-PER York/B-PER is/O"],
    ["in/O New/B-LOC York/I-LOC", "York/B-LOC is/O @/B-PER bob/B-PER", "nothing/O"],
)


def tagger(data: Corpus[Tagged], **arguments: Any) -> Tagger:
    tables = Features.of([s.words for s in data.train], ["suffix1", "word"]).tables
    tags = sorted({tag for s in data.train for tag in s.tags})
    small = {"word_size": 3, "feature_size": 2, "hidden": 4, "dtype": "float64"}
    return with_biases(Tagger(tables, tags, **small | arguments))


# ---- the task


class Watched(Tagger):
    """A tagger that remembers the ids that it was given."""

    seen: list[np.ndarray]

    def forward(self, ids: np.ndarray, mask: np.ndarray) -> ad.Tensor:
        self.seen.append(ids[mask])
        return super().forward(ids, mask)


def watched(data: Corpus[Tagged]) -> Watched:
    tables = Features.of([s.words for s in data.train], ["suffix1", "word"], least=1).tables
    model = Watched(tables, ["D", "N", "P", "V"], hidden=2)
    model.seen = []
    return model


def loss_of(task: Tagging, batch: np.ndarray, rng: np.random.Generator) -> ad.Tensor:
    return task.loss(task.model, *task.inputs(batch, rng))


def test_an_epoch_goes_through_each_sentence_once() -> None:
    task = Tagging(PLAIN, tagger(PLAIN), batch_size=2)
    plan = task.plan(np.random.default_rng(0))
    assert sorted(chain.from_iterable(rows.tolist() for rows in plan)) == [0, 1, 2]
    assert [task.size(np.array(rows)) for rows in ([0], [1, 2], [0, 1, 2])] == [2, 4, 6]


@pytest.mark.parametrize("crf", [False, True])
def test_the_loss_of_a_batch_is_the_loss_of_its_sentences(crf: bool) -> None:
    model = tagger(PLAIN, crf=crf).eval()
    task = Tagging(PLAIN, model, unknown=0)
    rng = np.random.default_rng(0)
    losses = [len(s.words) * loss_of(task, np.array([i]), rng).item()
              for i, s in enumerate(PLAIN.train)]  # fmt: skip
    together = loss_of(task, np.arange(3), rng).item()
    np.testing.assert_allclose(together, sum(losses) / 6, rtol=1e-12)


@pytest.mark.parametrize("unknown", [0.25, 2.0])
def test_words_are_made_unknown_at_the_rate_of_their_count(unknown: float) -> None:
    model = watched(PLAIN)
    task, rng, draws = Tagging(PLAIN, model, unknown=unknown), np.random.default_rng(0), 200
    for _ in range(draws):
        loss_of(task, np.arange(3), rng)
    text = sorted(word for s in PLAIN.train for word in s.words)
    whole = np.sort(model.features.ids(text)[:, 0])
    words = np.concatenate([ids[:, 1] for ids in model.seen])
    for ids in model.seen:
        np.testing.assert_array_equal(np.sort(ids[:, 0]), whole)  # what else is seen stays
    for word, n in (("a", 1), ("we", 1), ("can", 4)):
        (i,) = model.features.vocabularies["word"].ids([word])
        rate = unknown / (unknown + n)
        found = 1 - (words == i).sum() / (n * draws)
        assert abs(found - rate) < 5 * np.sqrt(rate * (1 - rate) / (n * draws))


def test_no_word_is_made_unknown_without_being_told_or_in_validation() -> None:
    model = watched(PLAIN)
    rng = np.random.default_rng(0)
    loss_of(Tagging(PLAIN, model, unknown=0), np.arange(3), rng)
    Tagging(PLAIN, model, unknown=9.0).evaluate(model.eval())
    first, *others = (np.sort(ids[:, 1]) for ids in model.seen)
    for ids, part in [(first, PLAIN.train), *((ids, PLAIN.validation) for ids in others)]:
        text = [word for s in part for word in s.words]
        np.testing.assert_array_equal(ids, np.sort(model.features.ids(text)[:, 1]))


def test_what_was_made_unknown_is_known_again_in_the_next_step() -> None:
    model = watched(PLAIN)
    task = Tagging(PLAIN, model, unknown=1.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        loss_of(task, np.arange(3), rng)
    assert all((ids[:, 1] > 0).any() for ids in model.seen[-5:])


def test_without_the_word_among_the_features_there_is_none_to_make_unknown() -> None:
    model = Tagger({"suffix1": ["<unk>", "e"]}, ["D", "N", "P", "V"], hidden=2).eval()
    one, two = (Tagging(PLAIN, model, unknown=u) for u in (0.0, 9.0))
    losses = [loss_of(t, np.arange(3), np.random.default_rng(0)).item() for t in (one, two)]
    assert losses[0] == losses[1]


@pytest.mark.parametrize("crf", [False, True])
def test_evaluate_is_the_direct_computation(crf: bool) -> None:
    model = tagger(PLAIN, crf=crf).eval()
    total, right = 0.0, []
    for words, tags in PLAIN.validation:
        ids, y = model.features.ids(words)[:, None], model.tags.ids(tags)[:, None]
        total += len(words) * model.loss(ids, y, np.ones(y.shape, bool)).item()
        right += [a == b for a, b in zip(tags, model.tag([words])[0])]
    found = Tagging(PLAIN, model).evaluate(model)
    assert list(found) == ["loss", "accuracy"]
    np.testing.assert_allclose(found["loss"], total / 7, rtol=1e-12)
    assert found["accuracy"] == np.mean(right)


def test_evaluate_gives_f1_of_names() -> None:
    model = tagger(NAMED, crf=True).eval()
    found = Tagging(NAMED, model).evaluate(model)
    predicted = model.tag([s.words for s in NAMED.validation])
    assert list(found) == ["loss", "F1", "F1 without mentions"]
    assert found["F1"] == names(NAMED.validation, predicted).f1


def test_empty_sentences_do_no_harm() -> None:
    data = Corpus("gaps", [Tagged((), ()), *PLAIN.train], [*PLAIN.validation, Tagged((), ())], [])
    model = tagger(PLAIN).eval()
    task, plain = Tagging(data, model), Tagging(PLAIN, model)
    (batch,) = task.plan(np.random.default_rng(0))
    assert sorted(batch) == [1, 2, 3]
    assert np.isfinite(loss_of(task, batch, np.random.default_rng(0)).item())
    assert task.evaluate(model) == pytest.approx(plain.evaluate(model), rel=1e-12)


@pytest.mark.parametrize("part", ["train", "validation"])
def test_refuses_tags_that_the_model_does_not_know(part: str) -> None:
    data = corpus([*["a/D can/N"], *["b/X"] * (part == "train")], ["a/D"], ["can/N c/Y a/X"])
    model = Tagger({"word": ["<unk>", "a"]}, ["D", "N"] + ["X"] * (part != "train"), hidden=2)
    message = "hand-made has tags that the model does not know: " + (
        "X, Y" if part == "train" else "Y"
    )
    with pytest.raises(ad.errors.DomainError, match=message):
        Tagging(data, model)


def test_training_repeats_and_learns() -> None:
    def history() -> list[dict[str, float]]:
        model = tagger(PLAIN, rng=1)
        task = Tagging(PLAIN, model, batch_size=2)
        optimizer = ad.optim.Adam(model.parameters(), lr=0.05)
        return Trainer(model, task, optimizer, epochs=8, rng=2, quiet=True).fit()

    one, two = history(), history()
    assert one == two
    assert one[-1]["loss"] < one[0]["loss"] / 1.5


# ---- measures


TRUE = [tagged("a/D can/N"), tagged("we/P can/V tin/N")]
GUESS = [["D", "V"], ["P", "V", "D"]]


def test_accuracy_by_hand() -> None:
    assert accuracy(TRUE, GUESS) == 3 / 5
    assert accuracy(TRUE, GUESS, without={"can", "tin"}) == 1
    assert accuracy(TRUE, GUESS, without={"a", "we"}) == 1 / 3
    assert isnan(accuracy(TRUE, GUESS, without={"a", "we", "can", "tin"}))
    assert isnan(accuracy([], []))


def test_figures_of_tags_by_hand() -> None:
    assert figures(TRUE, TRUE, GUESS) == {"accuracy": 3 / 5}
    known = {"a", "we", "can"}
    expected = {"accuracy": 3 / 5, "accuracy, unknown words": 0}
    assert figures(TRUE, TRUE, GUESS, known) == expected
    assert figures(TRUE, TRUE, GUESS, known | {"tin"}) == {"accuracy": 3 / 5}


def test_figures_of_names_by_hand() -> None:
    true = [tagged("@/B-PER ann/B-PER in/O New/B-LOC York/I-LOC"), tagged("Bob/B-PER is/O")]
    predicted = [["B-PER", "B-PER", "O", "B-LOC", "O"], ["B-PER", "B-PER"]]
    # 3 of 5 found are right, of 4; without what @ marks 1 of 3, of 2.
    expected = {"F1": 2 / 3, "F1 without mentions": 2 / 5}
    assert figures(true, true, predicted) == pytest.approx(expected)
    assert figures(true, true, predicted, known={"Bob"}) == pytest.approx(expected)
    without = [tagged("@/O ann/O sings/O Bob/B-PER")]  # where no @ is a name, there is one figure
    assert figures(without, true, predicted) == pytest.approx({"F1": 2 / 3})
    assert names(true, predicted) == (3 / 5, 3 / 4)
    assert names(true, predicted, mentions=False) == (1 / 3, 1 / 2)


def test_names_without_b_are_names() -> None:
    data = corpus(["Ann/I-PER sings/O"], ["Ann/I-PER sings/O"])
    assert has_names(data.train)
    assert figures(data.train, data.test, [["I-PER", "O"]]) == {"F1": 1}
    assert list(baselines(data)) == ["dictionary"]


@pytest.mark.parametrize("predicted", [GUESS[:1], [*GUESS, []], [["D"], GUESS[1]]])
def test_refuses_tags_of_other_sentences(predicted: list[list[str]]) -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        accuracy(TRUE, predicted)
    if len(predicted) != 2:
        with pytest.raises(ValueError, match=r"shorter|longer"):
            names(TRUE, predicted)


# ---- baselines


def test_what_marks_names() -> None:
    assert has_names(NAMED.train) and has_mentions(NAMED.train)
    assert not has_names(PLAIN.train) and not has_mentions(PLAIN.train)
    assert has_names([tagged("Ann/S-PER")]) and not has_names([tagged("I/I can/B")])


def test_the_training_part_decides_what_is_measured() -> None:
    no_names = [tagged("nothing/O new/O")]
    assert figures(NAMED.train, no_names, [["O", "O"]]) == {"F1": 0, "F1 without mentions": 0}


def test_the_most_frequent_tag_by_hand() -> None:
    # "can" is N three times and V once; N is the commonest tag of all.
    assert baselines(PLAIN) == {"most frequent tag": [["N", "P", "N"], ["N"]]}


def test_the_dictionary_by_hand() -> None:
    # "New York" and "York" are names wherever they stand; "New" alone never is.
    found = baselines(NAMED)
    assert list(found) == ["dictionary", "rule for @"]
    assert found["dictionary"] == [
        ["O", "B-LOC", "I-LOC"], ["B-PER", "O", "B-PER", "O"], ["O"],
    ]  # fmt: skip
    assert found["rule for @"] == [["O"] * 3, ["O", "O", "B-PER", "B-PER"], ["O"]]


@pytest.mark.parametrize(("others", "tag"), [(0, "B-PER"), (1, "B-PER"), (2, "O")])
def test_a_name_in_at_least_half_of_its_places(others: int, tag: str) -> None:
    data = corpus(["May/B-PER sings/O", *["in/O May/O"] * others], ["May/B-PER"])
    assert baselines(data)["dictionary"] == [[tag]]


def test_the_commonest_kind_of_a_name() -> None:
    data = corpus(["York/B-PER", "York/B-LOC", "York/B-LOC"], ["York/B-PER"])
    assert baselines(data)["dictionary"] == [["B-LOC"]]


def test_the_longest_name_that_fits_from_left_to_right() -> None:
    data = corpus(
        ["a/B-X b/I-X", "b/B-Y c/I-Y d/I-Y", "c/B-Z", "a/B-V", "a/B-V"],
        ["a/O b/O c/O d/O", "b/O c/O d/O", "b/O c/O", "a/O a/O b/O"],
    )
    assert baselines(data)["dictionary"] == [
        ["B-X", "I-X", "B-Z", "O"],
        ["B-Y", "I-Y", "I-Y"],
        ["O", "B-Z"],
        ["B-V", "B-X", "I-X"],
    ]


def test_the_rule_for_mentions_is_left_out_where_there_are_none() -> None:
    data = corpus(["Ann/B-PER sings/O"], ["Ann/B-PER"])
    assert list(baselines(data)) == ["dictionary"]
    at = corpus(["@/B-PER ann/B-PER"], ["hi/O @/B-PER @/B-PER ann/B-PER sings/O @/B-PER"])
    assert baselines(at)["rule for @"] == [["O", *["B-PER"] * 3, "O", "B-PER"]]
