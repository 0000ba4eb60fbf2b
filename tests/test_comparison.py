"""docs/comparison.md says what the probes found, and our own column is found again."""

import json
import re
from typing import Any

import pytest

from benchmarks.comparison import LIBRARIES
from benchmarks.comparison.features import FEATURES
from benchmarks.comparison.figures import lines, rules
from benchmarks.comparison.finding import Finding, absent, judge, partly, refused
from benchmarks.comparison.library import Library
from benchmarks.comparison.page import PAGE, RESULTS, TIMES, cells, filled
from benchmarks.comparison.peer_autodiff import Probes
from tests.compiler.near import needs_compiler

NAMES = [name for table in FEATURES.values() for name in table]
FOUND = json.loads(RESULTS.read_text())
TEXT = PAGE.read_text()


def test_page_says_what_was_found() -> None:
    assert filled(TEXT, FOUND) == TEXT, "python -m benchmarks.comparison.page writes it anew"


def test_every_table_is_on_the_page() -> None:
    assert set(FEATURES) <= set(re.findall("<!-- probes: (.*?) -->", TEXT))


def test_figures_stand_in_the_results_of_the_benchmarks() -> None:
    section = TEXT.partition("## What they do better")[2]
    figures = re.findall(r"\*\*([\d.]+(?: m?s| MB)?)\*\*", section)
    known = set(re.findall(r"[\d.]+(?: m?s| MB)?", TIMES.read_text()))
    assert len(figures) > 10
    assert not set(figures) - known


@pytest.mark.parametrize("library", LIBRARIES)
def test_every_feature_was_tried(library: str) -> None:
    assert list(FOUND[library]["findings"]) == NAMES
    assert {answer for answer, _ in FOUND[library]["findings"].values()} <= set(ANSWERS)


ANSWERS = ("yes", "no", "partly", "-")


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=needs_compiler if n == "readable_code" else ()) for n in NAMES]
)
def test_own_column_is_found_again(name: str) -> None:
    assert list(judge(getattr(Probes(), name))) == FOUND["autodiff"]["findings"][name]


def test_own_size_is_found_again() -> None:
    figures = FOUND["autodiff"]["figures"]
    stated = int(figures["lines of Python"].replace(",", ""))
    assert stated == pytest.approx(lines("autodiff"), 0.03)
    assert figures["derivative rules"] == str(rules("autodiff"))


def test_error_is_a_no_with_its_message() -> None:
    def wrong() -> None:
        raise ValueError("two\nlines")

    def other() -> None:
        raise AssertionError("gives 1 in place of 2")

    assert judge(wrong) == Finding("no", "ValueError: two")
    assert judge(other) == Finding("no", "gives 1 in place of 2")
    assert judge(lambda: None) == Finding("yes")
    assert judge(lambda: partly("half")) == Finding("partly", "half")
    assert judge(Library().paths) == absent()


def test_refusal_is_an_error_in_place_of_a_number() -> None:
    assert refused(lambda: 1 / 0) == Finding("yes", "refused: ZeroDivisionError: division by zero")
    assert refused(lambda: 1) is None


def test_table_has_a_row_for_each_feature() -> None:
    findings: dict[str, Any] = {name: ["yes", ""] for name in NAMES}
    table = cells("Graphs", {"torch": {"findings": findings, "figures": {}}})
    assert len(table.splitlines()) == 2 + len(FEATURES["Graphs"])
    assert table.splitlines()[0].split() == ["|", "feature", "|", "PyTorch", "|"]
