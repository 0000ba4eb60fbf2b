"""Gradient checkers of several libraries, made to look alike: what each says of a gradient.

Each is called as its users call it, with the tolerances it has by default, and through the door
that its library has for functions written with numpy. The wrapped function is given what that
library hands out: torch the memory of its own tensors, autograd its arrays, jax arrays that
cannot be written to.
"""

from __future__ import annotations

import copy
import importlib
import itertools
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import numpy as np

from benchmarks.mutants.mutant import Array, Mutant, Vjp

__all__ = ["CHECKERS", "Verdict", "causes", "survey"]

Verdict: TypeAlias = Callable[[Mutant, Sequence[Array], Vjp], bool]
"""Takes the mutant, its inputs and a gradient; True if that is accepted as right."""

_COMPILED = itertools.count(1)
"""Calls of JAX's checker."""


def causes(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp) -> list[str] | None:
    """Let our checker judge a gradient.

    Returns
    -------
    list of str or None
        The kinds of the causes it names, the likeliest first; None if it accepts the gradient.
    """
    from autodiff.testing import GradientError, check_gradients

    try:
        check_gradients(mutant.forward, *_copies(inputs), vjp=vjp)
    except GradientError as error:
        return [] if error.report is None else [cause.kind for cause in error.report.causes]
    return None


def autodiff(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp) -> bool:
    """Ours."""
    return causes(mutant, inputs, vjp) is None


def torch(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp, fast_mode: bool = False) -> bool:
    """PyTorch's, entry by entry."""
    torch = importlib.import_module("torch")

    class Wrapped(torch.autograd.Function):  # type: ignore[misc, name-defined]
        @staticmethod
        def forward(ctx: Any, *tensors: Any) -> Any:
            ctx.save_for_backward(*tensors)
            return tensor(mutant.forward(*(x.detach().numpy() for x in tensors)))

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            saved = (x.detach().numpy() for x in ctx.saved_tensors)
            return tuple(map(tensor, _each(vjp(cotangents[0].detach().numpy(), *saved))))

    def tensor(array: Any) -> Any:
        # Torch has no negative strides; its users copy such arrays.
        array = np.asarray(array)
        return torch.from_numpy(array if min(array.strides, default=0) >= 0 else array.copy())

    tensors = [torch.tensor(x, requires_grad=True) for x in inputs]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        gradcheck = torch.autograd.gradcheck
        return _passes(lambda: gradcheck(Wrapped.apply, tensors, fast_mode=fast_mode))


def torch_fast(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp) -> bool:
    """PyTorch's, along random directions."""
    return torch(mutant, inputs, vjp, fast_mode=True)


def jax(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp) -> bool:
    """JAX's, in double precision."""
    jax = importlib.import_module("jax")
    test_util = importlib.import_module("jax.test_util")

    def shape_of(array: Array) -> Any:
        return jax.ShapeDtypeStruct(array.shape, array.dtype)

    shapes, out_shape = tuple(map(shape_of, inputs)), shape_of(mutant.forward(*_copies(inputs)))

    def forward(*arrays: Any) -> Any:
        return mutant.forward(*map(np.asarray, arrays))

    def backward(cotangent: Any, *arrays: Any) -> Any:
        return _each(vjp(np.asarray(cotangent), *map(np.asarray, arrays)))

    @jax.custom_vjp  # type: ignore[untyped-decorator]
    def wrapped(*arrays: Any) -> Any:
        return jax.pure_callback(forward, out_shape, *arrays)

    wrapped.defvjp(
        lambda *arrays: (wrapped(*arrays), arrays),
        lambda arrays, cotangent: jax.pure_callback(backward, shapes, cotangent, *arrays),
    )
    before = jax.config.jax_enable_x64
    jax.config.update("jax_enable_x64", True)
    try:
        arrays = tuple(map(jax.numpy.asarray, _copies(inputs)))
        with _silent("jax._src.callback"):
            return _passes(lambda: test_util.check_grads(wrapped, arrays, order=1, modes=["rev"]))
    finally:
        jax.config.update("jax_enable_x64", before)
        if next(_COMPILED) % 50 == 0:
            jax.clear_caches()  # each of the functions would hold 4 MB


def autograd(mutant: Mutant, inputs: Sequence[Array], vjp: Vjp) -> bool:
    """The one of HIPS autograd, for each input in turn."""
    extend = importlib.import_module("autograd.extend")
    test_util = importlib.import_module("autograd.test_util")
    wrapped = extend.primitive(mutant.forward)

    def of_input(number: int) -> Any:
        return lambda out, *arrays: lambda cotangent: _each(vjp(cotangent, *arrays))[number]

    extend.defvjp(wrapped, *map(of_input, range(len(inputs))))

    def check() -> None:
        for number in range(len(inputs)):
            # The second order, which is the default, needs gradients of the gradient.
            test_util.check_grads(wrapped, number, modes=["rev"], order=1)(*_copies(inputs))

    before = np.random.get_state()  # noqa: NPY002, it draws from nothing else
    np.random.seed(0)  # noqa: NPY002
    try:
        return _passes(check)
    finally:
        np.random.set_state(before)  # noqa: NPY002


CHECKERS: dict[str, Verdict] = {
    "autodiff": autodiff,
    "torch": torch,
    "torch_fast": torch_fast,
    "jax": jax,
    "autograd": autograd,
}
"""By name, in the order of tables."""


def survey(
    mutants: Sequence[Mutant], checkers: Mapping[str, Verdict], seeds: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Let every checker judge every gradient, at inputs drawn by each of the seeds.

    Parameters
    ----------
    mutants : sequence of Mutant
    checkers : mapping
        Those of `CHECKERS` that can be imported.
    seeds : sequence of int

    Returns
    -------
    dict
        For each checker ``caught``, the share of the wrong gradients that it rejects, and
        ``refused``, the share of the right ones; ``missed`` and ``wrongly_refused`` name them, with
        the seeds. For ours also ``named``, the share of the wrong gradients whose first cause is
        true, and ``misleading``, the share for which causes are named and none is true;
        ``misnamed`` says for every one that is caught and not ``named`` which causes were printed,
        and ``misled`` for which of them none was true.
    """
    cases = [(mutant, seed) for mutant in mutants for seed in seeds]
    return {name: _judged(name, verdict, cases) for name, verdict in checkers.items()}


def _judged(name: str, verdict: Verdict, cases: Sequence[tuple[Mutant, int]]) -> dict[str, Any]:
    refused, missed = [], []
    said: dict[tuple[str, int], list[str]] = {}
    true = {mutant.name: mutant.kinds for mutant, _ in cases}
    for mutant, seed in cases:
        case, inputs = (mutant.name, seed), mutant.inputs(np.random.default_rng(seed))
        if not verdict(mutant, inputs, copy.deepcopy(mutant.right)):
            refused.append(case)
        if name == "autodiff":
            found = causes(mutant, inputs, copy.deepcopy(mutant.wrong))
            if found is not None:
                said[case] = found
            accepted = found is None
        else:
            accepted = verdict(mutant, inputs, copy.deepcopy(mutant.wrong))
        if accepted:
            missed.append(case)
    count = len(cases)
    result = {
        "caught": 1 - len(missed) / count, "missed": missed,
        "refused": len(refused) / count, "wrongly_refused": refused,
    }  # fmt: skip
    if name == "autodiff":
        misnamed = {case: kinds for case, kinds in said.items()
                    if not set(kinds[:1]) & set(true[case[0]])}  # fmt: skip
        misled = [case for case, kinds in misnamed.items()
                  if kinds and not set(kinds) & set(true[case[0]])]  # fmt: skip
        result |= {
            "named": (len(said) - len(misnamed)) / count, "misnamed": misnamed,
            "misleading": len(misled) / count, "misled": misled,
        }  # fmt: skip
    return result


def _passes(check: Callable[[], Any]) -> bool:
    """Whether a check raises nothing; warnings are no verdict."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            check()
        except Exception:
            return False
    return True


def _each(gradients: Any) -> tuple[Any, ...]:
    return tuple(gradients) if isinstance(gradients, tuple) else (gradients,)


def _copies(arrays: Sequence[Array]) -> tuple[Array, ...]:
    return tuple(array.copy() for array in arrays)


@contextmanager
def _silent(logger: str) -> Iterator[None]:
    """Keep a library from printing a traceback for each gradient that it refuses."""
    log = logging.getLogger(logger)
    before, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = before
