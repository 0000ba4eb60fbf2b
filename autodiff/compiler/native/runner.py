"""A program in C, built and called."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from typing import Any

import numpy as np

from autodiff.compiler.buffers import owner_of
from autodiff.compiler.native import toolchain
from autodiff.compiler.native.blas import find as find_blas
from autodiff.compiler.native.emit import Emitted, emitted
from autodiff.compiler.native.memory import LINE
from autodiff.compiler.native.recurrence import with_short_loops
from autodiff.compiler.native.storage import Place
from autodiff.compiler.replay import Retry, generators, replayed
from autodiff.compiler.tracing.program import Instruction, Program, Value, mapped
from autodiff.compiler.tracing.refusals import TraceError
from autodiff.errors import describe

__all__ = ["Native"]

_LONG = 800  # operations in one loop, from which on building takes longer than it brings
_COPIED = 16384  # bytes up to which a copy costs less than asking an array for its address


class Native:
    """A program as machine code.

    Parameters
    ----------
    program : Program
    updates : dict of Value to Value
        Outputs that are new values of inputs.
    cache : bool
        Whether the built code is kept on disk.
    """

    def __init__(self, program: Program, updates: dict[Value, Value], cache: bool) -> None:
        blas = find_blas()
        program = with_short_loops(program)
        self.program, self.updates = program, updates
        self.emitted: Emitted = emitted(program, updates, blas)
        self.source = self.emitted.source
        library = toolchain.build(self.source, cache=cache, quickly=self.emitted.longest > _LONG)
        if blas is not None and hasattr(library, "bind_blas"):
            library.bind_blas.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
            library.bind_blas(blas.sgemm, blas.dgemm)
        self.segments = [_function(library, s) for s in self.emitted.segments]
        self.constants = _pointers(self.emitted.made.constants)
        self.writes_in_place = self.emitted.made.in_place.issuperset(updates)
        self.generators = list(dict.fromkeys(generators(program)))
        self._spaces: list[_Workspace] = []

    def __call__(self, *inputs: Any) -> list[Any]:
        """The outputs; in the place of one that was written into an input stands None.

        Raises
        ------
        Retry
            Before anything is written, where eager mode has to take over.
        """
        space = self._space()
        try:
            return space.run(list(inputs))
        finally:
            self._spaces.append(space)

    def settle(self, inputs: list[Any]) -> None:
        """Hold these inputs and no others, as far as no other thread is at work."""
        idle = []
        with suppress(IndexError):
            while True:
                idle.append(self._spaces.pop())
        for space in idle:
            space.take(inputs)
            self._spaces.append(space)

    def again(self, inputs: list[Any], new: tuple[Any, ...], numbers: list[int]) -> list[Any]:
        """A call with `inputs`, but for `new` ones in the places of these numbers."""
        space = self._space()
        try:
            if space.inputs is not inputs:
                space.take(inputs)
            return space.again(new, numbers)
        finally:
            self._spaces.append(space)

    def _space(self) -> _Workspace:
        """One that no other call has: to look first and then take it would be two steps."""
        with suppress(IndexError):
            return self._spaces.pop()
        return _Workspace(self)


def _function(library: Any, segment: Any) -> Any:
    if not isinstance(segment, str):
        return segment
    function = getattr(library, segment)
    function.argtypes = [ctypes.c_void_p] * 3
    function.restype = ctypes.c_int
    return function


def _pointers(arrays: list[np.ndarray]) -> Any:
    made = (ctypes.c_void_p * max(len(arrays), 1))()
    for i, array in enumerate(arrays):
        made[i] = array.ctypes.data
    return made


class _Workspace:
    """The memory of one call at a time."""

    def __init__(self, native: Native) -> None:
        self.native, made = native, native.emitted.made
        raw = np.empty(native.emitted.size + LINE, np.uint8)
        shift = -raw.ctypes.data % LINE
        self.memory = raw[shift : shift + native.emitted.size]
        self.address = self.memory.ctypes.data if native.emitted.size else 0
        self.pointers = (ctypes.c_void_p * max(len(native.program.inputs), 1))()
        self.held: list[Any] = [None] * len(native.program.inputs)
        self.buffers = [_buffer(v) for v in native.program.inputs]
        self.addresses = [b.ctypes.data for b in self.buffers]
        written = set(native.updates.values())
        self.inputs: Any = None
        self.written = {i for i, v in enumerate(native.program.inputs) if v in written}
        self.copies: dict[int, Any] = {}  # inputs of which the program sees a copy
        self.small = [
            v not in written and v.size * v.dtype.itemsize <= _COPIED for v in native.program.inputs
        ]
        self.in_place = made.in_place
        self.calls = [s if callable(s) else self._call(s) for s in native.segments]
        self.count = len(native.emitted.outputs)
        self.results = [
            (k, self._result(v)) for k, v in enumerate(native.emitted.outputs)
            if not (isinstance(v, Value) and v in self.in_place)
        ]  # fmt: skip
        self.arguments = tuple(
            ctypes.c_void_p(a) for a in (
                ctypes.addressof(self.pointers), ctypes.addressof(native.constants), self.address
            )
        )  # fmt: skip

    def run(self, inputs: list[Any]) -> list[Any]:
        """One call."""
        self.take(inputs)
        return self.work()

    def take(self, inputs: list[Any]) -> None:
        """Point to all inputs."""
        self.inputs = inputs
        self.owners = {id(owner_of(inputs[i])) for i in self.written}
        for i, x in enumerate(inputs):
            self._point(i, x)
        self.back = [i for i in self.written if i in self.copies]

    def again(self, new: tuple[Any, ...], numbers: list[int]) -> list[Any]:
        """One call with other arrays for some inputs."""
        for i, x in zip(numbers, new):
            if self.small[i]:
                self._copy(i, x)
            else:
                self._point(i, x)
        return self.work()

    def _copy(self, i: int, x: Any) -> None:
        self.copies[i], self.held[i], self.pointers[i] = x, None, self.addresses[i]

    def _point(self, i: int, x: Any) -> None:
        # What is written must not show in another input: of two views of one array one is a copy.
        apart = id(owner_of(x)) not in self.owners if i not in self.written else x.base is None
        if apart and _fits(x, self.buffers[i]):
            self.pointers[i], self.held[i] = x.ctypes.data, x
            self.copies.pop(i, None)
        else:
            self._copy(i, x)

    def work(self) -> list[Any]:
        """Run what there is to run."""
        for i, x in self.copies.items():  # whose owners may have changed them
            self.buffers[i][...] = x
        generators = self.native.generators
        states = [g.bit_generator.state for g in generators]
        try:
            if any(call(*self.arguments) for call in self.calls):
                raise Retry
        except Retry:
            for generator, state in zip(generators, states, strict=True):
                generator.bit_generator.state = state
            raise
        for i in self.back:
            self.copies[i][...] = self.buffers[i]
        outputs = [None] * self.count
        for k, result in self.results:
            outputs[k] = result()
        return outputs

    def _view(self, place: Place) -> np.ndarray:
        """The array at a place in this memory."""
        storage = place.storage
        if storage.kind == "input":
            raise LookupError
        if storage.kind == "constant":
            return place.array
        end = storage.offset + storage.size * storage.dtype.itemsize
        flat = self.memory[storage.offset : end].view(storage.dtype)
        return _strided(flat, place)

    def _array(self, value: Value) -> Any:
        place = self.native.emitted.made.place(value)
        if place.storage.kind == "input":
            return lambda: _strided(self._input(place.storage.index), place)
        view = self._view(place)
        return lambda: view

    def _input(self, i: int) -> Any:
        held = self.held[i]
        if held is None:
            return self.buffers[i]
        if i in self.written:  # as C writes into it, whether it is locked or not
            held.flags.writeable = True
        return held

    def _result(self, output: Any) -> Any:
        if not isinstance(output, Value):
            return output.copy if isinstance(output, np.ndarray) else lambda: output
        made = self.native.emitted.made
        get = self._array(output)
        if not output.shape and made.place(output).storage.kind != "input":
            number = get()
            return number.item if output.weak else lambda: number[()]
        return lambda: np.array(get())[()]

    def _call(self, operation: Any) -> Any:
        """A call of numpy on arrays in this memory."""
        instruction = operation.instruction
        if instruction.body is not None:
            return self._loop(instruction)
        out = [self._array(v) for v in instruction.out]

        def leaf(x: Any) -> Any:
            return self._array(x)() if isinstance(x, Value) else x

        def call(*pointers: Any) -> int:
            args, kwargs = mapped(leaf, instruction.args), mapped(leaf, instruction.kwargs)
            made = instruction.function(*args, **kwargs)
            for target, result in zip(out, made if instruction.is_tuple else (made,), strict=True):
                _put(target(), result, instruction)
            return 0

        return call

    def _loop(self, instruction: Instruction) -> Any:
        """A loop whose steps need numpy."""
        inputs = list(dict.fromkeys(instruction.inputs()))
        run = replayed(Program(inputs, [instruction], list(instruction.out)))
        out = [self._view(self.native.emitted.made.place(v)) for v in instruction.out]
        given = [self._array(v) for v in inputs]

        def call(*pointers: Any) -> int:
            for target, result in zip(out, run(*(get() for get in given)), strict=True):
                target[...] = result
            return 0

        return call


def _strided(flat: np.ndarray, place: Place) -> np.ndarray:
    """The part of contiguous memory that a place is."""
    return np.lib.stride_tricks.as_strided(
        flat.reshape(-1)[place.offset :], place.shape, place.array.strides
    )


def _put(target: np.ndarray, result: Any, instruction: Instruction) -> None:
    """Write a result of numpy's into this memory."""
    found = np.asarray(result)
    if found.shape != target.shape or found.dtype.kind != target.dtype.kind:
        # To do the call once more could write into the arguments twice.
        raise TraceError(
            f"{instruction.origin} gets {describe(found)} from np.{instruction.name}, and has got "
            f"{describe(target)} when it was compiled: keep this part out of the compiled function"
        )
    target[...] = found


def _buffer(value: Value) -> np.ndarray:
    return np.empty(value.shape, value.dtype)


def _fits(x: Any, buffer: np.ndarray) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == buffer.dtype and x.flags.c_contiguous and (
        x.flags.aligned)  # fmt: skip
