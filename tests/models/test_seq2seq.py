"""The translating network against its equations, its masks, and what its searches find."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad
from models import saved
from models.ibm1 import NULL, ibm1
from models.search import END, FIRST, joined, words
from models.seq2seq import Seq2Seq

LEXICON = {"das": {"the": 0.75, "that": 0.2}, "haus": {"house": 0.5, "home": 0.25}}
SOURCE = [*FIRST, "das", "haus", "ist"]
TARGET = [*FIRST, "the", "house", "is"]
SENTENCES = [["das", "haus", "ulm"], ["ist"], ["das", "ist"]]
TRANSLATIONS = [["the", "house"], ["is", "home", "the", "is"], ["the"]]


def drawn(seed: int = 1, scale: float = 0.5, **arguments: Any) -> Seq2Seq:
    """A small model in float64 with each parameter drawn, since zeros would hide mistakes."""
    given = {"size": 3, "hidden": 4, "dtype": np.float64, **arguments}
    model, rng = Seq2Seq(SOURCE, TARGET, LEXICON, **given), np.random.default_rng(seed)
    model.load_state_dict(
        {n: rng.normal(0, scale, p.shape) for n, p in model.named_parameters().items()}
    )
    return model.eval()


def loss(model: Seq2Seq, sources: Any, targets: Any) -> ad.Tensor:
    """The sum over all words."""
    before, y, counts = model.outputs(targets)
    scores = model(*model.inputs(sources), before)
    return ad.cross_entropy(scores, y, reduction="sum", mask=counts)


def sigmoid(v: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-v))


def softmax(v: np.ndarray) -> np.ndarray:
    return np.exp(v) / np.exp(v).sum()


def gru(p: dict[str, np.ndarray], name: str, x: np.ndarray, h: np.ndarray) -> np.ndarray:
    def of(letter: str) -> np.ndarray:
        return p[f"{name}.{letter}"]

    z = sigmoid(of("Wz") @ x + of("Uz") @ h + of("bz"))
    r = sigmoid(of("Wr") @ x + of("Ur") @ h + of("br"))
    return z * h + (1 - z) * np.tanh(of("W") @ x + r * (of("U") @ h) + of("b"))


def by_hand(model: Seq2Seq, source: list[str], target: list[str]) -> np.ndarray:
    """p(1), p(2), ... of one pair, by the equations of the docstring."""
    p = model.state_dict()
    f, J = model.source.ids([*source, END]), len(source) + 1
    x, hidden = p["E.table"][f], p["S.b"].size
    there, back = [np.zeros(hidden)], [np.zeros(hidden)]
    for j in range(J):
        there.append(gru(p, "encoder.forwards.0", x[j], there[-1]))
        back.append(gru(p, "encoder.backwards.0", x[J - 1 - j], back[-1]))
    H = np.concatenate([there[1:], back[:0:-1], x], -1)
    s = np.tanh(p["S.W"] @ np.concatenate([there[-1], back[-1]]) + p["S.b"])
    c, a, used, found = np.zeros(H.shape[1]), np.zeros(J), np.zeros(J), []
    lexicon = np.zeros((J, len(TARGET)))
    for j, word in enumerate([*source, END]):
        for e, t in LEXICON.get(word, {word: 1.0}).items():
            lexicon[j, TARGET.index(e) if e in TARGET else 0] += t
    for y in model.target.ids([END, *target]):
        s = gru(p, "decoder", np.concatenate([p["D.table"][y], c]), s)
        n = [np.append(0, a[:-1]), a, np.append(a[1:], 0), used]
        a = softmax(H @ p["A.W"].T @ s + p["u"] @ n)
        c, used = a @ H, used + a
        o = np.tanh(p["C.W"] @ np.concatenate([s, c]) + p["C.b"])
        found.append(softmax(p["D.table"] @ o + p["b"] + np.log(a @ lexicon + np.exp(p["k"]))))
    return np.array(found)


def test_is_its_equations() -> None:
    model = drawn()
    for source, target in zip(SENTENCES, TRANSLATIONS):
        before, _, _ = model.outputs([target])
        actual = ad.softmax(model(*model.inputs([source]), before)).data[:, 0]
        np.testing.assert_allclose(actual, by_hand(model, source, target), rtol=1e-10)


def test_gradients_are_slopes() -> None:
    model, rng = drawn(), np.random.default_rng(2)
    f, mask, L = model.inputs(SENTENCES)
    before, y, counts = model.outputs(TRANSLATIONS)
    ways = ad.tree.map(lambda p: rng.normal(size=(4, *p.shape)), model)

    def moved(steps: Any) -> ad.Tensor:
        """The loss after steps along random ways through all parameters."""
        at = ad.tree.map(lambda p, way: p + ad.tensordot(steps, way, 1), model, ways)
        return ad.cross_entropy(at(f, mask, L, before), y, mask=counts)

    ad.testing.check_gradients(moved, np.zeros(4))


def test_padding_changes_nothing() -> None:
    model = drawn()
    together = loss(model, SENTENCES, TRANSLATIONS)
    together.backward()
    grads = {name: np.array(p.grad) for name, p in model.named_parameters().items()}
    model.zero_grad()
    alone = [loss(model, [s], [t]) for s, t in zip(SENTENCES, TRANSLATIONS)]
    for each in alone:
        each.backward()
    assert together.item() == pytest.approx(sum(each.item() for each in alone), rel=1e-12)
    for name, p in model.named_parameters().items():
        np.testing.assert_allclose(
            grads[name], np.array(p.grad), rtol=1e-9, atol=1e-13, err_msg=name
        )


def test_stays_in_its_precision() -> None:
    model = Seq2Seq(SOURCE, TARGET, LEXICON, size=3, hidden=4)
    total = loss(model, SENTENCES, TRANSLATIONS)
    total.backward()
    assert total.dtype == np.float32
    assert {p.grad.dtype for p in model.parameters()} == {np.dtype(np.float32)}


def test_untrained_it_writes_the_lexicon() -> None:
    model = drawn(scale=0.0)
    model.k.data = np.log(1e-4)
    before, _, _ = model.outputs([["the"]])
    p = ad.softmax(model(*model.inputs([["das"]]), before)).data[0, 0]
    np.testing.assert_allclose(p, np.array([0.1, 0.5, 0.375, 0, 0]) / 0.975, atol=2e-4)


def test_greedy_is_a_beam_of_one() -> None:
    for seed in range(5):
        model = drawn(seed, scale=1.0)
        assert model.greedy(SENTENCES) == [model.beam(s, 1) for s in SENTENCES]


def log_p(model: Seq2Seq, source: list[str], ids: tuple[int, ...]) -> float:
    """The mean log probability of the words with these ids."""
    p = by_hand(model, source, [TARGET[i] for i in ids[:-1]])
    return float(np.log(p[np.arange(len(ids)), ids]).mean())


def best_of_all(model: Seq2Seq, source: list[str], longest: int) -> list[str]:
    """Of all translations until some length, one by one, that which a beam search looks for."""
    others = [i for i in range(len(TARGET)) if i != 1]
    ended = [(*ids, 1) for n in range(longest) for ids in product(others, repeat=n)]
    every = ended + list(product(others, repeat=longest))
    best = max(every, key=lambda ids: log_p(model, source, ids))
    return [TARGET[i] for i in best if i != 1]


def test_beam_finds_the_best_where_greedy_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.search._limit", lambda sentence: 4)
    model, source = drawn(26, scale=1.0), ["das", "ist"]
    monkeypatch.setattr(model.table, "rare", lambda word: TARGET[0])
    best = best_of_all(model, source, longest=4)
    assert model.beam(source, 300) == best
    assert model.beam(source, 5) == best
    assert model.greedy([source])[0] != best


def test_rare_words_are_written_by_the_lexicon() -> None:
    model = drawn(scale=0.0)
    model.b.data = np.array([9.0, 0, 0, 0, 0])  # the unknown word, always
    assert set(model.greedy([["ulm"]])[0]) == {"ulm"}
    assert set(model.greedy([["haus"]])[0]) == {"home"}
    assert set(model.beam(["haus"], 2)) == {"home"}


def test_a_translation_ends_in_any_case() -> None:
    model = drawn(scale=0.0)
    model.b.data = np.array([0, -99.0, 9.0, 0, 0])  # never an end
    assert model.greedy([["das"]])[0] == model.beam(["das"], 2) == ["the"] * 7


def test_sentences_without_words_are_empty() -> None:
    model = drawn()
    assert model.translate("") == ""
    assert model.translate(["", "Das Haus.", ""], beam=2)[::2] == ["", ""]
    assert model.translate([]) == []


def test_words_and_their_joining() -> None:
    assert words("Geht's, Ulm?") == ["geht's", ",", "ulm", "?"]
    assert joined(["well", ",", "it's", "ulm", "!"]) == "well, it's ulm!"


def test_refuses_sizes_below_one() -> None:
    with pytest.raises(ad.errors.DomainError, match=r"Seq2Seq: sizes .*'hidden': 0"):
        Seq2Seq(SOURCE, TARGET, LEXICON, hidden=0)


DIGITS = dict(zip("0123456789", words("zero one two three four five six seven eight nine")))


def digit_pairs(count: int, seed: int) -> list[tuple[list[str], list[str]]]:
    """Digits, and their names in the opposite order."""
    rng = np.random.default_rng(seed)
    sources = [list(map(str, rng.integers(0, 10, rng.integers(2, 5)))) for _ in range(count)]
    return [(source, [DIGITS[d] for d in reversed(source)]) for source in sources]


def test_learns_to_reverse_and_is_the_same_when_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pairs, new = digit_pairs(60, seed=0), digit_pairs(30, seed=1)
    lexicon = ibm1(pairs, iterations=10, least=0.01)
    lexicon.pop(NULL)
    arguments = {
        "source_words": [*FIRST, *DIGITS],
        "target_words": [*FIRST, *DIGITS.values()],
        "lexicon": lexicon,
        "size": 12,
        "hidden": 24,
        "dropout": 0.0,
    }
    model = Seq2Seq(**arguments)
    sources, targets = zip(*pairs)
    inputs, (before, y, counts) = model.inputs(sources), model.outputs(targets)
    optimizer = ad.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(100):
        model.zero_grad()
        ad.cross_entropy(model(*inputs, before), y, mask=counts).backward()
        optimizer.step()
    texts = [" ".join(source) for source, _ in new]
    expected = [" ".join(target) for _, target in new]
    found = model.eval().translate(texts)
    assert np.mean([a == b for a, b in zip(found, expected)]) > 0.8

    monkeypatch.setitem(saved.KINDS, "Seq2Seq", Seq2Seq)
    saved.save(tmp_path / "m.npz", model, arguments)
    assert saved.load(tmp_path / "m.npz").translate(texts, beam=2) == model.translate(texts, beam=2)
