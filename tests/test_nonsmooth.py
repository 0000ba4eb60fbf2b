"""Each row of docs/reference/nonsmooth.md: the gradient there is the convention it states."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autodiff as ad

TEXT = (Path(__file__).parents[1] / "docs" / "reference" / "nonsmooth.md").read_text()
ROWS = re.findall(r"^\| `(.*?)` \| `(.*?)` \| `(.*?)` \| (.*) \|$", TEXT, re.MULTILINE)
# A signal flows backwards; forwards, the infinite slope is met before the zero.
BOTH_WAYS = [row for row in ROWS if "signal" not in row[3]]

pytestmark = [
    pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning"),
]


def value(text: str, **names: Any) -> Any:
    """The value of one cell of the table."""
    return eval(text, {"ad": ad, "np": np, **names})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("expression", "at", "gradient", "convention"), ROWS)
def test_row(expression: str, at: str, gradient: str, convention: str, dtype: type) -> None:
    x = ad.Tensor(value(at), requires_grad=True, dtype=dtype)
    ad.sum(value(expression, x=x)).backward()
    np.testing.assert_allclose(x.grad, value(gradient), rtol=1e-6, err_msg=convention)


@pytest.mark.parametrize(("expression", "at", "gradient", "convention"), BOTH_WAYS)
def test_row_forwards(expression: str, at: str, gradient: str, convention: str) -> None:
    x, slopes = np.array(value(at)), np.array(value(gradient))
    _, tangent = ad.jvp(lambda x: ad.sum(value(expression, x=x)), (x,), (np.ones_like(x),))
    np.testing.assert_allclose(tangent, slopes.sum(), rtol=1e-6, err_msg=convention)


def test_every_row_was_read() -> None:
    # Each table has a heading and a rule besides its rows.
    assert len(ROWS) == len(re.findall(r"^\|", TEXT, re.MULTILINE)) - 2 * TEXT.count("\n## ")
