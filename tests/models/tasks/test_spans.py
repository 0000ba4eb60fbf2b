"""Names as spans, against cases by hand and against another way of reading tags."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tasks.spans import Score, Span, is_mention, score, spans

TAGS = st.lists(st.sampled_from(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]), max_size=8)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ("", []),
        ("O O", []),
        ("B-PER", [(0, 1, "PER")]),
        ("B-PER I-PER O", [(0, 2, "PER")]),
        ("B-PER B-PER", [(0, 1, "PER"), (1, 2, "PER")]),
        ("B-PER I-LOC I-LOC", [(0, 1, "PER"), (1, 3, "LOC")]),
        ("I-PER I-PER", [(0, 2, "PER")]),
        ("O I-PER B-PER", [(1, 2, "PER"), (2, 3, "PER")]),
        ("B-PER O I-PER", [(0, 1, "PER"), (2, 3, "PER")]),
        ("I-LOC I-PER I-LOC", [(0, 1, "LOC"), (1, 2, "PER"), (2, 3, "LOC")]),
        ("B-geo-loc I-geo-loc I-geo", [(0, 2, "geo-loc"), (2, 3, "geo")]),
        ("O B-PER I-PER I-PER", [(1, 4, "PER")]),
        ("B-PER I-PER E-PER I-PER", [(0, 3, "PER"), (3, 4, "PER")]),
        ("S-PER S-PER O", [(0, 1, "PER"), (1, 2, "PER")]),
        ("U-LOC B-LOC L-LOC", [(0, 1, "LOC"), (1, 3, "LOC")]),
        ("O E-PER", [(1, 2, "PER")]),
    ],
)
def test_spans_by_hand(tags: str, expected: list[tuple[int, int, str]]) -> None:
    assert spans(tags.split()) == [Span(*span) for span in expected]


def by_borders(tags: list[str]) -> set[Span]:
    """Spans by counting, at each word, how many names have begun."""
    before = ["O", *tags]
    begins = [t != "O" and (t[0] == "B" or b[1:] != t[1:]) for b, t in zip(before, tags)]
    number = [sum(begins[: i + 1]) if tag != "O" else 0 for i, tag in enumerate(tags)]
    runs = [list(run) for _, run in groupby(range(len(tags)), number.__getitem__)]
    return {Span(run[0], run[-1] + 1, tags[run[0]][2:]) for run in runs if number[run[0]]}


@given(TAGS)
def test_spans_are_those_between_borders(tags: list[str]) -> None:
    found = spans(tags)
    assert set(found) == by_borders(tags)
    assert found == sorted(set(found))
    assert sum(span.stop - span.start for span in found) == len(tags) - tags.count("O")


@given(st.lists(st.tuples(TAGS, TAGS), max_size=4))
def test_scores_count_what_is_equal(pairs: list[tuple[list[str], list[str]]]) -> None:
    ours = {(i, *span) for i, (tags, _) in enumerate(pairs) for span in by_borders(tags)}
    theirs = {(i, *span) for i, (_, tags) in enumerate(pairs) for span in by_borders(tags)}
    found = score([spans(tags) for tags, _ in pairs], [spans(tags) for _, tags in pairs])
    right = len(ours & theirs)
    assert found.precision == (right / len(ours) if ours else 0)
    assert found.recall == (right / len(theirs) if theirs else 0)
    total = len(ours) + len(theirs)
    assert found.f1 == pytest.approx(2 * right / total if total else 0)


def test_scores_by_hand() -> None:
    true = [spans(["B-PER", "I-PER", "O", "B-LOC"]), spans(["B-LOC"]), []]
    predicted = [spans(["B-PER", "I-PER", "O", "B-PER"]), [], spans(["B-PER"])]
    assert score(predicted, true) == Score(precision=1 / 3, recall=1 / 3)
    assert score(true, true) == Score(1.0, 1.0)
    assert score(true, true).f1 == 1
    short = [spans(["B-PER", "O", "O", "B-LOC"]), true[1], []]  # a part of a name is not a name
    assert score(short, true) == Score(2 / 3, 2 / 3)


def test_where_there_is_nothing_scores_are_0() -> None:
    assert score([], []) == score([[]], [[]]) == Score(0.0, 0.0)
    assert Score(0.0, 0.0).f1 == 0
    assert Score(0.5, 1.0).f1 == pytest.approx(2 / 3)


def test_equal_spans_of_different_sentences_are_not_the_same() -> None:
    one = [Span(0, 1, "PER")]
    assert score([one, []], [[], one]) == Score(0.0, 0.0)
    with pytest.raises(ValueError, match="argument 2 is longer"):
        score([one], [one, one])


def test_mentions_begin_at_an_at_or_right_after_one() -> None:
    words = ["hi", "@", "ann", "and", "bob", "@"]
    found = [is_mention(words, Span(start, start + 1, "PER")) for start in range(len(words))]
    assert found == [False, True, True, False, False, True]
    assert is_mention(words, Span(1, 3, "PER"))
    assert not is_mention(words, Span(0, 3, "PER"))  # begins before it
    assert not is_mention(["@ann"], Span(0, 1, "PER"))
