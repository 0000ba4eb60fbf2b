"""Each benchmark runs, in a tiny size and without peers; how long it takes is not judged."""

import importlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from autodiff.testing import gradient_test
from benchmarks import CASES, testing
from benchmarks.bounded import write_text
from benchmarks.checkers import CHECKERS
from benchmarks.corpus_size import MODELS, among, learnt, part
from benchmarks.harness import Row, Table, fresh, installed, row, table
from benchmarks.report import markdown, page, sections

OWN = ["autodiff", "numpy"]


@pytest.mark.parametrize("case", CASES)
def test_case_runs(case: str) -> None:
    found = table(f"benchmarks.{case}", "tiny", OWN)
    assert found.rows
    assert all(set(row.values) <= set(OWN) for row in found.rows)
    assert all(value >= 0 for row in found.rows for value in row.values.values())
    assert any(row.goal for row in found.rows)


def test_cases_are_the_modules_of_the_package() -> None:
    package = importlib.import_module("benchmarks").__path__[0]
    modules = {path.stem for path in Path(package).glob("*.py")}
    others = {"__init__", "__main__", "bounded", "checkers", "corpus_size", "crfsuite", "harness",
              "peers", "report", "step_hand", "step_models", "step_peers"}  # fmt: skip
    assert modules - others == set(CASES)


def test_a_large_text_is_read_within_limited_memory(tmp_path: Path) -> None:
    write_text(tmp_path / "text.txt", 200_000)
    limit = 2 * 10**9
    stages = fresh("benchmarks.bounded", "measured", str(tmp_path / "text.txt"), limit)
    assert [stage["name"] for stage in stages] == ["count", "encode", "read chunks", "learn"]
    assert all(0 < stage["peak"] <= stage["space"] <= limit for stage in stages)


def test_a_larger_part_of_a_text_holds_the_smaller_one() -> None:
    text = [[str(i)] for i in range(1000)]
    small, large = part(text, 0.1), part(text, 0.3)
    assert 50 < len(small) < 150 < len(large) < 450
    assert [s for s in large if s in small] == small
    assert part(text, 1.0) == text


@pytest.mark.parametrize("name", MODELS)
def test_a_part_is_learnt_from(name: str) -> None:
    run = learnt(name, [list("abcdefghij")] * 20, epochs=1, seed=0)
    assert run.size == (90 if name == "GloVe" else 200)
    assert among(run.vectors, ["c", "a"]).words == ("c", "a")


def test_absent_peer_is_left_out_with_a_reason() -> None:
    there, missing = installed(["autodiff", "no_such_peer"], ["autodiff", "no_such_peer"])
    assert there == ["autodiff"]
    assert "not installed" in missing["no_such_peer"]


def test_peer_may_be_a_mode_of_a_package() -> None:
    there, _ = installed(["torch_fast"], ["torch_fast"])
    assert bool(there) == bool(find_spec("torch"))


def test_ratio_is_the_median_over_repeats() -> None:
    found = row("x", {"autodiff": [1.0, 2.0, 9.0], "torch": [2.0, 2.0, 3.0]}, "torch", 0.5)
    assert found.ratios == {"autodiff": 1.0, "torch": 1.0}
    assert found.values == {"autodiff": 2.0, "torch": 2.0}


def test_table_says_whether_the_goal_is_met() -> None:
    found = table("benchmarks.startup", "tiny", OWN)
    found.rows[0].values["autodiff"] = 0.1
    assert "| 100 ms   | <= 150 ms | yes |" in markdown("startup", found)
    found.rows[0].values["autodiff"] = 0.2
    assert "**no**" in markdown("startup", found)


def test_row_may_have_a_unit_of_its_own_and_a_goal_to_reach() -> None:
    caught = Row("caught", {"autodiff": 96.0}, goal=97, least=True)
    text = markdown("x", Table("x", "%", None, [caught, Row("time", {"autodiff": 1e-3}, unit="s")]))
    assert "| 96 %     | >= 97 % | **no** |" in text
    assert "| 1 ms     |" in text


def test_refused_example_does_not_end_the_test() -> None:
    wrong = gradient_test(np.square, vjp=lambda g, x: g * x)
    found = testing.examples_of(testing.drawing(wrong, 30))
    assert len(found) == 30
    assert sum(example.refusal is not None for example in found) > 20
    with pytest.raises(AssertionError):
        wrong()


@pytest.mark.parametrize("name", ["standardize", "where", "einsum", "qr", "getitem"])
def test_checker_takes_what_a_test_drew(name: str) -> None:
    mutants = map(testing.as_mutant, testing.examples_of(testing.drawing(testing.tested(name), 5)))
    assert all(testing.accepts(CHECKERS["autodiff"], mutant) for mutant in mutants)


def test_new_process_has_one_thread() -> None:
    assert fresh("os", "getenv", "OMP_NUM_THREADS") == "1"


def test_a_case_measured_anew_leaves_the_other_sections() -> None:
    found = Table("x", "s", None, [Row("time", {"autodiff": 1e-3})])
    old = {case: markdown(case, found, [case]) for case in ("ops", "memory")}
    assert sections(page(old)) == old
    assert "- command: `python -m benchmarks ops`" in old["ops"]
