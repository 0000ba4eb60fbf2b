"""Tagged sentences: the formats, and the ready-made corpora."""

from itertools import chain
from pathlib import Path

import pytest

from models.data import DataError, Tagged, load_tagging
from models.data.cache import missing
from models.data.tagging import brown_documents
from tests.models.data.conftest import Place, tarred

CONLLU = """\
# text = I don't
1\tI\tI\tPRON\tPRP\t_\t0\t_\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\tVBP\t_\t0\t_\t_\t_
3\tn't\tnot\tPART\tRB\t_\t0\t_\t_\t_
3.1\tgo\tgo\tVERB\tVB\t_\t_\t_\t_\t_

"""


def first(path: Path, text: str, copies: int = 10) -> Tagged:
    path.write_text(text * copies, encoding="utf-8")
    return load_tagging(path).train[0]


@pytest.mark.parametrize(
    "text", ["New\tB-LOC\nYork\tI-LOC\n\n", "New NNP B-LOC\r\nYork NNP I-LOC\r\n\t\r\n"]
)
def test_columns(tmp_path: Path, text: str) -> None:
    sentence = first(tmp_path / "names.conll", text)
    assert sentence == Tagged(("New", "York"), ("B-LOC", "I-LOC"))


def test_comments_are_for_conllu_alone(tmp_path: Path) -> None:
    assert first(tmp_path / "tweets.conll", "#\tO\n# O\n\n").words == ("#", "#")


def test_conllu_without_ranges_and_omitted_words(tmp_path: Path) -> None:
    sentence = first(tmp_path / "a.conllu", CONLLU)
    assert sentence == Tagged(("I", "do", "n't"), ("PRON", "AUX", "PART"))


def test_lines_without_a_word_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "tweets.conll"
    path.write_text("yes\tO\n\tO\n \tO\n\n\tO\n\n" * 10)
    corpus = load_tagging(path)
    assert corpus.skipped == 30
    assert [len(part) for part in (corpus.train, corpus.validation, corpus.test)] == [8, 1, 1]
    assert corpus.train[0] == Tagged(("yes",), ("O",))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.conll", "yes O\nno\n", r"a\.conll:2: expected a word and its tag, found 'no'"),
        ("a.conll", "yes\t\n", r"a\.conll:1: expected a word and its tag, found 'yes\\t'"),
        ("a.conllu", "# c\n1\tI\tPRON\n", r"a\.conllu:2: expected 10 columns .* found 3 in"),
        ("a.conllu", "1\tI" + "\t_" * 8, r"a\.conllu:1: expected a tag in the column UPOS"),
    ],
)
def test_malformed(tmp_path: Path, name: str, text: str, message: str) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        load_tagging(path)


def test_brown_is_split_by_documents(place: Place) -> None:
    lines = "\n\n\tWord{0}/np is/bez ./.\n1/2/cd %/nn\n\n"
    names = [f"package/c{chr(97 + i // 10)}{i % 10:02}" for i in range(40)]
    documents = {name: lines.format(i).encode() for i, name in enumerate(names)}
    # Their order in the archive does not matter, and other files are no documents.
    place("brown", tarred({"package/README": b"x"} | dict(reversed(documents.items()))))
    corpus = load_tagging("brown")
    indices = [
        [int(sentence.words[0][4:]) for sentence in part if sentence.words[1] == "is"]
        for part in (corpus.train, corpus.validation, corpus.test)
    ]
    assert indices[2] == [0, 10, 20, 30]
    assert indices[1] == [5, 25]
    assert sorted(chain(*indices)) == list(range(40))
    assert corpus.train[1] == Tagged(("1/2", "%"), ("CD", "NN"))


@pytest.mark.parametrize(
    ("raw", "tag"),
    [
        ("nn-tl-hl", "NN"),
        ("ppss+bez", "PPSS"),
        ("np$", "NP"),
        ("bez*", "BEZ"),
        ("fw-in", "FW"),
        ("--", "--"),
        ("*", "*"),
        ("--hl", "--HL"),
        ("'", "'"),
    ],
)
def test_tags_of_brown(place: Place, raw: str, tag: str) -> None:
    place("brown", tarred({"package/ca01": f"word/{raw}\n".encode()}))
    ((sentence,),) = brown_documents()
    assert sentence.tags == (tag,)


def test_btc_divides_f(place: Place) -> None:
    def part(name: str, posts: int) -> bytes:
        return "".join(f"{name}{i}\tO\n\n" for i in range(posts)).encode()

    place("btc", *(part(name, 5) for name in "abefgh"))
    corpus = load_tagging("btc")
    texts = [
        "".join(sorted({post.words[0][0] for post in part}))
        for part in (corpus.train, corpus.validation, corpus.test)
    ]
    assert texts == ["abfg", "e", "fh"]
    f = [post.words[0] for post in [*corpus.train, *corpus.test] if post.words[0][0] == "f"]
    assert f == ["f0", "f1", "f2", "f3", "f4"]
    assert ("f1",) in {post.words for post in corpus.train}
    assert ("f2",) in {post.words for post in corpus.test}


def test_unknown_tag_in_a_ready_made_corpus(place: Place) -> None:
    place("wnut17", b"a\tO\n", b"b\tO\n", b"c\tO\n\nd\tB-person\n")
    with pytest.raises(DataError, match=r"example 2 of test: expected labels .* found 'B-person'"):
        load_tagging("wnut17")


COUNTS = {
    "brown": ([48845, 2933, 5562], [987122, 58690, 115380], 85, 0),
    "btc": ([6138, 200, 3000], [98384, 3981, 48016], 7, 6),
    "wnut17": ([3394, 1009, 1287], [62730, 15733, 23394], 13, 0),
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts(name: str) -> None:
    if missing(name):
        pytest.skip(f"{name} is not here: autodiff data fetch {name}")
    corpus = load_tagging(name)
    parts = [corpus.train, corpus.validation, corpus.test]
    sentences, words, tags, skipped = COUNTS[name]
    assert [len(part) for part in parts] == sentences
    assert [sum(len(sentence.words) for sentence in part) for part in parts] == words
    assert all(len(sentence.words) == len(sentence.tags) for part in parts for sentence in part)
    assert len({tag for sentence in corpus.train for tag in sentence.tags}) == tags
    assert corpus.skipped == skipped
