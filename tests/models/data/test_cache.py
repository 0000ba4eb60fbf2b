"""Where corpora are kept, and which of them are there."""

from pathlib import Path

import pytest

from models.data import CATALOGUE, DataError
from models.data.cache import cache_folder, dataset, missing, path_of
from tests.models.data.conftest import Place


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"AUTODIFF_DATA": "/named", "XDG_CACHE_HOME": "/cache"}, "/named"),
        ({"AUTODIFF_DATA": "", "XDG_CACHE_HOME": "/cache"}, "/cache/autodiff"),
        ({"XDG_CACHE_HOME": "", "HOME": "/home/me"}, "/home/me/.cache/autodiff"),
    ],
)
def test_folder(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str) -> None:
    monkeypatch.delenv("AUTODIFF_DATA", raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_missing_are_absent_or_damaged(place: Place) -> None:
    train, validation, test = place("wnut17", b"a", b"b", b"c")
    assert missing("wnut17") == []
    validation.unlink()
    test.write_bytes(b"d")
    assert [path_of(file) for file in missing("wnut17")] == [validation, test]
    assert train.exists()


def test_unknown_corpus() -> None:
    with pytest.raises(DataError, match=r"'wnut' .did you mean wnut17.*; there is brown, btc"):
        dataset("wnut")


def test_catalogue_is_sound() -> None:
    files = [file for entry in CATALOGUE.values() for file in entry.files]
    assert len({file.path for file in files}) == len({file.sha256 for file in files}) == len(files)
    for name, entry in CATALOGUE.items():
        assert entry.source
        assert entry.licence
        for file in entry.files:
            assert Path(file.path).parent == Path(name)
            assert len(bytes.fromhex(file.sha256)) == 32
