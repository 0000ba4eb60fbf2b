"""A loop as an instruction of a program."""

from __future__ import annotations

from typing import Any

import numpy as np

from autodiff.compiler.tracing.program import Instruction, Value, example_of
from autodiff.compiler.tracing.traced import Recorder, Traced, recorder, user_line

__all__ = ["Loop", "loop"]


def loop(length: int, reverse: bool, carries: Any, xs: Any, run: Any = None) -> Any:
    """What a loop does: ``run(*carries, *slices) -> (*carries, *ys)`` for each step."""
    carries, ys = list(carries), []
    order = range(length - 1, -1, -1) if reverse else range(length)
    for t in order:
        results = run(*carries, *(x[t] for x in xs))
        carries, made = list(results[: len(carries)]), results[len(carries) :]
        ys.append(made)
    stacks = [np.stack(parts[::-1] if reverse else parts) for parts in map(list, zip(*ys))]
    return (*carries, *stacks)


class Loop:
    """A loop instruction under construction: outputs may be added while others are in use."""

    def __init__(
        self, length: int, reverse: bool, carries: list[Any], xs: list[Any], *also: Recorder
    ) -> None:
        self.length, self.reverse, self.body = length, reverse, Recorder(*also)
        self._wholes: dict[Value, Any] = {}
        self.instruction = Instruction(
            loop, (length, reverse, tuple(map(_value, carries)), tuple(map(_value, xs))), {}, (),
            True, user_line(), self.body.program,
        )  # fmt: skip

    def close(self, carries: list[Any]) -> list[Traced]:
        """Put the instruction into the program; gives the last carries."""
        under_way = recorder.get()
        assert under_way is not None
        under_way.program.instructions.append(self.instruction)
        return [self._add(c, c.shape) for c in carries]

    def stacked(self, y: Any) -> Traced:
        """What `y` of the body is in all steps."""
        return self._add(y, (self.length, *y.shape))

    def _add(self, result: Any, shape: tuple[int, ...]) -> Traced:
        under_way = recorder.get()
        assert under_way is not None
        example = example_of(result)
        if shape != result.shape:
            example = np.array(np.broadcast_to(example, shape))
        made: Traced = under_way.noted(Traced(Value.like(example), example))
        self.body.program.outputs.append(_value(result))
        self.instruction.out = (*self.instruction.out, made.value)
        return made

    def add_input(self, x: Any, example: Any) -> Traced:
        """Another array that is cut into steps; gives the part of a step."""
        length, reverse, carries, xs = self.instruction.args
        self.instruction.args = (length, reverse, carries, (*xs, _value(x)))
        return self.body.input(example)

    def add_carry(self, start: Any) -> Any:
        """Another array that goes from step to step; gives what a step gets."""
        length, reverse, carries, xs = self.instruction.args
        self.instruction.args = (length, reverse, (*carries, _value(start)), xs)
        inputs, made = self.body.program.inputs, self.body.input(np.zeros(start.shape, start.dtype))
        inputs.insert(len(carries), inputs.pop())
        return made

    def in_all_steps(self, part: Traced) -> Any:
        """`whole` of what stands for an array in the body."""
        whole, under_way = self.whole(part.value), recorder.get()
        if not isinstance(whole, Value):
            return whole
        assert under_way is not None
        example = np.array(np.broadcast_to(part.example, whole.shape))
        return under_way.noted(Traced(whole, example))

    def whole(self, value: Value) -> Any:
        """What a value of the body is in all steps, made a result of the loop but once."""
        if not self._wholes:
            inputs, (_, _, carries, xs) = self.body.program.inputs, self.instruction.args
            self._wholes.update(zip(inputs[len(carries) :], xs, strict=True))
        if value not in self._wholes:
            example = np.zeros(value.shape, value.dtype)
            self._wholes[value] = self.stacked(Traced(value, example)).value
        return self._wholes[value]


def _value(x: Any) -> Any:
    under_way = recorder.get()
    assert under_way is not None
    return under_way.own(x)
