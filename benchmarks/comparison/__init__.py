"""What autodiff and its peers can do, tried out: ``python -m benchmarks.comparison [--write]``.

A probe is a method of a few lines, named as its feature in `features`. Those that can be written
once for all stand in `library`; a file for each library holds the others.
"""

from __future__ import annotations

__all__ = ["LIBRARIES"]

LIBRARIES = {
    "autodiff": "autodiff",
    "torch": "PyTorch",
    "jax": "JAX",
    "autograd": "autograd",
    "mygrad": "MyGrad",
    "micrograd": "micrograd",
    "tinygrad": "tinygrad",
}
"""By the name of their package, in the order of the tables."""
