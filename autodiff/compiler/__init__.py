"""Functions traced once and run as one program: in C, or as a straight line of numpy calls."""

from autodiff.compiler.call import Compiled, compile
from autodiff.compiler.environment import environment
from autodiff.compiler.tracing.scans import scan
from autodiff.compiler.tracing.traced import TraceError

__all__ = ["Compiled", "TraceError", "compile", "environment", "scan"]
