"""`scan`: a cell applied step by step; unrolled in eager mode, a loop in a compiled function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autodiff import tree
from autodiff.compiler.tracing.loop_nodes import traced_scan
from autodiff.compiler.tracing.steps import unrolled
from autodiff.compiler.tracing.traced import recorder
from autodiff.errors import DTypeError, ShapeError, require_function

__all__ = ["scan"]


def scan(
    cell: Callable[[Any, Any], tuple[Any, Any]], h0: Any, xs: Any, *, name: str = "step"
) -> tuple[Any, Any]:
    """Apply `cell` along a sequence: ``h, y = cell(h, x)`` for each x in turn.

    In eager mode the steps are recorded one by one, so that they can be drawn; in a compiled
    function they are one loop with backprop through time, and so are derivatives of any order: the
    time to compile does not grow with the number of steps.

    Parameters
    ----------
    cell : callable
        ``cell(h, x) -> (h, y)``. Both h have the same shapes and dtypes; y may be None, an array
        or a tree of arrays.
    h0 : array_like or tree of arrays
        The state before the first step; ``()`` where there is none.
    xs : array_like or tree of arrays
        Cut along the first axis, of the same length in all.
    name : str
        What the steps are called in pictures: ``"step t=1"``.

    Returns
    -------
    h : as `h0`
        The state after the last step.
    ys : as y
        The y of all steps, stacked along a new first axis.

    Raises
    ------
    ShapeError
        If there are no steps, or if lengths differ.
    DTypeError
        If h0 holds None, or `cell` cannot be called.

    Examples
    --------
    >>> import numpy as np
    >>> import autodiff as ad
    >>> h, ys = ad.scan(lambda h, x: (h + x, h * x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(h), np.asarray(ys)
    (6.0, array([0., 2., 9.]))
    """
    require_function(cell, "scan")
    if any(h is None for h in tree.flatten(h0)[0]):
        raise DTypeError("scan: h0 holds None, which is no state: give () where there is none")
    leaves, definition = tree.flatten(xs)
    lengths = {len(x) if np.ndim(_plain(x)) else 0 for x in leaves}
    length = lengths.pop() if len(lengths) == 1 else 0
    if not length:
        found = [np.shape(_plain(x)) for x in leaves]
        raise ShapeError(f"scan: xs has shapes {found}; they need one length of the first axis")
    if recorder.get() is not None:
        return traced_scan(cell, h0, leaves, definition, length)
    return unrolled(cell, h0, leaves, definition, length, name)


def _plain(x: Any) -> Any:
    return getattr(x, "_value", x)
