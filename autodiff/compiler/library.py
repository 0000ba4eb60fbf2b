"""C of the user's own, built with what the generated C has."""

from __future__ import annotations

import ctypes

from autodiff.compiler.native import toolchain
from autodiff.compiler.native.gemm import VECTORS
from autodiff.compiler.native.maths import maths_for

__all__ = ["library"]


def library(text: str, *, cache: bool = True) -> ctypes.CDLL:
    """Build C text as a shared library and load it.

    Parameters
    ----------
    text : str
        May call the elementary functions by name and precision (``exp_f32``, ``sigmoid_f64``, as
        the `source` of compiled functions does), and use ``VECTOR_BYTES``, ``KERNEL``, ``FUSE``,
        ``UNROLL`` and ``SHUFFLE``: the vectors of the target, for several compilers.
    cache : bool
        Whether to keep it on disk, and to take it from there.

    Raises
    ------
    CompilerError
        If there is no compiler, or it refuses the text.

    Examples
    --------
    >>> text = "double half_of_e(void) { return exp_f64(1.0) / 2.0; }"
    >>> half_of_e = library(text).half_of_e
    >>> half_of_e.restype = ctypes.c_double
    >>> round(half_of_e(), 6)
    1.359141
    """
    return toolchain.build("\n".join([VECTORS, maths_for(text), text]), cache=cache)
