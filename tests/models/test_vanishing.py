"""The picture of vanishing error signals: its numbers, and the script that makes it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import matplotlib.image
import numpy as np
import pytest

from models.data.adding import adding_problem

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("vanishing", FOLDER / "vanishing.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()
KEPT = json.loads((FOLDER / "vanishing.json").read_text())


@pytest.mark.parametrize("name", [name for name in SCRIPT.NETWORKS if name != "GRU"])
def test_norms_are_those_of_the_recursion_by_hand(name: str) -> None:
    model = SCRIPT.Adder(SCRIPT.NETWORKS[name][0], np.float64)
    H, W, read = model.network.H.data, model.network.W.data, model.read.W.data[0]
    xs, targets = adding_problem(200, SCRIPT.STEPS, rng=2, dtype=np.float64)
    hs = [np.zeros((200, len(H)))]
    for x in xs:
        z = hs[-1] @ H.T + x @ W.T
        hs.append(np.tanh(z) if "tanh" in name else 1 / (1 + np.exp(-z)))
    signal = np.outer(hs[-1] @ read - targets, read)  # dJ(T)/dh(T)
    sizes = []
    for h in hs[:0:-1]:
        sizes.append(np.linalg.norm(signal, axis=1))
        signal = (signal * (1 - h * h if "tanh" in name else h * (1 - h))) @ H
    expected = np.median(np.array(sizes) / sizes[0], axis=1)
    np.testing.assert_allclose(KEPT["at initialisation"][name], expected, rtol=1e-3)


def test_the_script_makes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SCRIPT, "UPDATES", 1)
    monkeypatch.setattr(SCRIPT, "EVERY", 1)
    networks = {n: SCRIPT.NETWORKS[n] for n in ("Elman, sigmoid, orthogonal H", "GRU")}
    monkeypatch.setattr(SCRIPT, "NETWORKS", networks)
    SCRIPT.main(tmp_path)
    assert {file.name for file in tmp_path.iterdir()} == {"vanishing.json", "vanishing.png"}
    found = json.loads((tmp_path / "vanishing.json").read_text())
    for name in networks:
        norms, kept = (numbers["at initialisation"][name] for numbers in (found, KEPT))
        np.testing.assert_allclose(norms, kept, rtol=1e-2)
        np.testing.assert_allclose(found["error"][name][0], KEPT["error"][name][0], rtol=1e-2)
    pictures = [matplotlib.image.imread(folder / "vanishing.png") for folder in (tmp_path, FOLDER)]
    assert pictures[0].shape == pictures[1].shape


def test_kept_numbers_say_what_the_page_says() -> None:
    errors = {name: line[-1] for name, line in KEPT["error"].items()}
    last = {name: line[-1] for name, line in KEPT["after training"].items()}
    assert errors["GRU"] < 1e-3 and last["GRU"] > 0.1
    for name in ("Elman, sigmoid, orthogonal H", "Elman, tanh, uniform H"):
        assert errors[name] > 0.1 and last[name] < 1e-4
    assert {len(line) for line in KEPT["error"].values()} == {1 + SCRIPT.UPDATES // SCRIPT.EVERY}
