"""Named arrays in files that hold no code, replaced whole or not at all.

Two formats, told apart by the file name: ``.npz`` (numpy's own) and ``.safetensors`` (the package
of that name). Pickle is never used, neither to write nor to read.
"""

from __future__ import annotations

import errno
import io
import json
import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from autodiff.errors import DTypeError, FormatError, describe

__all__ = ["load", "replace", "save"]

State = dict[str, np.ndarray]
Metadata = dict[str, str]

_KINDS = "fiub"

_METADATA = "__metadata__"
_CHECKSUM = "autodiff.crc32"


def save(
    path: str | os.PathLike[str], state: Mapping[str, Any], metadata: Metadata | None = None
) -> None:
    """Write named arrays to a file.

    The file is written under another name next to its place, forced onto the disk, and moved
    there in one step: at any moment `path` is the old file or the new one.

    Parameters
    ----------
    path : path-like
        Ends in ``.npz`` or ``.safetensors``. Its folder must exist.
    state : mapping of str to array_like
        Real numbers of any shape; dtypes are kept.
    metadata : dict of str to str, optional
        Whatever else belongs to the file. A checksum of it all goes under ``"autodiff.crc32"``.

    Raises
    ------
    FormatError
        If the ending is another one, or something cannot be written in this format.
    OSError
        If the file cannot be written. An old file stays as it was.

    Examples
    --------
    >>> import autodiff as ad
    >>> ad.io.save("model.npz", {"W": np.eye(2)}, {"units": "mm"})
    >>> ad.io.load("model.npz")
    ({'W': array([[1., 0.],
           [0., 1.]])}, {'units': 'mm'})
    """
    for given, what in ((state, "arrays"), (metadata or {}, "texts")):
        if not isinstance(given, Mapping):
            raise DTypeError(f"save: takes {what} by name, as in a dict, not {describe(given)}")
    target = Path(path)
    write, _ = _format(target)
    arrays = {_name(name): _array(name, value) for name, value in state.items()}
    text = _text(metadata or {})
    replace(target, write(arrays, {**text, _CHECKSUM: _checksum(arrays, text)}))


def load(path: str | os.PathLike[str]) -> tuple[State, Metadata]:
    """Read the arrays and the metadata of a file.

    Parameters
    ----------
    path : path-like
        Ends in ``.npz`` or ``.safetensors``.

    Returns
    -------
    state : dict of str to ndarray
        Arrays of their own, to be written into at will.
    metadata : dict of str to str

    Raises
    ------
    FormatError
        If the file is empty, truncated, of another kind, holds Python objects, or is damaged
        (which files written elsewhere may hide, since only ours bear a checksum).
    OSError
        If there is no such file, or it cannot be read.
    """
    source = Path(path)
    _, read = _format(source)
    content = source.read_bytes()
    try:
        return _verified(*read(content))
    except FormatError:
        raise  # the package that reads this format is missing
    except Exception as error:  # damaged bytes make the parsers raise nearly anything
        raise FormatError(
            f"{source} ({len(content):,} bytes) is no readable {source.suffix} file; it may be "
            f"truncated, damaged or of another kind: {str(error) or type(error).__name__}"
        ) from error


def _format(path: Path) -> tuple[Callable[..., bytes], Callable[[bytes], tuple[State, Metadata]]]:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "This is a folder, name a file in it", str(path))
    if path.suffix.lower() not in _FORMATS:
        raise FormatError(f"{path}: the name of a file has to end in {' or '.join(_FORMATS)}")
    return _FORMATS[path.suffix.lower()]


def _verified(state: State, metadata: Metadata) -> tuple[State, Metadata]:
    found = metadata.pop(_CHECKSUM, None)
    if found is not None and found != _checksum(state, metadata):
        raise ValueError("its checksum is that of other contents")
    for name, array in state.items():
        if array.dtype.kind not in _KINDS:
            raise ValueError(f"{name!r} is {describe(array)}, no array of real numbers")
    return state, metadata


def _checksum(state: State, metadata: Metadata) -> str:
    """Of names, dtypes, shapes, entries and metadata, whatever their order."""
    arrays = sorted(state.items())
    about = [(name, array.dtype.name, array.shape) for name, array in arrays]
    found = zlib.crc32(repr((about, sorted(metadata.items()))).encode())
    for _, array in arrays:
        found = zlib.crc32(array.astype(array.dtype.newbyteorder("<"), copy=False).tobytes(), found)
    return f"{found:08x}"


def _name(name: Any) -> str:
    if not isinstance(name, str) or name == _METADATA or "\0" in name or not _is_unicode(name):
        raise FormatError(f"an array is named by a text other than {_METADATA!r}, not {name!r}")
    return name


def _is_unicode(text: str) -> bool:
    return not any("\ud800" <= c <= "\udfff" for c in text)  # halves of surrogate pairs


def _array(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise FormatError(f"{name!r} is no array: {error}") from error
    if array.dtype.kind not in _KINDS or array.dtype.itemsize > 8:
        raise FormatError(f"{name!r} is {describe(array)}: only real numbers are saved, of 64 bits")
    # The native byte order and C order, which is what both formats take for granted.
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")


def _text(metadata: Mapping[Any, Any]) -> Metadata:
    for key, value in metadata.items():
        if not (isinstance(key, str) and isinstance(value, str) and _is_unicode(key + value)):
            raise FormatError(f"metadata is text by text, not {key!r}: {describe(value)}")
        if key == _CHECKSUM:
            raise FormatError(f"the metadata {key!r} is worked out, and not to be given")
    return dict(metadata)


def replace(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file of any kind whole or not at all, by way of another one next to it.

    Parameters
    ----------
    path : path-like
        Its folder must exist.
    content : bytes

    Raises
    ------
    OSError
        If the file cannot be written. An old file stays as it was.
    """
    # Behind a symbolic link it is the file itself that is replaced, not the link.
    target = Path(os.path.realpath(path))
    part = target.with_name(f".{target.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        _write(part, content)
        if target.exists():  # what is replaced stays as private as it was
            part.chmod(stat.S_IMODE(target.stat().st_mode))
        os.replace(part, target)
    except OSError as error:
        reason = f"Cannot be saved: {error.strerror or error}"
        raise OSError(error.errno, reason, str(target)) from error
    finally:
        with suppress(OSError):
            part.unlink()


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _write_npz(state: State, metadata: Metadata) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, array in (*state.items(), (_METADATA, np.array(json.dumps(metadata)))):
            # ZipInfo leaves the time of day out, so equal states make equal files.
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()


def _read_npz(content: bytes) -> tuple[State, Metadata]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        end, names = len(content) - len(archive.comment), archive.namelist()
        # Nobody else compares the count that the last record of the file states.
        if int.from_bytes(content[end - 12 : end - 10], "little") not in (len(names), 0xFFFF):
            raise ValueError("members are missing in its directory")
        # Each member is read whole, and so its checksum is verified, before it is parsed.
        state = {name.removesuffix(".npy"): _npy(archive.read(name)) for name in names}
    metadata = json.loads(str(state.pop(_METADATA, "{}")))
    return state, {key: str(value) for key, value in metadata.items()}


def _npy(content: bytes) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)


def _write_safetensors(state: State, metadata: Metadata) -> bytes:
    header, data = _header(_safetensors().save(state, metadata))
    # The package writes metadata in random order, and equal states shall make equal files.
    text = json.dumps({**header, _METADATA: metadata}, sort_keys=True).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + data


def _read_safetensors(content: bytes) -> tuple[State, Metadata]:
    state = {name: np.array(array) for name, array in _safetensors().load(content).items()}
    return state, dict(_header(content)[0].get(_METADATA) or {})


def _header(content: bytes) -> tuple[dict[str, Any], bytes]:
    """The header in JSON, and the data that follow."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _safetensors() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise FormatError(
            ".safetensors needs the package safetensors: pip install 'autodiff[io]', or give the "
            "file another ending"
        ) from error
    return safetensors.numpy


_FORMATS = {
    ".npz": (_write_npz, _read_npz),
    ".safetensors": (_write_safetensors, _read_safetensors),
}
