"""Reading lines: what ends one, and what is said about a file that cannot be read."""

from pathlib import Path

import pytest

from models.data import DataError
from models.data.lines import quoted, read_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a\nb", ["a", "b"]),
        (b"a\r\nb\r\n", ["a", "b", ""]),
        (b"\xef\xbb\xbfa\n", ["a", ""]),
        ("a\u2028b\x85c\n".encode(), ["a\u2028b\x85c", ""]),
    ],
)
def test_lines(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    assert read_lines(path) == lines


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"text\.txt: expected lines of text, found an empty file"),
        (b" \n\n", r"text\.txt: expected lines of text, found an empty file"),
        (b"a\nb\nGr\xf6\xdfe\n", r"text\.txt:3: expected text in UTF-8, found the byte 0xf6; save"),
        (b"\xef\xbb\xbfa\nGr\xf6\xdfe\n", r"text\.txt:2: expected text in UTF-8"),
        ("a\nb".encode("utf-16-le"), r"text\.txt:1: expected text in UTF-8, found a zero byte"),
        ("ä".encode("utf-16"), r"text\.txt:1: expected text in UTF-8, found the byte 0xff"),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_lines(path)


def test_missing_file_names_a_near_one(tmp_path: Path) -> None:
    (tmp_path / "reviews.tsv").touch()
    with pytest.raises(DataError, match=r"review\.tsv: no such file .did you mean reviews\.tsv\?"):
        read_lines(tmp_path / "review.tsv")
    with pytest.raises(DataError, match=r"no such file$"):
        read_lines(tmp_path / "none" / "review.tsv")


def test_long_lines_are_cut() -> None:
    assert quoted("a\tb") == r"'a\tb'"
    assert len(quoted("x" * 1000)) == 62
