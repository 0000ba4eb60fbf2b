"""Each row of docs/nonsmooth.md: the gradient there is the convention that the row states."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad

TEXT = (Path(__file__).parents[1] / "docs" / "nonsmooth.md").read_text()
ROWS = re.findall(r"^\| `(.*?)` \| `(.*?)` \| `(.*?)` \| .* \|$", TEXT, re.MULTILINE)


def value(text: str, **names: Any) -> Any:
    """The value of one cell of the table."""
    return eval(text, {"ad": ad, "np": np, **names})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("expression", "at", "gradient"), ROWS)
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_row(expression: str, at: str, gradient: str, dtype: type) -> None:
    x = ad.Tensor(value(at), requires_grad=True, dtype=dtype)
    ad.sum(value(expression, x=x)).backward()
    np.testing.assert_allclose(x.grad, value(gradient), rtol=1e-6)


def test_every_row_was_read() -> None:
    # Each table has a heading and a rule besides its rows.
    assert len(ROWS) == len(re.findall(r"^\|", TEXT, re.MULTILINE)) - 2 * TEXT.count("\n## ")
