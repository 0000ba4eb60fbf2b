"""Ctrl-C as at a terminal, also where the tests run in the background, which ignores it; and
steps that are not compiled, unless the environment says so: to build programs takes time."""

import os
import signal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def ctrl_c_interrupts() -> Iterator[None]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="module", autouse=True)
def eager_unless_told() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTODIFF_COMPILE", os.environ.get("AUTODIFF_COMPILE", "off"))
        yield
