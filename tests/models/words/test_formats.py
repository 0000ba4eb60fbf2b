"""Files of word vectors: back as they were, by gensim too; and what is wrong with the others."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

import autodiff as ad
from models.words import Vectors, load, save

ODD = ["the", "naïve", "日本語", "a\u00a0b", "x\u2028y", "\u3000", "😀", "3", "0.5", "e\u0301",
       "\ufeffz", "tab\there"]  # fmt: skip
ARRAY = np.random.default_rng(0).normal(size=(len(ODD), 5)).astype(np.float32)
ARRAY[0] = [0, -0.0, 1e-45, 3.4028235e38, 0.1]
V = Vectors(ODD, ARRAY, range(len(ODD), 0, -1))
SUFFIXES = [".txt", ".vec", ".bin", ".safetensors", ".txt.gz", ".bin.gz", ".VEC"]


def format_of(suffix: str) -> str:
    return suffix.lower().replace("vec", "txt")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_is_saved_comes_back_bit_for_bit(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"v{suffix}", V)
    found = load(tmp_path / f"v{suffix}")
    assert found.words == V.words
    assert found.vectors.tobytes() == ARRAY.tobytes()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_vectors_make_the_same_file(tmp_path: Path, suffix: str) -> None:
    save(tmp_path / f"a{suffix}", V)
    save(tmp_path / f"b{suffix}", V)
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


def test_text_keeps_every_float32(tmp_path: Path) -> None:
    bits = np.random.default_rng(1).integers(0, 0x7F800000, 10_000, np.uint32)
    array = bits.view(np.float32).reshape(-1, 10)
    save(tmp_path / "v.txt", Vectors(map(str, range(len(array))), array))
    assert load(tmp_path / "v.txt").vectors.tobytes() == array.tobytes()


@pytest.mark.parametrize(("suffix", "binary"), [(".txt", False), (".bin", True), (".bin.gz", True)])
def test_gensim_reads_ours_and_we_read_gensims(tmp_path: Path, suffix: str, binary: bool) -> None:
    keyed = pytest.importorskip("gensim.models").KeyedVectors
    ours, theirs = tmp_path / f"ours{suffix}", tmp_path / f"theirs{suffix}"
    save(ours, V)
    read = keyed.load_word2vec_format(str(ours), binary=binary)
    assert (tuple(read.index_to_key), read.vectors.tobytes()) == (V.words, ARRAY.tobytes())
    read.save_word2vec_format(str(theirs), binary=binary)
    found = load(theirs)
    assert (found.words, found.vectors.tobytes()) == (V.words, ARRAY.tobytes())


def test_binary_rows_may_end_in_a_new_line_as_word2vecs_own_do(tmp_path: Path) -> None:
    rows = [b"%s %s\n" % (w.encode(), row.tobytes()) for w, row in zip(ODD, ARRAY)]
    (tmp_path / "v.bin").write_bytes(b"12 5\n" + b"".join(rows))
    found = load(tmp_path / "v.bin")
    assert (found.words, found.vectors.tobytes()) == (V.words, ARRAY.tobytes())


def test_gloves_text_has_no_header_and_words_with_spaces(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(b"the 0.5 1\n. . . 1 -2e-3\r\n5 6 7 \n\n")
    found = load(tmp_path / "v.txt")
    assert found.words == ("the", ". . .", "5")
    np.testing.assert_array_equal(found.vectors, np.float32([[0.5, 1], [1, -2e-3], [6, 7]]))


@pytest.mark.parametrize("head", [b"", b"1 2\n"])
def test_a_byte_order_mark_is_of_no_word(tmp_path: Path, head: bytes) -> None:
    (tmp_path / "v.txt").write_bytes(b"\xef\xbb\xbf" + head + b"the 0.5 1\n")
    assert load(tmp_path / "v.txt").words == ("the",)


def test_safetensors_holds_any_words_and_is_read_by_its_own_package(tmp_path: Path) -> None:
    v = Vectors(["a b", "new\nline", "", "\ud800"], np.eye(4, 3), [4, 3, 2, 1])
    save(tmp_path / "v.safetensors", v)
    state = safetensors.numpy.load_file(tmp_path / "v.safetensors")
    assert tuple(json.loads(state["words"].tobytes())) == v.words
    np.testing.assert_array_equal(state["vectors"], v.vectors)
    for mmap in (False, True):
        found = load(tmp_path / "v.safetensors", mmap)
        assert found.words == v.words
        np.testing.assert_array_equal(found.counts, v.counts)


def test_vectors_can_stay_in_the_file(tmp_path: Path) -> None:
    save(tmp_path / "v.safetensors", V)
    found = load(tmp_path / "v.safetensors", mmap=True)
    assert isinstance(found.vectors.base, np.memmap)
    assert found.most_similar("the") == V.most_similar("the")
    safetensors.numpy.save_file({"vectors": ARRAY, "words": np.frombuffer(
        json.dumps(ODD).encode(), np.uint8), "other": np.ones(3, np.int64)},
        tmp_path / "package.safetensors")  # fmt: skip
    np.testing.assert_array_equal(load(tmp_path / "package.safetensors", True).vectors, ARRAY)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_beginning_of_a_file_passes_for_the_whole(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"v{suffix}"
    save(path, V)
    content = path.read_bytes()
    for length in range(0, len(content), 1 if len(content) < 1_000 else 7):
        path.write_bytes(content[:length])
        for mmap in {False, suffix == ".safetensors"}:
            with pytest.raises(ad.errors.FormatError, match=path.name):
                load(path, mmap)


@pytest.mark.parametrize(
    ("right", "wrong"),
    [(a, b) for a in SUFFIXES for b in SUFFIXES if format_of(a) != format_of(b)],
)
def test_a_file_of_another_format_is_said_to_be_so(tmp_path: Path, right: str, wrong: str) -> None:
    save(tmp_path / f"v{right}", V)
    (tmp_path / f"v{right}").rename(tmp_path / f"other{wrong}")
    with pytest.raises(ad.errors.FormatError, match=f"other{wrong}"):
        load(tmp_path / f"other{wrong}")


BAD: list[tuple[str, bytes, str]] = [
    (".txt", b"", "line 1: expected a word and its numbers.*empty"),
    (".txt", b"\n\n", "empty"),
    (".bin", b"", "line 1: expected the number of words"),
    (".txt", b"hello\n", "line 1: expected a word and its numbers, found 0"),
    (".txt", b"5 hundred\na 1\n", "line 1: expected a word and 1 numbers, found '5 hundred'"),
    (".txt", b"3 2\na 1 2\nb 1 2\n", "states 3 words, and 2 are there"),
    (".txt", b"1 2\na 1 2\nb 1 2\n", "line 3: one more than the 1 words"),
    (".txt", b"0 2\n", "truncated|no words"),
    (".txt", b"2 2\na 1 2\nb 1\n", "line 3: expected a word and 2 numbers, found 1"),
    (".txt", b"2 2\na 1 2\nb 1 2 3\n", "line 3: expected a word and 2 numbers, found 3"),
    (".txt", b"a 1 2\nb 1 2 3\n", "line 2: expected a word and 2 numbers, found 3"),
    (".txt", b"2 2\na 1 2\na 3 4\n", "line 3: the word 'a' is there twice"),
    (".txt", b"2 2\na 1 2\nb nan 4\n", "line 3: the numbers of 'b' are not all finite"),
    (".txt", b"1 2\na 1 1e39\n", "line 2: the numbers of 'a' are not all finite"),
    (".txt", b"1 2\na 1 x\n", "line 2: expected a word and 2 numbers, found 'a 1 x'"),
    (".txt", b"1 2\na_b 1_0 2\n", "line 2: expected a word and 2 numbers, found 'a_b 1_0 2'"),
    (".txt", b"1 2\na 1 2", "line 2: truncated: if it is whole, end it with a new line"),
    (".txt", b"1 2\n\xff 1 2\n", "line 2: .*this is no text"),
    (".txt.gz", b"1 2\na 1 2\n", "no gzip file"),
    (".bin", b"1 2\na 1.5 22.5\n", "text format, which is named .txt"),
    (".bin", b"9 x\n", "line 1: expected the number of words and their dimension"),
    (".bin", b"999999999999999 100\na ", "cannot hold 999,999,999,999,999 words"),
    (".bin", b"2 1\na \0\0\0\0a \0\0\0\0", "byte 12: the word 'a' is there twice"),
    (".bin", b"1 1\na \0\0\xc0\x7f", "byte 6: the numbers of 'a' are not all finite"),
    (".bin", b"1 1\na \0\0\0\0b \0\0\0\0", "byte 10: more than the 1 words"),
    (".bin", b"2 1\na \0\0\0\0\xff \0\0\0\0", "byte 10: expected a word in UTF-8"),
    (".bin", b"1 1\nabcdefgh", "expected a word and a space"),
    (".safetensors", b"x" * 40, "no readable .safetensors"),
    (".npy", b"", "ends in .txt, .vec or .bin"),
    (".safetensors.gz", b"", "ends in .txt, .vec or .bin"),
]


@pytest.mark.parametrize(("suffix", "content", "message"), BAD)
def test_a_bad_file_is_an_error_that_says_where(
    tmp_path: Path, suffix: str, content: bytes, message: str
) -> None:
    (tmp_path / f"v{suffix}").write_bytes(content)
    with pytest.raises(ad.errors.FormatError, match=rf"v{suffix}.*(?:{message})"):
        load(tmp_path / f"v{suffix}")


def words_of(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


@pytest.mark.parametrize("mmap", [False, True])
@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"weight": ARRAY}, "found weight: no file of word vectors"),
        ({"vectors": ARRAY[:2], "words": words_of('["a"]')}, "1 words need an array"),
        ({"vectors": ARRAY[:2], "words": words_of('["a", "a"]')}, "'a' is not"),
        ({"vectors": ARRAY[:2], "words": words_of("{}")}, "dict in place of a list"),
        ({"vectors": ARRAY[:2], "words": words_of("[")}, "damaged"),
    ],
)
def test_a_safetensors_of_something_else_is_refused(
    tmp_path: Path, mmap: bool, state: Any, message: str
) -> None:
    ad.io.save(tmp_path / "v.safetensors", state)
    with pytest.raises(ad.errors.FormatError, match=message):
        load(tmp_path / "v.safetensors", mmap)


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
@pytest.mark.parametrize("word", ["", "a b", "a\nb", "\ud800"])
def test_words_that_a_format_cannot_hold_leave_the_old_file(
    tmp_path: Path, suffix: str, word: str
) -> None:
    path = tmp_path / f"v{suffix}"
    save(path, V)
    before = path.read_bytes()
    with pytest.raises(ad.errors.FormatError, match="cannot hold the word"):
        save(path, Vectors(["fine", word], np.eye(2)))
    assert path.read_bytes() == before


def test_what_is_not_finite_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(ad.errors.FormatError, match="'b' is not finite"):
        save(tmp_path / "v.txt", Vectors("ab", [[1], [np.nan]]))
    assert not list(tmp_path.iterdir())


def test_only_safetensors_is_memory_mapped(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_bytes(gzip.compress(b""))
    with pytest.raises(ad.errors.FormatError, match=r"only \.safetensors is memory-mapped"):
        load(tmp_path / "v.txt", mmap=True)
