"""What a compiler builds is kept, and built once."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autodiff.compiler.native import build_cache, toolchain
from tests.compiler.standins import SOURCE, kernels, needs_a_shell, works

pytestmark = [*needs_a_shell, pytest.mark.usefixtures("folder", "nothing_left")]


# The cache


def test_a_kernel_is_built_once(folder, standin):
    assert works(toolchain.build(SOURCE))
    toolchain._remembered.cache_clear()  # as in a new process
    builds = standin.builds
    assert works(toolchain.build(SOURCE))
    assert standin.log.read_text().count("\n") == builds + 1, "it was started once more"
    (kernel,) = kernels(folder)
    assert kernel.with_name("kernel.c").read_text() == SOURCE


def test_without_the_cache_it_is_built_each_time(folder, standin):
    toolchain.find()
    for count in (2, 3):
        assert works(toolchain.build(SOURCE, cache=False))
        assert standin.builds == count and kernels(folder) == []


@pytest.mark.parametrize("end", [b"", b"x"])
def test_a_damaged_kernel_is_built_again(folder, standin, end):
    assert works(toolchain.build(SOURCE))
    (kernel,), builds = kernels(folder), standin.builds
    content = kernel.read_bytes()
    kernel.unlink()  # the file is mapped into this process: it must not change under it
    kernel.write_bytes(content[:-1] + end)
    assert works(toolchain.build(SOURCE))
    assert standin.builds == builds + 1 and kernel.read_bytes() == content


def test_a_kernel_that_cannot_be_loaded_is_built_again(folder):
    """As when it was built beside another C library: its digest is right."""
    key = build_cache.key(SOURCE, toolchain.find())
    kernel = build_cache.keep(key, toolchain._BINARY, {toolchain._BINARY: b"of another kind"})
    assert works(toolchain.build(SOURCE))
    assert kernels(folder) == [kernel] and kernel.stat().st_size > 1000


def test_a_new_compiler_builds_anew(folder, standin):
    assert works(toolchain.build(SOURCE))
    standin.write('[ "$1" = --version ] && echo "release 2" && exit')
    assert works(toolchain.build(SOURCE))
    found = toolchain.find()
    assert found and found.name == "release 2" and len(kernels(folder)) == 2


def test_other_flags_or_another_processor_build_anew(folder, monkeypatch):
    assert works(toolchain.build(SOURCE))
    monkeypatch.setattr(build_cache, "processor", lambda: "another one")
    assert works(toolchain.build(SOURCE))
    assert len(kernels(folder)) == 2
    monkeypatch.setattr(toolchain, "FLAGS", ("-O1", "-fPIC"))
    toolchain._remembered.cache_clear()
    assert works(toolchain.build(SOURCE))
    assert len(kernels(folder)) == 3


def test_paths_with_spaces_and_letters_of_any_kind(tmp_path, monkeypatch):
    path = tmp_path / "Käse & Brot; echo '$HOME'"
    monkeypatch.setenv("AUTODIFF_CACHE", str(path / "cache"))
    (path / "temporary").mkdir(parents=True)
    monkeypatch.setattr("tempfile.tempdir", str(path / "temporary"))
    assert works(toolchain.build(SOURCE)) and works(toolchain.build(SOURCE, cache=False))
    assert len(kernels(path / "cache")) == 1 and os.listdir(path / "temporary") == []


# Where nothing can be kept


def spoil_by_mode(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    folder.chmod(0o777)


def spoil_by_owner(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: 12_345)


def spoil_by_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write_text("a file where the folder should be")


def spoil_by_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(*args: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build_cache, "keep", keep)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_by_mode, "can be written by other users"),
        (spoil_by_owner, "belongs to another user"),
        (spoil_by_file, "File exists"),
        (spoil_by_full_disk, "No space left"),
    ],
)
def test_what_cannot_be_kept_is_built_for_this_process(folder, standin, monkeypatch, spoil, reason):
    spoil(folder, monkeypatch)
    with pytest.warns(RuntimeWarning, match=f"not kept: .*{reason}.*AUTODIFF_CACHE"):
        first = toolchain.build(SOURCE)
    builds = standin.builds
    assert works(first) and toolchain.build(SOURCE) is first
    assert standin.builds == builds
    assert not folder.is_dir() or os.listdir(folder) in ([], [standin])


# At once


def test_threads_build_the_same_source_once(standin):
    toolchain.find()
    barrier, results = threading.Barrier(4), []

    def run() -> None:
        barrier.wait()
        results.append(works(toolchain.build(SOURCE)))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 4 and standin.builds == 2, "the probe, and the source"


def test_processes_that_build_the_same_do_not_collide(tmp_path, folder, standin):
    # Each waits until the other has started to build, so that both are in the middle of it.
    met = tmp_path / "met"
    standin.write(f"""
        case "$*" in *-shared*)
            echo >> {met}
            while [ "$(wc -l < {met})" -lt 2 ]; do sleep 0.01; done;;
        esac""")
    code = (
        "import ctypes\nfrom autodiff.compiler.native import toolchain\n"
        f"library = toolchain.build({SOURCE!r})\nlibrary.twice.restype = ctypes.c_double\n"
        "print(library.twice(ctypes.c_double(2.5)))"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate() for process in running] == [("5.0\n", "")] * 2
    assert len(kernels(folder)) == 1
