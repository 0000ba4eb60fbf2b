"""A function called once on arrays that write down what is done with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.capture import Captured
from autodiff.compiler.tracing.effects import arguments_untouched, random_untouched, refuse_kept
from autodiff.compiler.tracing.held import put_back
from autodiff.compiler.tracing.kinds import dynamic, key_of
from autodiff.compiler.tracing.program import Program, Value, mapped, named
from autodiff.compiler.tracing.refusals import of_a_step
from autodiff.compiler.tracing.results import Results, originals
from autodiff.compiler.tracing.scalars import scalars
from autodiff.compiler.tracing.simplify import simplified
from autodiff.compiler.tracing.traced import Recorder, Traced, TraceError, recording_into
from autodiff.errors import AutodiffError
from autodiff.nodes import Info, Node, TensorNode
from autodiff.scalar import Scalar
from autodiff.settings import Scope, current, is_recording
from autodiff.settings import recording as recording_scope
from autodiff.sparse import RowGrad
from autodiff.tensor import Tensor

__all__ = ["Trace", "trace"]


@dataclass
class Trace:
    """What one call has shown.

    Attributes
    ----------
    program : Program
        Its inputs are the dynamic leaves of the arguments, each once, then gradients that leaves
        had before. Its outputs are the results, then the new values of inputs written into, then
        gradients.
    results : list
        For each leaf of what the function returns: "tensor", "tracked" (which has a derivative in
        eager mode), the same for a "scalar" and a "tracked scalar", "array", ("rows", shape) for
        the rows and values of a `RowGrad`; or, without an output, ("static", leaf), and
        ("same", i) for the very argument that is input i.
    definition : TreeDef
        Of what the function returns.
    updates : list of int
        Which inputs get new values.
    grads : dict
        Which inputs get gradients, and the kind of each, as for results.
    grad_outputs : int
        How many outputs make up these gradients.
    lost : list of int
        Which inputs lose theirs.
    """

    program: Program
    results: list[Any]
    definition: Any
    updates: list[int]
    grads: dict[int, Any]
    grad_outputs: int
    lost: list[int]


def trace(captured: Captured, leaves: list[Any], definition: Any) -> Trace:
    """Call a function and write down what it does.

    It gets the tree ``(given, kwargs, arrays)``, the last of them those that modules hold.
    """
    under_way = Recorder()
    made, results = _traced(under_way, captured, leaves, definition)
    refuse_kept(under_way.arrays, under_way.program)
    results.renew(made.program.outputs)
    made.program = simplified(made.program)
    return made


def _traced(
    under_way: Recorder, captured: Captured, leaves: list[Any], definition: Any
) -> tuple[Trace, Results]:
    watcher = _Watcher(under_way)
    inputs = dynamic(leaves)
    stand_ins = {key: _stand_in(under_way, leaf) for key, leaf in inputs.items()}
    for key, leaf in inputs.items():
        _hand_over_gradient(under_way, leaf, stand_ins[key])
    filled = [stand_ins.get(key_of(i, leaf), leaf) for i, leaf in enumerate(leaves)]
    given, kwargs, arrays = tree.unflatten(definition, filled)
    put_back((given, kwargs), arrays)
    started = list(under_way.program.inputs)
    same = {id(s): original for s, original in originals(definition, (given, kwargs, arrays))}
    with recording_into(under_way):
        out = _within(watcher, captured, given, kwargs)
        scalar = scalars(under_way.program, zip(started, inputs.values()))
        results = Results(out, list(stand_ins.values()), same, scalar)
        made = _finished(under_way, started, list(stand_ins.values()), results)
    return made, results


def _within(watcher: _Watcher, captured: Captured, given: list[Any], kwargs: Any) -> Any:
    scope = Scope(None, current.get(), watcher)
    leaves = tree.flatten([given, kwargs])[0]
    generators = [g for g in leaves if isinstance(g, np.random.Generator)] + captured.generators
    tokens = current.set(scope), recording_scope.set(scope if is_recording() else None)
    try:
        with random_untouched(), arguments_untouched([given, kwargs], generators):
            return captured.call(given, kwargs)
    except (TypeError, ValueError) as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, TraceError) and not isinstance(error, AutodiffError):
            raise cause from None  # numpy had its own words for it
        raise
    finally:
        current.reset(tokens[0])
        recording_scope.reset(tokens[1])


def _stand_in(under_way: Recorder, leaf: Any) -> Any:
    if isinstance(leaf, Scalar):
        hooks = leaf._node.info.hooks if leaf._node and leaf._node.info else ()
        leaf = Tensor(leaf._value, requires_grad=leaf.requires_grad, name=leaf.name)
        if hooks:
            leaf._node.info.hooks = hooks
    if not isinstance(leaf, Tensor):
        return under_way.input(leaf)
    made = object.__new__(type(leaf))
    made._value, made._node = under_way.input(leaf._value), None
    if leaf._node is not None:
        made._node = TensorNode(None, (), (), (leaf.shape, leaf.dtype))
        made._node.info = _LeafInfo(leaf.name, keeps_grad=leaf.requires_grad)
        made._node.info.hooks = leaf._node.info.hooks if leaf._node.info else ()
    return made


def _hand_over_gradient(under_way: Recorder, leaf: Any, stand_in: Any) -> None:
    if getattr(leaf, "grad", None) is not None:
        grad = leaf.grad._value if isinstance(leaf.grad, Tensor) else np.asarray(leaf.grad)
        stand_in._node.info.grad = under_way.input(grad)


class _LeafInfo(Info):
    """Notes whether the function forgets a gradient: then what is left of it does not matter."""

    __slots__ = ("_grad", "forgets")

    def __init__(self, name: str | None, keeps_grad: bool) -> None:
        self.forgets = False
        super().__init__(name, keeps_grad)
        self.forgets = False

    @property
    def grad(self) -> Any:
        return self._grad

    @grad.setter
    def grad(self, value: Any) -> None:
        self.forgets |= value is None
        self._grad = value


class _Watcher:
    """Refuses tensors that are no arguments."""

    def __init__(self, under_way: Recorder) -> None:
        self.under_way = under_way

    def __call__(self, node: Node, out: Any, args: Any) -> None:
        self.under_way.refuse_old(*node.parents)

    def leaf(self, node: Node, value: Any) -> None:
        """Made within the function."""

    def backward(self, order: list[Node], seeds: Any) -> None:
        """Nothing to do."""


def _finished(
    under_way: Recorder, started: list[Value], stand_ins: list[Any], results: Results
) -> Trace:
    program, outputs = under_way.program, results.outputs
    updates: list[int] = []
    lost: list[int] = []
    new_grads: list[Any] = []
    grads: dict[int, Any] = {}
    for i, (stand_in, start) in enumerate(zip(stand_ins, started)):
        held = stand_in._value if isinstance(stand_in, Tensor) else stand_in
        changed = not isinstance(held, Traced) or held.value is not start
        if changed:
            updates.append(i)
            outputs.append(named(held))
        if isinstance(stand_in, Tensor):
            _sort_gradient(i, stand_in, changed, grads, new_grads, lost)
    program.outputs = mapped(under_way.own, [*outputs, *new_grads])
    if program.free():
        raise of_a_step()
    count = len(new_grads)
    return Trace(program, results.kinds, results.definition, updates, grads, count, lost)


def _sort_gradient(
    i: int, stand_in: Any, changed: bool, grads: dict[int, Any], new: list[Any], lost: list[int]
) -> None:
    """A gradient that a step has used, and that the function forgets before it makes the next one,
    has served; any other one is handed out."""
    grad = stand_in.grad
    if grad is None or (changed and stand_in._node.info.forgets):
        lost.append(i)
        return
    if isinstance(grad, RowGrad):
        grads[i] = ("rows", grad.shape)
        new += [named(grad.rows), named(grad.values)]
        return
    grads[i] = "array"
    new.append(named(grad._value if isinstance(grad, Tensor) else grad))
