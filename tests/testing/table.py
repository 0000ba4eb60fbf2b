"""How each op of the table is tested: as what function, beside which of numpy, on what inputs.

What its row says of an op is taken from the row: the domain, the twin in numpy, an axis to reduce
over. The rest is stated here. A setting may be a strategy, or a function of the inputs that gives
one.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from hypothesis import strategies as st

import autodiff as ad
from autodiff.functions import FUNCTIONS
from autodiff.op import OPS, Op
from autodiff.testing import axes_of, einsum_specs, gradient_test, indices_of

__all__ = ["NAMES", "tested"]

HIDDEN = {"item", "cofactors"}
"""Rows without a public function: tested within `qr`, `svd` and others, and `det`."""

FLAG, SHIFT = st.booleans(), st.integers(-2, 2)
AXIS = axes_of(0, none=False, several=False)  # of an array that has any
ANY_AXIS = axes_of(0, several=False)
AXES, ROWS = {"min_dims": 1}, {"min_dims": 1, "max_dims": 2}
MATRICES = {"min_dims": 2}
SQUARE = {"shapes": "(n,n)", "domain": "regular"}
NO_TIES = {"domain": "no ties"}
"""Settings that several ops share. Beyond +-16, exponentials soon overflow."""


def new_shape(x: Any) -> Any:
    return st.sampled_from([(x.size,), (1, *x.shape), x.shape[::-1], (-1, 1)])


def taller(x: Any) -> Any:
    return st.sampled_from([x.shape, (2, *x.shape), (3, 1, *x.shape)])


def places(x: Any, *rest: Any) -> Any:
    """Row numbers of a table, some of them twice."""
    number = st.integers(0, len(x) - 1)
    return st.lists(number, min_size=1, max_size=4).map(np.array)


def classes(x: Any) -> Any:
    """A class for each row of scores."""
    number, n = st.integers(0, x.shape[-1] - 1), math.prod(x.shape[:-1])
    return st.lists(number, min_size=n, max_size=n).map(lambda c: np.reshape(c, x.shape[:-1]))


def masks(*arrays: Any) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, arrays))
    n = math.prod(shape)
    return st.lists(FLAG, min_size=n, max_size=n).map(lambda m: np.reshape(m, shape).astype(bool))


def widths(x: Any) -> Any:
    pair = st.tuples(st.integers(0, 2), st.integers(0, 2))
    return st.lists(pair, min_size=x.ndim, max_size=x.ndim)


def kth(x: Any) -> Any:
    return st.integers(0, x.shape[-1] - 1)


def orders(x: Any) -> Any:
    return st.none() | st.permutations(range(x.ndim)).map(tuple)


def symmetric(x: Any) -> Any:
    return (x + np.swapaxes(x, -1, -2)) / 2


def apart(x: Any) -> Any:
    """A matrix with eigenvalues, and singular values, that are all different."""
    return x + np.diag(10.0 * np.arange(1, x.shape[-1] + 1))


def tilted(x: Any) -> Any:
    """A matrix whose entries below the diagonal are not 0: there the signs of a QR would jump."""
    return x + 0.37 * np.tri(x.shape[-1], k=-1)


BY_HAND: dict[str, dict[str, Any]] = {
    **{name: {"domain": (-16.0, 16.0)} for name in ("exp", "exp2", "expm1", "sinh", "cosh")},
    "ldexp": {"f": lambda x, k: ad.ldexp(x, k), "k": st.integers(-3, 3)},
    "leaky_relu": {"f": lambda x: ad.leaky_relu(x, 0.25)},
    "elu": {"f": lambda x: ad.elu(x, 0.5), "domain": "x != 0"},
    "where": {"f": lambda x, y, condition: ad.where(condition, x, y), "condition": masks},
    "clip": {"f": lambda x: ad.clip(x, -1.0, 2.0), "vs": lambda x: np.clip(x, -1.0, 2.0)},
    "nan_to_num": {},
    "getitem": {"f": lambda x, index: x[index], "index": indices_of(0)},
    "scatter_add": {"f": lambda x, index: ad.scatter_add(x, index, (4, *x.shape[1:])),
                    "index": lambda x: st.lists(st.integers(-4, 3), min_size=len(x),
                                                max_size=len(x)).map(np.array), **ROWS},
    "embedding": {"f": lambda table, ids: ad.embedding(table, ids), "ids": places,
                  "min_dims": 2, "max_dims": 2},
    "matmul": {"shapes": "(n,d),(d,m)->(n,m)"},
    "tensordot": {"shapes": "(n,d,e),(d,e,m)->(n,m)", "axes": 2},
    "cross": {"shapes": "(n,3),(n,3)->(n,3)", "vs": np.cross},
    "einsum": {"f": ad.einsum, "vs": np.einsum, "shapes": einsum_specs(2), "arity": 3},
    "linear": {"shapes": "(n,d),(m,d),(m)->(n,m)", "vs": lambda x, W, b: x @ W.T + b, "arity": 3},
    "sort": {"axis": ANY_AXIS, **NO_TIES, **AXES},
    "partition": {"f": lambda x, kth: ad.partition(x, kth), "kth": kth, **NO_TIES,
                  **AXES},
    "cumsum": {"axis": ANY_AXIS},
    "cumprod": {"axis": ANY_AXIS},
    "softmax": {"axis": AXIS, **AXES},
    "log_softmax": {"axis": AXIS, **AXES},
    "softmax_cross_entropy": {"f": lambda logits, target: ad.cross_entropy(logits, target),
                              "target": classes, **ROWS},
    # At 1e6 its second derivatives are 1e-19, and lost.
    "standardize": {"axis": AXIS, "eps": 0.5, "domain": (-8.0, 8.0), **AXES},
    "vector_norm": {"f": lambda x, axis: ad.linalg.vector_norm(x, axis=axis), "axis": axes_of(0),
                    "vs": lambda x, axis: np.linalg.vector_norm(x, axis=axis)},
    "reshape": {"shape": new_shape},
    "transpose": {"axes": orders},
    "broadcast_to": {"shape": taller},
    "astype": {"f": lambda x: ad.astype(x, float)},
    "swapaxes": {"axis1": AXIS, "axis2": AXIS, **AXES},
    "moveaxis": {"source": AXIS, "destination": AXIS, **AXES},
    "flip": {"axis": axes_of(0)},
    "roll": {"shift": SHIFT, "axis": ANY_AXIS},
    "rot90": {"k": SHIFT, **MATRICES},
    "tile": {"reps": st.sampled_from([2, (2, 1), (1, 3)])},
    "tril": {"k": SHIFT, **MATRICES},
    "triu": {"k": SHIFT, **MATRICES},
    "pad": {"pad_width": widths, "vs": np.pad, **AXES},
    "expand_dims": {"axis": st.sampled_from([0, -1])},
    "squeeze": {"f": lambda x: ad.squeeze(ad.expand_dims(x, 0), 0)},
    "concatenate": {"f": lambda x, y, axis: ad.concatenate([x, y, x], axis), "shapes": "same",
                    "axis": ANY_AXIS, **AXES},
    "stack": {"f": lambda x, y, axis: ad.stack([x, y, x], axis), "shapes": "same", "axis": AXIS,
              **AXES},
    "inv": SQUARE,
    "det": SQUARE,
    "pinv": SQUARE,
    "solve": {"shapes": "(n,n),(n,m)->(n,m)", "domain": ["regular", "real"]},
    "slogdet": {"f": lambda x: ad.linalg.slogdet(x)[1], **SQUARE},
    "cholesky": {"f": lambda x: ad.linalg.cholesky(symmetric(x)), "shapes": "(n,n)",
                 "domain": "definite", "vs": lambda x: np.linalg.cholesky(symmetric(x))},
    "qr": {"f": lambda x: tuple(ad.linalg.qr(tilted(x))),
           "vs": lambda x: tuple(np.linalg.qr(tilted(x))), **SQUARE},
    "eigh": {"f": lambda x: ad.linalg.eigh(symmetric(apart(x)))[0],
             "vs": lambda x: np.linalg.eigh(symmetric(apart(x)))[0], **SQUARE},
    "svd": {"f": lambda x: ad.linalg.svd(apart(x))[1],
            "vs": lambda x: np.linalg.svd(apart(x))[1], **SQUARE},
}  # fmt: skip
"""What a row does not say, by the name of the op."""


def _by_row(op: Op) -> dict[str, Any]:
    """What the row of an op says."""
    found: dict[str, Any] = {"domain": op.domain}
    if op.numpy and not getattr(op.numpy[0], "__module__", "").startswith("autodiff"):
        found["vs"] = op.numpy[0]
    if "axis" in op.params and op.name not in BY_HAND:
        found["axis"] = axes_of(0)
        found |= {"keepdims": FLAG} if "keepdims" in op.params else {}
    return found


def _settings(name: str) -> dict[str, Any]:
    """All that `gradient_test` is given for an op, its function among it."""
    op, by_hand = OPS[name], BY_HAND.get(name, {})
    f = FUNCTIONS[f"{op.namespace}.{name}" if op.namespace else name]
    row = _by_row(op)
    if "f" in by_hand:
        row.pop("vs", None)
    arity = {} if "f" in by_hand or "shapes" in by_hand else {"arity": len(op.args)}
    return {"f": f, **row, **arity, **by_hand}


def tested(name: str, **more: Any) -> Any:
    """The `gradient_test` of an op, with more settings."""
    return gradient_test(**{**_settings(name), **more})


NAMES = [name for name in OPS if name not in HIDDEN]
"""All ops with a public function."""
