"""Elementwise results that only a later nest needs are worked out there, instead of stored.

Derivatives are often written in terms of the forward's arguments, so that common parts of them are
first met in the forward's nest, whose memory they would only pass through.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from autodiff.compiler.native.fuse import Nest, access, reads, writes
from autodiff.compiler.native.operations import Lowered, Operation
from autodiff.compiler.native.storage import Storage

__all__ = ["sunk"]


def sunk(made: Lowered, kernels: list[Any], kept: Callable[[Storage], bool]) -> list[Any]:
    """Move members to the one nest that reads them, the last ones first.

    Parameters
    ----------
    made : Lowered
    kernels : list
        In the order in which they are done.
    kept : callable
        Whether a storage is needed by more than these kernels.
    """
    users: dict[Storage, dict[int, None]] = {}
    writers: dict[Storage, list[int]] = {}
    for k, kernel in enumerate(kernels):
        for member in kernel.members if isinstance(kernel, Nest) else [kernel]:
            for place in [*reads(made, member), *writes(made, member)]:
                users.setdefault(place.storage, {})[k] = None
            for place in writes(made, member):
                writers.setdefault(place.storage, []).append(k)
    for k in reversed(range(len(kernels))):
        nest = kernels[k]
        overwritten: set[Storage] = set()
        for member in reversed(list(nest.members)) if isinstance(nest, Nest) else []:
            target = _target(made, kernels, k, member, users, kept)
            sources = {p.storage for p in reads(made, member)}
            stays = overwritten.intersection(sources)
            overwritten.update(p.storage for p in writes(made, member))
            if stays or target is None or not _pays(made, nest, k, member, users, kept):
                continue
            if any(k < w <= target for s in sources for w in writers.get(s, [])):
                continue
            _move(made, nest, kernels[target], member)
            for source in sources:
                users[source][target] = None
            users[writes(made, member)[0].storage].pop(k)
    return [k for k in kernels if not isinstance(k, Nest) or k.members]


def _target(
    made: Lowered, kernels: list[Any], k: int, member: Operation, users: Any, kept: Any
) -> int | None:
    """The one nest that reads what `member` gives."""
    if member.kind != "map" or member.level != "full":
        return None
    (place,) = writes(made, member)
    others = [u for u in users[place.storage] if u != k]
    if kept(place.storage) or place.storage.kind != "arena" or len(others) != 1:
        return None
    nest = kernels[others[0]]
    alone = not any(
        p.storage is place.storage for m in kernels[k].members if m is not member
        for p in [*reads(made, m), *writes(made, m)]
    )  # fmt: skip
    if not alone or not isinstance(nest, Nest) or others[0] < k:
        return None
    return others[0] if _fits(made, nest, member) else None


def _fits(made: Lowered, nest: Nest, member: Operation) -> bool:
    """Whether each entry is read in the turn of the loop that would make it."""
    (place,) = writes(made, member)
    shape = member.out.shape  # type: ignore[union-attr]
    mine = access(place, shape, nest.space)
    if mine is None or any(access(p, shape, nest.space) is None for p in reads(made, member)):
        return False
    touched = {p.storage for m in nest.members for p in writes(made, m)}
    if place.storage in touched or touched & {p.storage for p in reads(made, member)}:
        return False
    for reader in nest.members:
        for p in reads(made, reader):
            if p.storage is not place.storage:
                continue
            if reader.level == "row map" or reader.kind in ("take", "add_at"):
                return False
            given = reader.args[0].shape if reader.kind in ("reduce", "guard") else (
                reader.out.shape)  # type: ignore[union-attr]  # fmt: skip
            if access(p, given, nest.space) != mine or p.offset != place.offset:
                return False
    return True


def _pays(made: Lowered, nest: Nest, k: int, member: Operation, users: Any, kept: Any) -> bool:
    """At most one array has to be stored in place of the one that has not."""
    made_here = {p.storage for m in nest.members for p in writes(made, m)}
    new = {
        p.storage for p in reads(made, member)
        if p.storage in made_here and not kept(p.storage) and set(users[p.storage]) == {k}
    }  # fmt: skip
    return len(new) <= 1


def _move(made: Lowered, source: Nest, target: Nest, member: Operation) -> None:
    source.members.remove(member)
    target.members.insert(0, member)
    storage = writes(made, member)[0].storage
    source.levels.pop(storage, None)
    target.levels[storage] = "full"
