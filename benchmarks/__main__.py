"""Run benchmarks, print their tables beside their goals, and keep them on request."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import CASES
from benchmarks.harness import NAMES, table
from benchmarks.report import markdown, page, sections

RESULTS = Path(__file__).parents[1] / "docs" / "benchmarks.md"


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="*", help=f"which to run (default: all): {', '.join(CASES)}")
    parser.add_argument("--quick", action="store_true", help="smaller and fewer: a few minutes")
    parser.add_argument("--write", action="store_true", help="keep the tables in docs/")
    parser.add_argument("--peers", nargs="+", default=list(NAMES), choices=list(NAMES))
    given = parser.parse_args()
    if unknown := set(given.case) - set(CASES):
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    given.peers = list(dict.fromkeys(["autodiff", *given.peers]))  # goals are about autodiff
    return given


def main() -> None:
    """Run the cases one after the other, each in a process of its own."""
    given = arguments()
    done: dict[str, str] = {}
    for case in given.case or CASES:
        found = table(f"benchmarks.{case}", "quick" if given.quick else "full", given.peers)
        done[case] = markdown(case, found, sys.argv[1:])
        print(done[case], flush=True)
        if given.write:
            keep(done)


def keep(done: dict[str, str]) -> None:
    """Put these sections into the page of results; the others stay."""
    parts = {**sections(RESULTS.read_text()), **done}
    RESULTS.write_text(page({case: parts[case] for case in CASES if case in parts}))


if __name__ == "__main__":
    main()
