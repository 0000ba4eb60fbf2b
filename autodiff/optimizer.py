"""What all step rules share: the loop over parameters, their state, and the settings checked.

A rule is written once, on arrays that it may write into. The step hands it whole parameters, or,
for the row-sparse gradient of a lookup, just the rows that were used: the others keep their values
and their state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.errors import DomainError, GraphError, require_number
from autodiff.op import array, asarray
from autodiff.settings import is_compiling
from autodiff.sparse import RowGrad, put_rows, taken_rows
from autodiff.state import fitted, leaves
from autodiff.tracked import Tracked

__all__ = ["Optimizer", "above_zero", "within"]


class Optimizer:
    """What all step rules share. A rule states `_update` and the names of the state it `keeps`.

    Parameters
    ----------
    params : iterable of Tensor or Scalar
        Leaves that require a gradient. One whose gradient is None is left as it is.
    lr : float
        Learning rate; may be set anew before each step.

    Attributes
    ----------
    params : list

    Raises
    ------
    DomainError
        If there are no parameters, one occurs twice, or a setting is outside its range.
    GraphError
        If a parameter is no leaf that requires a gradient.
    DTypeError
        If `params` is no list, but one parameter.
    """

    keeps: tuple[str, ...] = ()
    _settings: tuple[str, ...] = ()

    def __init__(self, params: Iterable[Any], lr: float) -> None:
        self.params: list[Any] = leaves(params)
        self._lr, self._steps = np.array(0.0), np.array(0)
        # float16 has too few digits for sums over many steps, and too small a range for squares.
        dtypes = [np.promote_types(p.dtype, np.float32) for p in self.params]
        self._rates = {dtype: np.array(0.0, dtype) for dtype in dtypes}
        self._state = [
            tuple(np.zeros(p.shape, dtype) for _ in self.keeps)
            for p, dtype in zip(self.params, dtypes)
        ]
        self._slots = [*zip(self.params, _scratch(self.params, dtypes), self._state)]
        self.lr = lr

    @property
    def lr(self) -> float:
        """Learning rate; while a function is being compiled, what stands for it."""
        return _number(self._lr, float)  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, value: float) -> None:
        # numpy multiplies by an array of the same dtype in half the time that a number takes.
        self._lr[...] = within(value, "lr", 0.0, inf)
        for rate in self._rates.values():
            rate[...] = self._lr

    @property
    def steps(self) -> int:
        """Number of steps taken."""
        return _number(self._steps, int)  # type: ignore[no-any-return]

    def step(self) -> None:
        """Change each parameter by its gradient.

        Raises
        ------
        GraphError
            If no parameter has a gradient.
        """
        pending = [(g, *slot) for slot in self._slots if (g := slot[0].grad) is not None]
        if not pending:
            raise GraphError("step(): no parameter has a gradient; call backward() on a loss first")
        self._steps += 1
        self._prepare()
        for g, p, scratch, state in pending:
            if g.__class__ is RowGrad:
                self._update_rows(p, g, scratch.dtype, state)
                continue
            if g.__class__ is not np.ndarray or g.dtype is not scratch.dtype:
                g = _plain(g, scratch.dtype)
            t = asarray(array(p._value), scratch.dtype) if is_compiling() else scratch
            if p.shape:
                self._update(p._writable(), g, t, *state)
            else:  # holds a number, not an array
                x = array(p._value, p.dtype)
                self._update(x, g, t, *state)
                p.data = x

    def _prepare(self) -> None:
        """Work out what a step needs once."""

    def _update(self, x: Any, g: Any, t: Any, *state: Any) -> None:
        """Write the new values into `x` and `state`; `t` is scratch space of the same shape."""
        raise NotImplementedError(f"{type(self).__name__} states no _update()")

    def _update_rows(self, p: Any, gradient: RowGrad, dtype: Any, state: tuple[Any, ...]) -> None:
        once = gradient.coalesce()
        rows, g, whole = once.rows, _plain(once.values, dtype), (p._writable(), *state)
        x, *parts = (taken_rows(held, rows) for held in whole)
        self._update(x, g, np.empty_like(g), *parts)
        for held, part in zip(whole, (x, *parts)):
            put_rows(held, rows, part)

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.zero_grad()

    def state_dict(self) -> dict[str, np.ndarray]:
        """All that a later run needs to go on to the same numbers, as copies.

        Returns
        -------
        dict of str to ndarray
            Ready for `autodiff.io.save`.
        """
        arrays = {name: array.copy() for name, array in self._named_state().items()}
        return {"lr": np.array(self.lr), "steps": np.array(self.steps), **arrays}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the `state` of a like optimiser. After an error nothing has changed.

        Parameters
        ----------
        state : mapping of str to array_like
            As `state_dict` gives it.

        Raises
        ------
        FormatError
            If it is the state of another rule or of other parameters.
        ShapeError
            If a parameter had another shape.
        """
        mine = self._named_state()
        wanted = {"lr": np.array(0.0), "steps": np.array(0), **mine}
        new = fitted(state, wanted, type(self).__name__)
        self.lr, self._steps[...] = float(new["lr"]), int(within(new["steps"], "steps", 0, inf))
        for name, part in mine.items():
            part[...] = new[name]

    def _named_state(self) -> dict[str, np.ndarray]:
        return {
            f"{name}.{i}": array
            for i, arrays in enumerate(self._state)
            for name, array in zip(self.keeps, arrays)
        }

    def __repr__(self) -> str:
        text = ", ".join(f"{name}={getattr(self, name)}" for name in ("lr", *self._settings))
        return f"{type(self).__name__}({len(self.params)} parameters, {text})"


def _scratch(params: list[Any], dtypes: list[Any]) -> list[np.ndarray]:
    """One view for each parameter into one buffer a dtype, as only one is used at a time."""
    sizes = {d: max(p.size for p, e in zip(params, dtypes) if e == d) for d in dtypes}
    buffers = {d: np.empty(size, d) for d, size in sizes.items()}
    return [buffers[d][: p.size].reshape(p.shape) for p, d in zip(params, dtypes)]


def _plain(g: Any, dtype: Any) -> Any:
    """A gradient as an array of this dtype, whatever it was set to or recorded as."""
    return asarray(g._value if isinstance(g, Tracked) else g, dtype)


def _number(x: Any, kind: Any) -> Any:
    return x.copy() if hasattr(x, "is_traced") else kind(x)


def within(value: float, name: str, low: float, high: float) -> float:
    """A setting that has to be in [low, high); what stands for one in a trace is not checked."""
    value = value._value if is_compiling() and isinstance(value, Tracked) else value
    if hasattr(value, "is_traced"):
        return value
    require_number(value, name)
    if not low <= value < high:
        raise DomainError(f"{name}={value} is outside [{low:g}, {high:g})")
    return float(value)


def above_zero(value: float, name: str) -> float:
    """A setting that has to be positive and finite."""
    require_number(value, name)
    if not 0 < value < inf:
        raise DomainError(f"{name}={value} is not above zero")
    return float(value)


def _children(optimizer: Optimizer) -> list[Any]:
    state = [part for parts in optimizer._state for part in parts]
    rates = optimizer._rates.values()
    return [*optimizer.params, *state, optimizer._lr, optimizer._steps, *rates]


def _rebuild(optimizer: Optimizer, children: list[Any]) -> Optimizer:
    """An optimiser like this one of other parameters, with another state."""
    made = object.__new__(type(optimizer))
    worked_out = ("_rate", "_eps")  # by each step anew
    vars(made).update({k: v for k, v in vars(optimizer).items() if k not in worked_out})
    rest = iter(children)
    made.params = [next(rest) for _ in optimizer.params]
    made._state = [tuple(next(rest) for _ in arrays) for arrays in optimizer._state]
    made._lr, made._steps = next(rest), next(rest)
    made._rates = {dtype: next(rest) for dtype in optimizer._rates}
    scratch = [slot[1] for slot in optimizer._slots]
    made._slots = [*zip(made.params, scratch, made._state)]
    return made


tree.register(Optimizer, _children, _rebuild)
