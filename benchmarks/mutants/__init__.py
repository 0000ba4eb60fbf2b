"""Wrong gradients: what people get wrong, beside what they meant.

They come from course assignments (affine layers, softmax, batch norm, convolution, pooling,
recurrent steps, attention), from the bug reports of autodiff libraries, and from the usual lists
of mistakes. None was chosen by what a checker finds.
"""

from __future__ import annotations

from benchmarks.mutants import (
    broadcasting,
    contract,
    elementwise,
    layers,
    products,
    reductions,
    selection,
    sequences,
)
from benchmarks.mutants.mutant import KINDS, Mutant

__all__ = ["KINDS", "MUTANTS", "Mutant"]

MUTANTS: tuple[Mutant, ...] = (
    *elementwise.MUTANTS,
    *broadcasting.MUTANTS,
    *products.MUTANTS,
    *reductions.MUTANTS,
    *selection.MUTANTS,
    *layers.MUTANTS,
    *sequences.MUTANTS,
    *contract.MUTANTS,
)
