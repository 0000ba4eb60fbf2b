"""Entries of the cache: whole, verified, bounded, in a folder that is the user's own."""

from __future__ import annotations

import os
import stat
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from autodiff.compiler.native import build_cache

FILES = {"thing": b"some bytes", "note.txt": "für Leser".encode()}
KEY = build_cache.key("thing")

has_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A cache folder of the test's own, not made yet."""
    path = tmp_path / "ein Ordner für alle" / "cache"
    monkeypatch.setenv("AUTODIFF_CACHE", str(path))
    return path


def keep_many(count: int) -> list[str]:
    """Entries of 10 bytes, the first used longest ago; their keys."""
    keys = [build_cache.key(i) for i in range(count)]
    for i, key in enumerate(keys):
        entry = build_cache.keep(key, "thing", {"thing": b"0123456789"}).parent
        os.utime(entry, (1_000 + i, 1_000 + i))
    return keys


def kept(keys: list[str]) -> list[int]:
    """Which of them are still there."""
    return [i for i, key in enumerate(keys) if build_cache.fetch(key, "thing")]


# Entries


def test_what_is_kept_can_be_fetched(folder):
    assert build_cache.fetch(KEY, "thing") is None
    path = build_cache.keep(KEY, "thing", FILES)
    assert path == build_cache.fetch(KEY, "thing") == folder / KEY / "thing"
    assert {name: (folder / KEY / name).read_bytes() for name in FILES} == FILES
    assert os.listdir(folder) == [KEY]


@pytest.mark.parametrize("content", [b"", b"some byte", b"some bytez", b"some bytes\n", None])
@pytest.mark.parametrize("name", ["thing", "sha256"])
def test_a_damaged_entry_is_none_and_is_replaced(folder, name, content):
    path = build_cache.keep(KEY, "thing", FILES).with_name(name)
    path.write_bytes(content) if content is not None else path.unlink()
    assert build_cache.fetch(KEY, "thing") is None
    assert build_cache.keep(KEY, "thing", FILES).read_bytes() == FILES["thing"]
    assert build_cache.fetch(KEY, "thing")
    assert os.listdir(folder) == [KEY]


def test_a_file_in_place_of_an_entry_is_replaced(folder):
    folder.mkdir(parents=True, mode=0o700)
    (folder / KEY).write_bytes(b"")
    assert build_cache.fetch(KEY, "thing") is None
    assert build_cache.keep(KEY, "thing", FILES) == build_cache.fetch(KEY, "thing")
    assert os.listdir(folder) == [KEY]


def test_who_comes_second_leaves_a_good_entry_alone(folder):
    """Since the first may be about to load it."""
    build_cache.keep(KEY, "thing", FILES)
    build_cache.keep(KEY, "thing", {"thing": b"built a moment later"})
    assert (folder / KEY / "thing").read_bytes() == FILES["thing"]
    assert os.listdir(folder) == [KEY]


def test_an_entry_that_cannot_be_written_leaves_nothing_behind(folder):
    with pytest.raises(OSError):
        build_cache.keep(KEY, "thing", {**FILES, "no/such folder": b""})
    assert os.listdir(folder) == []


def test_a_workplace_is_gone_afterwards(folder):
    with pytest.raises(ZeroDivisionError), build_cache.workplace() as path:
        assert Path(path).parent == folder
        raise ZeroDivisionError
    assert os.listdir(folder) == []


# Keys


def test_a_key_depends_on_every_part_and_on_the_machine(monkeypatch):
    keys = {build_cache.key(*parts) for parts in [("a", "b"), ("ab",), ("b", "a"), ("a", ("b",))]}
    assert len(keys) == 4 and build_cache.key("a", "b") in keys
    monkeypatch.setattr(build_cache, "processor", lambda: "another one")
    assert build_cache.key("a", "b") not in keys


def test_the_processor_is_described_the_same_each_time():
    first = build_cache.processor()
    build_cache.processor.cache_clear()
    assert build_cache.processor() == first != ""


@pytest.mark.skipif(not os.path.exists("/proc/cpuinfo"), reason="only Linux has /proc/cpuinfo")
def test_the_processor_is_described_by_what_lasts():
    assert "hz" not in build_cache.processor().lower().replace("ghz", "")  # the clock of now


# Bounds


def test_entries_used_longest_ago_go_first(monkeypatch):
    keys = keep_many(4)
    build_cache.fetch(keys[0], "thing")
    monkeypatch.setattr(build_cache, "MOST_ENTRIES", 3)
    build_cache.keep(KEY, "thing", FILES)
    assert kept(keys) == [0, 3] and build_cache.fetch(KEY, "thing")


def test_the_bytes_of_all_entries_are_bounded(monkeypatch):
    keys = keep_many(4)
    monkeypatch.setattr(build_cache, "MOST_BYTES", 3 * (10 + 64))
    build_cache.keep(KEY, "thing", {"thing": b"0123456789"})
    assert kept(keys) == [2, 3] and build_cache.fetch(KEY, "thing")


def test_an_entry_beyond_the_bound_is_kept_alone(monkeypatch):
    keys = keep_many(2)
    monkeypatch.setattr(build_cache, "MOST_BYTES", 5)
    build_cache.keep(KEY, "thing", FILES)
    assert kept(keys) == [] and build_cache.fetch(KEY, "thing")


def test_what_a_killed_process_left_goes_after_a_day(folder):
    keep_many(1)
    old, new = folder / ".build-old", folder / ".build-new"
    for path in (old, new):
        path.mkdir()
    os.utime(old, (time.time() - 100_000,) * 2)
    build_cache.keep(KEY, "thing", FILES)
    assert new.exists() and not old.exists()


def test_clear_deletes_entries_and_nothing_else(folder):
    assert build_cache.clear() == 0
    keep_many(3)
    (folder / "thesis.txt").write_text("all of it")
    assert build_cache.clear() == 3
    assert os.listdir(folder) == ["thesis.txt"]


# The folder


@has_modes
def test_the_folder_is_private(folder):
    build_cache.keep(KEY, "thing", FILES)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@has_modes
@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777, 0o1777])
def test_a_folder_others_can_write_into_is_refused(folder, mode):
    path = build_cache.keep(KEY, "thing", FILES)
    folder.chmod(mode)
    assert build_cache.fetch(KEY, "thing") is None
    with pytest.raises(PermissionError, match="can be written by other users"):
        build_cache.keep(KEY, "thing", FILES)
    folder.chmod(0o755)
    assert build_cache.fetch(KEY, "thing") == path


@has_modes
def test_all_is_private_whatever_the_mask(folder):
    mask = os.umask(0)
    try:
        path = build_cache.keep(KEY, "thing", FILES)
    finally:
        os.umask(mask)
    made = [folder.parent, folder, path.parent, *path.parent.iterdir()]
    assert [stat.S_IMODE(p.stat().st_mode) for p in made] == [0o700] * 3 + [0o600] * 3


@has_modes
@pytest.mark.parametrize("name", [".", "thing", "sha256"])
def test_an_entry_others_can_write_into_is_none_and_is_replaced(folder, name):
    path = build_cache.keep(KEY, "thing", FILES)
    (path.parent / name).chmod(0o722)
    assert build_cache.fetch(KEY, "thing") is None
    assert build_cache.keep(KEY, "thing", FILES) == build_cache.fetch(KEY, "thing") == path


@has_modes
def test_a_link_of_another_user_is_refused(folder, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir(mode=0o700)
    folder.parent.mkdir()
    folder.symlink_to(tmp_path / "mine")
    assert build_cache.keep(KEY, "thing", FILES) == build_cache.fetch(KEY, "thing")
    monkeypatch.setattr(Path, "lstat", lambda self: SimpleNamespace(st_uid=12_345))
    assert build_cache.fetch(KEY, "thing") is None
    with pytest.raises(PermissionError, match="belongs to another user"):
        build_cache.keep(KEY, "thing", FILES)


@has_modes
def test_a_folder_of_another_user_is_refused(monkeypatch):
    build_cache.keep(KEY, "thing", FILES)
    monkeypatch.setattr(os, "getuid", lambda: 12_345)
    assert build_cache.fetch(KEY, "thing") is None
    with pytest.raises(PermissionError, match="belongs to another user"):
        build_cache.workplace()


@pytest.mark.parametrize(
    ("platform", "variables", "expected"),
    [
        ("linux", {"XDG_CACHE_HOME": os.path.abspath("/caches")}, "/caches/autodiff/native"),
        ("linux", {"XDG_CACHE_HOME": "not/absolute"}, "/home/ann/.cache/autodiff/native"),
        ("linux", {}, "/home/ann/.cache/autodiff/native"),
        ("darwin", {"XDG_CACHE_HOME": "/x"}, "/home/ann/Library/Caches/autodiff/native"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/autodiff/native"),
        ("win32", {}, "/home/ann/AppData/Local/autodiff/native"),
        ("linux", {"AUTODIFF_CACHE": os.path.abspath("/mine")}, "/mine"),
    ],
)
def test_where_the_folder_is(monkeypatch, platform, variables, expected):
    for name in ("AUTODIFF_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "home", lambda: Path("/home/ann"))
    found = build_cache.cache_folder()
    monkeypatch.undo()
    assert found == Path(os.path.abspath(expected))


def test_who_has_no_home_has_a_folder_too(monkeypatch, tmp_path):
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("AUTODIFF_CACHE", "XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", home)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert build_cache.keep(KEY, "thing", FILES).is_relative_to(tmp_path)
