"""Files of named arrays: what goes in comes out, and no damage does harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

import autodiff as ad
from autodiff.errors import FormatError
from tests.states import FORMATS, assert_same

pytest.importorskip("safetensors")

STATE = {"layers.0.W": np.arange(6.0).reshape(2, 3), "b": np.float32([1.5, -0.0]), "steps": 7}

each_format = pytest.mark.parametrize("ending", FORMATS)


@pytest.fixture
def saved(path):
    ad.io.save(path, STATE, {"epoch": "3"})
    return path


# What goes in comes out


def test_round_trip(path):
    ad.io.save(path, STATE, {"epoch": "3", "note": 'é "quoted"\n'})
    state, metadata = ad.io.load(path)
    assert_same(state, STATE)
    assert metadata == {"epoch": "3", "note": 'é "quoted"\n'}


def test_nothing_is_something_too(path):
    ad.io.save(path, {})
    assert ad.io.load(path) == ({}, {})


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8).filter(
    lambda name: name != "__metadata__"
)
dtypes = st.one_of(
    npst.floating_dtypes(endianness="?"), npst.integer_dtypes(endianness="?"),
    npst.unsigned_integer_dtypes(endianness="?"), npst.boolean_dtypes(),
).filter(lambda dtype: dtype.itemsize <= 8)  # fmt: skip
arrays = dtypes.flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0)))


@each_format
@given(state=st.dictionaries(names, arrays, max_size=3))
def test_any_arrays_under_any_names(tmp_path_factory, ending, state):
    path = tmp_path_factory.mktemp("any") / f"a.{ending}"
    ad.io.save(path, state)
    assert_same(ad.io.load(path)[0], state)


@pytest.mark.parametrize(
    "array",
    [
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(6.0)[::-2],
        np.broadcast_to(1.0, (2, 3)),
        np.arange(3, dtype=">f4"),
        np.array([np.nan, np.inf, -0.0, 5e-324]),
        np.float16(1.5),
        [[True], [False]],
    ],
    ids=["fortran", "reversed", "broadcast", "big endian", "special", "number", "list"],
)
def test_any_memory_layout(path, array):
    ad.io.save(path, {"x": array})
    assert_same(ad.io.load(path)[0], {"x": array})


def test_loaded_arrays_may_be_written_into(saved):
    state, _ = ad.io.load(saved)
    state["layers.0.W"][...] = 5
    assert_same(ad.io.load(saved)[0], STATE)


@pytest.mark.parametrize("ending", ["NPZ", "SafeTensors"])
def test_the_ending_in_capitals(tmp_path, ending):
    ad.io.save(str(tmp_path / f"model.{ending}"), STATE)
    assert_same(ad.io.load(tmp_path / f"model.{ending}")[0], STATE)


def test_equal_states_make_equal_files(saved):
    before = saved.read_bytes()
    ad.io.save(saved, STATE, {"epoch": "3"})
    assert saved.read_bytes() == before


def test_numpy_reads_our_npz_and_we_read_its(tmp_path):
    ad.io.save(tmp_path / "ours.npz", STATE)
    with np.load(tmp_path / "ours.npz", allow_pickle=False) as theirs:
        np.testing.assert_array_equal(theirs["layers.0.W"], STATE["layers.0.W"])
    np.savez_compressed(tmp_path / "theirs.npz", a=np.eye(2))
    assert_same(ad.io.load(tmp_path / "theirs.npz")[0], {"a": np.eye(2)})


def test_safetensors_reads_ours_and_we_read_its(tmp_path):
    from safetensors import numpy as safetensors

    ad.io.save(tmp_path / "ours.safetensors", STATE)
    assert_same(safetensors.load_file(tmp_path / "ours.safetensors"), STATE)
    safetensors.save_file({"a": np.eye(2)}, tmp_path / "theirs.safetensors")
    assert_same(ad.io.load(tmp_path / "theirs.safetensors")[0], {"a": np.eye(2)})


# What cannot be written

RAGGED = [[1.0], [1.0, 2.0]]
LONG = pytest.param(
    np.longdouble(1), marks=pytest.mark.skipif(np.dtype("g").itemsize == 8, reason="not longer")
)


@pytest.mark.parametrize("value", [None, "text", 1j, LONG, [object()], {"a": 1}, RAGGED])
def test_only_real_numbers_of_a_common_size(path, value):
    with pytest.raises(FormatError, match=r"'x' is .*(only real numbers|inhomogeneous)"):
        ad.io.save(path, {"x": value})
    assert not path.exists()


@pytest.mark.parametrize("name", [3, None, "__metadata__", "a\0b", "\ud800"])
def test_names_are_texts(path, name):
    with pytest.raises(FormatError, match="named by a text"):
        ad.io.save(path, {name: 1.0})


@pytest.mark.parametrize("metadata", [{"epoch": 3}, {3: "epoch"}, {"x": "\ud800"}])
def test_metadata_is_text(path, metadata):
    with pytest.raises(FormatError, match="metadata is text"):
        ad.io.save(path, {}, metadata)


def test_the_checksum_is_not_to_be_given(path):
    with pytest.raises(FormatError, match="worked out"):
        ad.io.save(path, {}, {"autodiff.crc32": "0"})


@pytest.mark.parametrize("name", ["model", "model.pkl", "model.npz.bak", ".npz"])
def test_the_ending_decides_the_format(tmp_path, name):
    with pytest.raises(FormatError, match=r"end in \.npz or \.safetensors"):
        ad.io.save(tmp_path / name, STATE)
    (tmp_path / name).write_bytes(b"anything")
    with pytest.raises(FormatError, match=r"end in \.npz or \.safetensors"):
        ad.io.load(tmp_path / name)


def test_without_the_package(saved, monkeypatch):
    if saved.suffix == ".npz":
        pytest.skip("numpy is always there")
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    before = saved.read_bytes()
    for attempt in (lambda: ad.io.save(saved, STATE), lambda: ad.io.load(saved)):
        with pytest.raises(FormatError, match=re.escape("pip install 'autodiff[io]'")):
            attempt()
    assert saved.read_bytes() == before


# What cannot be read


def test_a_cut_file(saved):
    content = saved.read_bytes()
    for length in {*range(0, len(content), 7), 1, 8, len(content) - 1}:
        saved.write_bytes(content[:length])
        with pytest.raises(FormatError, match=f"{saved.name}.*truncated"):
            ad.io.load(saved)


def test_a_damaged_file_is_an_error_or_reads_the_same(saved):
    content = saved.read_bytes()
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        saved.write_bytes(damaged)
        try:
            state, _ = ad.io.load(saved)
        except FormatError as error:
            assert saved.name in str(error)
        else:  # a time of day in a zip, or the very name of the checksum
            assert_same(state, STATE)


def test_a_checksum_finds_each_changed_number(path):
    numbers = np.full(64, 1.5)
    ad.io.save(path, {"x": numbers})
    content = path.read_bytes()
    place = content.index(numbers.tobytes())
    for offset in range(0, 512, 50):
        damaged = bytearray(content)
        damaged[place + offset] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(FormatError, match=r"checksum|CRC"):
            ad.io.load(path)


def npy(**header):
    """The bytes of an .npy file with this header and no data."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"fortran_order": False, **header})
    return file.getvalue()


def zipped(name, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


def pickled_array():
    file = io.BytesIO()
    np.savez(file, x=np.array([{"an": "object"}], dtype=object))
    return file.getvalue()


def words():
    file = io.BytesIO()
    np.save(file, np.array(["one", "two"]))
    return file.getvalue()


def safetensors(header, data=b""):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


FOREIGN = {
    "empty": b"",
    "text": b"epoch,loss\n1,0.5\n",
    "json": b'{"W": [1, 2]}',
    "picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "pickle": pickle.dumps({"W": [1.0]}),
    "one npy": npy(descr="<f8", shape=(0,)),
    "zip of objects": pickled_array(),
    "zip of words": zipped("x.npy", words()),
    "zip of text": zipped("readme.txt", "hello"),
    "zip of a folder": zipped("folder/", ""),
    "zip of a cut npy": zipped("x.npy", npy(descr="<f8", shape=(3,))),
    "zip of a huge npy": zipped("x.npy", npy(descr="<f8", shape=(10**15,))),
    "zip of a negative npy": zipped("x.npy", npy(descr="<f8", shape=(-1, 3))),
    "zip of odd metadata": zipped("__metadata__.npy", npy(descr="<f8", shape=(0,))),
    "huge header": (2**62).to_bytes(8, "little") + b"{}",
    "header of nonsense": (4).to_bytes(8, "little") + b"nope",
    "header of a list": safetensors([]),
    "unknown dtype": safetensors({"x": {"dtype": "F99", "shape": [], "data_offsets": [0, 0]}}),
    "dtype that numpy lacks": safetensors(
        {"x": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}, bytes(2)
    ),
    "wrong offsets": safetensors({"x": {"dtype": "F64", "shape": [2], "data_offsets": [0, 8]}}),
    "metadata of numbers": safetensors({"__metadata__": {"epoch": 3}}),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file(path, content):
    path.write_bytes(content)
    with pytest.raises(FormatError, match=re.escape(f"{path} ({len(content):,} bytes) is no")):
        ad.io.load(path)
    assert path.read_bytes() == content


RAN = []


def run():
    RAN.append("code out of a file")


class Code:
    """Unpickled by a call of `run`."""

    def __reduce__(self):
        return run, ()


def test_nothing_in_a_file_is_run(tmp_path):
    np.savez(tmp_path / "evil.npz", x=np.array([Code()], dtype=object))
    with np.load(tmp_path / "evil.npz", allow_pickle=True) as theirs:
        assert theirs["x"] is not None and RAN.pop()
    with pytest.raises(FormatError, match="allow_pickle=False"):
        ad.io.load(tmp_path / "evil.npz")
    assert not RAN


def test_the_other_format_under_this_name(saved, tmp_path):
    (ending,) = {".npz", ".safetensors"} - {saved.suffix}
    renamed = saved.rename(tmp_path / f"renamed{ending}")
    with pytest.raises(FormatError, match=f"no readable {ending} file"):
        ad.io.load(renamed)


# What the file system refuses


def test_a_missing_file(path):
    with pytest.raises(FileNotFoundError, match=path.name):
        ad.io.load(path)


def test_a_missing_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"Cannot be saved: .*no/model\.npz"):
        ad.io.save(tmp_path / "no" / "model.npz", STATE)


def test_a_folder_in_place_of_a_file(path):
    path.mkdir()
    for attempt in (lambda: ad.io.save(path, STATE), lambda: ad.io.load(path)):
        with pytest.raises(IsADirectoryError, match=f"This is a folder.*{path.name}"):
            attempt()


def test_a_file_in_place_of_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match=r"Cannot be saved: .*file/model\.npz"):
        ad.io.save(tmp_path / "file" / "model.npz", STATE)


@pytest.fixture
def locked(tmp_path):
    """A folder that nothing may be written into."""
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield tmp_path
    tmp_path.chmod(stat.S_IRWXU)


def test_a_folder_that_is_read_only(saved, locked):
    if os.access(locked, os.W_OK):
        pytest.skip("this user may write anywhere")
    before = saved.read_bytes()
    with pytest.raises(PermissionError, match=f"Cannot be saved: .*{saved.name}"):
        ad.io.save(saved, {"x": 1.0})
    assert saved.read_bytes() == before


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_the_disk_fails(saved, monkeypatch, call):
    def fail(*args):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match=f"Cannot be saved: No space left .*{saved.name}"):
        ad.io.save(saved, {"x": 1.0})
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


CRASH = """
import os, sys
import autodiff as ad
setattr(os, sys.argv[2], lambda *args: os._exit(9))
ad.io.save(sys.argv[1], {"x": 1.0})
"""


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_crash_leaves_the_old_file(saved, call):
    command = [sys.executable, "-c", CRASH, str(saved), call]
    root = Path(ad.__file__).parents[1]
    assert subprocess.run(command, check=False, cwd=root).returncode == 9
    assert_same(ad.io.load(saved)[0], STATE)
    ad.io.save(saved, {"x": 1.0})  # and what the crash left behind is in nobody's way
    assert_same(ad.io.load(saved)[0], {"x": 1.0})


def test_a_private_file_stays_private(saved):
    saved.chmod(stat.S_IRUSR | stat.S_IWUSR)
    ad.io.save(saved, {"x": 1.0})
    assert stat.S_IMODE(saved.stat().st_mode) == stat.S_IRUSR | stat.S_IWUSR


def test_behind_a_link_the_file_itself_is_replaced(saved):
    link = saved.with_name(f"link{saved.suffix}")
    link.symlink_to(saved)
    ad.io.save(link, {"x": 1.0})
    assert link.is_symlink()
    assert_same(ad.io.load(saved)[0], {"x": 1.0})
