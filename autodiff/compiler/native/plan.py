"""The order of a program's work, and which arrays need memory for how long."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from autodiff.compiler.native.fuse import Nest, fused, reads, writes
from autodiff.compiler.native.operations import Lowered
from autodiff.compiler.native.passes import Passes
from autodiff.compiler.native.sink import sunk
from autodiff.compiler.native.storage import Storage

__all__ = ["lives", "planned"]


def planned(made: Lowered, kept: Callable[[Storage], bool]) -> tuple[list[Any], Any]:
    """Pieces of work in order, and for each storage those that touch it.

    Parameters
    ----------
    made : Lowered
    kept : callable
        Whether a storage is needed outside of all these pieces.
    """
    kernels = sunk(made, fused(made), kept)
    touched = _touched(made, kernels)

    def needed(storage: Storage, kernel: Any) -> bool:
        return storage.kind != "arena" or kept(storage) or any(
            k is not kernel for k in touched[storage]
        )  # fmt: skip

    for kernel in kernels:
        if isinstance(kernel, Nest):
            outside = partial(needed, kernel=kernel)
            kernel.keep_rows(made, outside)
            kernel.passes = Passes(made, kernel, outside)
        elif kernel.kind == "loop":
            carried = {p.storage for p in kernel.extra["carries"]}
            outside = partial(_needed_by_loop, carried=carried, needed=needed, loop=kernel)
            kernel.extra["kernels"], _ = planned(kernel.body, outside)
    return kernels, touched


def _needed_by_loop(storage: Storage, carried: set[Storage], needed: Any, loop: Any) -> bool:
    """Whether a later step, or anything outside of the loop, reads a storage."""
    return storage in carried or bool(needed(storage, loop))


def _touched(made: Lowered, kernels: list[Any]) -> dict[Storage, list[Any]]:
    found: dict[Storage, list[Any]] = {}
    for kernel in kernels:
        for member in kernel.members if isinstance(kernel, Nest) else [kernel]:
            for place in [*reads(made, member), *writes(made, member)]:
                found.setdefault(place.storage, []).append(kernel)
    return found


def lives(
    touched: dict[Storage, list[Any]], outputs: set[Storage], kernels: list[Any]
) -> dict[Storage, tuple[int, int]]:
    """For each storage in memory the first and the last piece of work that touches it."""
    order = {id(kernel): n for n, kernel in enumerate(kernels)}
    lives = {}
    for storage, users in touched.items():
        if storage.kind == "arena" and _in_memory(storage, users, outputs):
            times = [order[id(k)] for k in users]
            lives[storage] = (min(times), len(kernels) if storage in outputs else max(times))
    return lives


def _in_memory(storage: Storage, users: list[Any], outputs: set[Storage]) -> bool:
    """Whether anything but the registers of one nest holds it."""
    (first, *others) = dict.fromkeys(users)
    if others or storage in outputs:
        return True
    inner = [first] if isinstance(first, Nest) else first.extra.get("kernels", [])
    return not any(isinstance(k, Nest) and storage in k.passes.in_registers for k in inner)
