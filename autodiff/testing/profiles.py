"""How many examples a test draws: four profiles of Hypothesis."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Verbosity, settings

__all__ = ["register_profiles"]


def register_profiles(default: str = "ci") -> None:
    """Register Hypothesis profiles for tests of gradients, and load one; for a conftest.py.

    ======== ======== =======================================================
    smoke      5      examples a test, to see in seconds whether anything works
    ci         25     for each change; the same ones where ``CI=true`` is set
    intense    1000   over night
    debug      10     each one printed
    ======== ======== =======================================================

    None has a deadline: a slow machine is not a wrong gradient.

    Parameters
    ----------
    default : str
        What is loaded if the environment variable ``HYPOTHESIS_PROFILE`` is not set.
    """
    ci = settings(
        deadline=None, max_examples=25, print_blob=True,
        derandomize=os.environ.get("CI") == "true", suppress_health_check=[HealthCheck.too_slow],
    )  # fmt: skip
    settings.register_profile("ci", ci)
    settings.register_profile("smoke", ci, max_examples=5)
    settings.register_profile("intense", ci, max_examples=1000, derandomize=False)
    settings.register_profile("debug", ci, max_examples=10, verbosity=Verbosity.verbose)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", default))
