"""Members of archives."""

from __future__ import annotations

import tarfile

__all__ = ["member_of"]


def member_of(archive: tarfile.TarFile, member: str | tarfile.TarInfo) -> bytes:
    """What a file in an archive holds.

    Raises
    ------
    KeyError
        If there is no file of this name.
    """
    file = archive.extractfile(member)
    if file is None:
        raise KeyError(f"{member} is no file")
    return file.read()
