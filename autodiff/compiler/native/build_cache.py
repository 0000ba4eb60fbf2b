"""A folder of things that were built: each whole, private, and verified before it is used.

An entry is a folder named by its key. It holds the thing itself, whatever is worth reading beside
it, and the SHA-256 of the thing, and it comes into its place by a single move.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

__all__ = ["cache_folder", "clear", "discard", "fetch", "keep", "key", "processor", "workplace"]

MOST_ENTRIES = 1_000
MOST_BYTES = 500_000_000

_KEY = re.compile("[0-9a-f]{64}")
_DIGEST = "sha256"
_TEMPORARY = ".build-"
_LASTING = re.compile(  # unlike MHz
    r"(model|vendor|stepping|flags|features|isa|cpu\s*:|cpu (family|impl|arch|variant|part|rev))",
    re.I,
)
_ROOT = 0  # whose links lead nowhere but where the system wants them
_DAY = 24 * 60 * 60


def cache_folder() -> Path:
    """Where compiled kernels are kept.

    The folder named by ``AUTODIFF_CACHE``, else ``autodiff/native`` in the user's cache folder.
    A user without a home has one among the temporary files.
    """
    if named := os.environ.get("AUTODIFF_CACHE"):
        return Path(os.path.abspath(named))
    try:
        return _user_folder() / "autodiff" / "native"
    except RuntimeError:  # no HOME, and no such user in the system's list either
        # Directly in there, where nobody else can move it away.
        return Path(tempfile.gettempdir(), f"autodiff-native-{_user()}")


def _user_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if os.path.isabs(named) else Path.home() / ".cache"


def _user() -> int:
    return os.getuid() if hasattr(os, "getuid") else 0


def key(*parts: object) -> str:
    """The name of an entry: a digest of all that decides what is built, on this machine."""
    # -march=native builds for the processor, and a home may be shared between machines.
    text = repr((parts, processor(), sysconfig.get_platform()))
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


@functools.cache
def processor() -> str:
    """The model of the processor and the instructions it knows, as the system tells them."""
    if sys.platform == "linux":
        with suppress(OSError), open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            first = itertools.takewhile(str.strip, file)  # the others are long, and the same
            return "".join(line for line in first if _LASTING.match(line))
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "machdep.cpu"]
        with suppress(OSError):
            return subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return platform.processor() or platform.machine()


def fetch(key: str, name: str) -> Path | None:
    """The file `name` of an entry; None where there is none, or none to be trusted."""
    try:
        entry = _folder() / key
        for path in (entry, entry / _DIGEST, entry / name):
            _require_private(path)
        digest = (entry / _DIGEST).read_text("ascii")
        if digest != hashlib.sha256((entry / name).read_bytes()).hexdigest():
            return None
    except (OSError, UnicodeDecodeError):
        return None
    with suppress(OSError):  # where it can only be read
        os.utime(entry)  # what was used last is dropped last
    return entry / name


def keep(key: str, name: str, files: Mapping[str, bytes]) -> Path:
    """Make an entry of files, and return the path of the one called `name`.

    Raises
    ------
    OSError
        If it cannot be written. An entry is there whole or not at all.
    """
    entry = _folder() / key
    with workplace() as work:
        new = Path(work, "new")
        _fill(new, {**files, _DIGEST: hashlib.sha256(files[name]).hexdigest().encode()})
        with suppress(OSError):
            os.rename(new, entry)  # refused where there is an entry
        if new.exists() and fetch(key, name) is None:
            with suppress(FileNotFoundError):  # another process has done so already
                os.rename(entry, Path(work, "damaged"))
            os.rename(new, entry)
    _trim(entry.parent)
    return entry / name


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(mode=0o700)
    for name, content in files.items():
        (folder / name).touch(mode=0o600)  # whatever the user's mask allows
        (folder / name).write_bytes(content)


def workplace() -> tempfile.TemporaryDirectory[str]:
    """A new folder to build in, on the disk of the entries: what is built there can be moved.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    return tempfile.TemporaryDirectory(prefix=_TEMPORARY, dir=_folder(), ignore_cleanup_errors=True)


def discard(key: str) -> None:
    """Delete an entry, if there is one."""
    shutil.rmtree(cache_folder() / key, ignore_errors=True)


def clear() -> int:
    """Delete every entry, and return how many there were."""
    entries = _entries(cache_folder())
    for entry in entries:
        discard(entry.name)
    return len(entries)


def _folder() -> Path:
    """The folder of entries, made where it is missing, if nobody else can write into it."""
    folder = cache_folder()
    _make(folder)
    _require_private(folder)
    return folder


def _make(folder: Path) -> None:
    if not folder.is_dir():
        _make(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def _require_private(path: Path) -> None:
    """Whoever can change a library runs code as this user."""
    if not hasattr(os, "getuid"):  # Windows has other means than modes
        return
    about, owner = path.stat(), os.getuid()
    if about.st_uid != owner or path.lstat().st_uid not in (owner, _ROOT):
        raise PermissionError(f"{path} belongs to another user")
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError(f"{path} can be written by other users (chmod go-w it)")


def _entries(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [folder / name for name in os.listdir(folder) if _KEY.fullmatch(name)]
    return []


def _trim(folder: Path) -> None:
    """Drop the entries used longest ago, beyond the bounds, and what killed processes left."""
    known = sorted(map(_measured, _entries(folder)), reverse=True)
    total = 0
    for i, (_, size, entry) in enumerate(known):
        total += size
        if i >= MOST_ENTRIES or (i and total > MOST_BYTES):
            discard(entry.name)
    for path in folder.glob(f"{_TEMPORARY}*"):
        if _measured(path)[0] < time.time() - _DAY:
            shutil.rmtree(path, ignore_errors=True)


def _measured(entry: Path) -> tuple[float, int, Path]:
    """When it was used last and its bytes; now and none for what another process just dropped."""
    try:
        with os.scandir(entry) as files:
            size = sum(file.stat().st_size for file in files)
        return os.stat(entry).st_mtime, size, entry
    except OSError:
        return time.time(), 0, entry
