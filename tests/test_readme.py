"""The README's Python runs, and ends where its comments say."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.mark.smoke
def test_example_runs() -> None:
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block, names)
    np.testing.assert_allclose(
        names["x"].grad, 2 * np.tanh([0, 1, 2]) / np.cosh([0, 1, 2]) ** 2, rtol=1e-12
    )
    assert names["loss"].item() < 0.1


def test_links_lead_somewhere() -> None:
    root = Path(__file__).parents[1]
    links = re.findall(r"\]\(([^)]*)\)", README)
    assert links and not [link for link in links if not (root / link).exists()]
