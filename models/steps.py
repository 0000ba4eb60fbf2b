"""The steps of a training: one by one, or as one program for each kind of batch."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

import numpy as np

import autodiff as ad

__all__ = ["COMPILE", "Kinds", "Steps", "from_environment", "require_known"]

COMPILE = ("auto", "c", "numpy", "off")
"""What runs the steps: compiled where it pays, always in C or on numpy, or never."""

AFTER, LEFT = 10, 100
"""Batches of a kind that there have been, and that are still to come if the rest of the run is like
what there was, for it to be compiled. To build a program takes as long as some 50 steps without
it, of which it saves half or more. Nothing is measured in a run, so that the same seed gives the
same numbers."""

MOST = 100
"""Kinds that are compiled; each one's program takes memory."""


@dataclass
class Kinds:
    """Which kinds of batches there were: the part of a run's progress that decides what runs how.

    A kind is the shapes and dtypes of the arrays of a batch, as text.
    """

    counts: dict[str, int] = field(default_factory=dict)
    """Batches so far."""
    compiled: list[str] = field(default_factory=list)

    def count(self, kind: str, left: float) -> bool:
        """Whether the batch that comes now is to be compiled, if so many are left of all kinds."""
        seen, total = self.counts.get(kind, 0), sum(self.counts.values())
        is_frequent = left == inf or (seen >= AFTER and seen * left >= LEFT * total)
        if is_frequent and kind not in self.compiled and len(self.compiled) < MOST:
            self.compiled.append(kind)
        self.counts[kind] = seen + 1
        return kind in self.compiled


class Steps:
    """What a training does with each batch.

    Parameters
    ----------
    loss : callable
        ``loss(model, *inputs)``, of a `Task`.
    clip : float or None
        Greatest norm of the gradient.
    compile : {"auto", "c", "numpy", "off"}
        "auto": a kind of batch is compiled when it has come up often and will do so, in C where
        there is a compiler, unless ``AUTODIFF_COMPILE`` in the environment says "numpy" or "off".
    generators : sequence of Generator
        Those that a step may draw from.
    """

    def __init__(
        self,
        loss: Callable[..., ad.Tensor],
        clip: float | None,
        compile: str,
        generators: Sequence[np.random.Generator],
    ) -> None:
        require_known(compile)
        self.loss, self.clip, self.compile = loss, clip, compile
        self.generators = generators
        self.seconds = 0.0  # that it took to compile
        # One for each kind: that of the last call has the shortest way into its program.
        self._programs: dict[str, Any] = {}
        self._refused: set[str] = set()

    @property
    def is_eager(self) -> bool:
        """Whether nothing is ever compiled."""
        return (from_environment() if self.compile == "auto" else self.compile) == "off"

    def __call__(
        self, model: ad.Module, optimizer: Any, inputs: Sequence[Any], kinds: Kinds, left: float
    ) -> float:
        """Change the parameters by one batch, with which so many are left; gives the loss before.

        No parameter may have a gradient.
        """
        if self.is_eager:
            return self._step(model, optimizer, *inputs).item()
        kind = ", ".join(f"{np.asarray(x).dtype}{list(np.shape(x))}" for x in inputs)
        left = left if self.compile == "auto" else inf
        if kinds.count(kind, left) and kind not in self._refused:
            return self._run(kind, model, optimizer, *inputs)
        return self._step(model, optimizer, *inputs).item()

    def _step(self, model: ad.Module, optimizer: Any, *inputs: Any) -> ad.Tensor:
        loss = self.loss(model, *inputs)
        loss.backward()
        if self.clip is not None:
            ad.optim.clip_grad_norm(model.parameters(), self.clip)
        optimizer.step()
        optimizer.zero_grad()
        return loss

    def _run(self, kind: str, model: ad.Module, optimizer: Any, *inputs: Any) -> float:
        program = self._programs.get(kind)
        if program is not None:
            return program(model, optimizer, *inputs).item()
        before = [g.bit_generator.state for g in self.generators]
        parameters, rule = model.state_dict(), optimizer.state_dict()
        try:
            return self._build(kind, model, optimizer, *inputs)
        except Exception as error:  # of whatever kind: without the program it may go well
            model.load_state_dict(parameters)
            optimizer.load_state_dict(rule)
            for generator, state in zip(self.generators, before):
                generator.bit_generator.state = state
            self._refuse(kind, error)
        return self._step(model, optimizer, *inputs).item()

    def _build(self, kind: str, *given: Any) -> float:
        began = time.perf_counter()
        program = ad.compile(self._step, backend=self.compile)
        loss = program(*given).item()
        self.seconds += time.perf_counter() - began
        self._programs[kind] = program
        return loss

    def _refuse(self, kind: str, error: Exception) -> None:
        if not self._refused:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            warnings.warn(f"a step of the training is not compiled: {reason}", stacklevel=2)
        self._refused.add(kind)

    def described(self, kinds: Kinds) -> str:
        """What runs how, in a few words."""
        count = len([kind for kind in kinds.compiled if kind not in self._refused])
        if not count:
            return "eager"
        with_c = any(program.source for program in self._programs.values())
        how = f"compiled with {'C' if with_c else 'numpy'}"
        how = f"eager, {how} for frequent kinds of batches" if self.compile == "auto" else how
        return f"{how} ({count} kind{'s' if count > 1 else ''})"


def require_known(compile: str) -> None:
    """Raise a `DomainError` for what is none of `COMPILE`, here or in the environment."""
    for name, value in [("compile", compile), ("AUTODIFF_COMPILE", from_environment())]:
        if value not in COMPILE:
            raise ad.errors.DomainError(f"{name}={value!r} is none of {', '.join(COMPILE)}")


def from_environment() -> str:
    """What ``AUTODIFF_COMPILE`` says of "auto"."""
    return os.environ.get("AUTODIFF_COMPILE") or "auto"
