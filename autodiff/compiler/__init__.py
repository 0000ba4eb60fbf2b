"""Functions traced once and run as one program: in C, or as a straight line of numpy calls."""

from autodiff.compiler.call import Compiled, compile
from autodiff.compiler.environment import environment
from autodiff.compiler.library import library
from autodiff.compiler.native.toolchain import CompilerError
from autodiff.compiler.tracing.scans import scan
from autodiff.compiler.tracing.traced import TraceError

__all__ = [
    "Compiled", "CompilerError", "TraceError", "compile", "environment", "library", "scan",
]  # fmt: skip
