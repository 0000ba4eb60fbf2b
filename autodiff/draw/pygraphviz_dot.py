"""What `dot` does, by pygraphviz: run as a script, since only a process can be stopped.

Reads DOT from standard input, and writes the picture to standard output.
"""

import importlib
import os
import sys
from typing import Any

__all__ = ["main"]


def main() -> None:
    """Draw, or end with one line on standard error."""
    try:
        pygraphviz: Any = importlib.import_module("pygraphviz")
        # Nodes without a label are blank in a graph that is read before there is any context.
        pygraphviz.graphviz.gvFreeContext(pygraphviz.graphviz.gvContextWithBuiltins())
        graph = pygraphviz.AGraph(string=sys.stdin.buffer.read().decode())
        picture = graph.draw(format=sys.argv[-1].removeprefix("-T"), prog="dot")
    except Exception as problem:  # whatever it is, whoever started this wants it in one line
        sys.exit(f"Error: {problem}")
    sys.stdout.buffer.write(picture)


if __name__ == "__main__":
    # No module of this folder shall hide another of its name.
    sys.path = [folder for folder in sys.path if folder != os.path.dirname(__file__)]
    main()
