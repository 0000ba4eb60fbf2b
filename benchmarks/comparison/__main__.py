"""Try every feature with every library that is installed, and print what was found."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

from benchmarks.comparison import LIBRARIES
from benchmarks.comparison.features import FEATURES
from benchmarks.comparison.figures import FIGURES, figures
from benchmarks.comparison.finding import judge
from benchmarks.comparison.page import PAGE, RESULTS, cells, filled
from benchmarks.harness import ROOT
from benchmarks.report import machine

__all__ = ["main", "probe"]

LIMIT = 600  # seconds a probe
NAMES = [name for table in FEATURES.values() for name in table]


def probe(library: str, feature: str) -> tuple[str, str]:
    """What a feature is found to be, in this process."""
    probes = import_module(f"benchmarks.comparison.peer_{library}").Probes()
    return judge(getattr(probes, feature))


def alone(library: str, feature: str) -> tuple[str, str]:
    """The same in a process of its own, which may crash or take too long."""
    command = [sys.executable, "-W", "ignore", "-m", __spec__.name, "--probe", library, feature]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return "no", f"not done after {LIMIT} seconds"
    if done.returncode:
        return "no", f"ends its process with code {done.returncode}"
    answer, note = json.loads(done.stdout.splitlines()[-1])
    return answer, note


def found(library: str, features: Iterable[str]) -> dict[str, list[str]]:
    """The findings about a library, printed as they come."""
    findings: dict[str, list[str]] = {}
    for feature in features:
        findings[feature] = list(alone(library, feature))
        print(f"{library:10} {feature:18}", *findings[feature], sep="  ", flush=True)
    return findings


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.comparison", description=__doc__)
    parser.add_argument("--libraries", nargs="+", choices=LIBRARIES, default=list(LIBRARIES))
    parser.add_argument("--features", nargs="*", choices=NAMES, default=NAMES)
    parser.add_argument("--figures", action="store_true", help="sizes and times, too; installs")
    parser.add_argument("--write", action="store_true", help=f"keep them in {RESULTS.name}")
    parser.add_argument("--probe", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.probe:
        print(json.dumps(probe(*given.probe)))
        return
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for library in filter(find_spec, given.libraries):
        kept = results.setdefault(library, {"findings": {}, "figures": {}})
        kept |= {"version": version(library), "date": date.today().isoformat()}
        kept["machine"] = machine()
        kept["findings"] |= found(library, given.features)
        kept["findings"] = {
            name: kept["findings"][name] for name in NAMES if name in kept["findings"]
        }
        if given.figures:
            kept["figures"] = figures(library)
    for table in (*FEATURES, FIGURES):
        print(f"\n{table}\n\n{cells(table, results)}")
    if given.write:
        results = {library: results[library] for library in LIBRARIES if library in results}
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
        PAGE.write_text(filled(PAGE.read_text(), results))


if __name__ == "__main__":
    main()
