"""The public names: sorted, complete, real; and importing them pulls in numpy and no more."""

import importlib
import pickle
import pkgutil
import subprocess
import sys

import autodiff as ad
import models
from tests.cases import in_turn

MODULES = sorted(
    name
    for package in (ad, models)
    for _, name, _ in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    # The rows of the op table have no names of their own, and __main__ runs when imported.
    if not name.startswith("autodiff.ops.") and not name.endswith("__main__")
)

THIRD_PARTY_MODULES = """
import sys
before = set(sys.modules)
import autodiff
new = {name.partition(".")[0] for name in set(sys.modules) - before}
print(*sorted(new - set(sys.stdlib_module_names)))
"""


def test_all_is_sorted_and_without_repeats() -> None:
    assert ad.__all__ == sorted(set(ad.__all__))


def test_all_names_exist() -> None:
    assert not [name for name in ad.__all__ if not hasattr(ad, name)]


def test_all_is_complete() -> None:
    ours = {name for name, value in vars(ad).items() if is_ours(value)}
    assert {name for name in ours if not name.startswith("_")} <= set(ad.__all__)


def is_ours(value: object) -> bool:
    """Whether a function or class is defined in autodiff, and not only imported there."""
    return (getattr(value, "__module__", None) or "").startswith("autodiff")


@in_turn(MODULES)
def test_modules_list_their_public_names(name: str) -> None:
    module = importlib.import_module(name)
    assert len(module.__all__) == len(set(module.__all__))
    assert not [public for public in module.__all__ if not hasattr(module, public)]


def test_import_needs_numpy_only() -> None:
    command = [sys.executable, "-c", THIRD_PARTY_MODULES]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["autodiff", "numpy"]


@in_turn(ad.FUNCTIONS)
def test_public_functions_say_what_they_are(name: str) -> None:
    f = ad.FUNCTIONS[name]
    assert f.__doc__
    assert f.__name__ == name.rpartition(".")[2]
    assert pickle.loads(pickle.dumps(f)) is f
