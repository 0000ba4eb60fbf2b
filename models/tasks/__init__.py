"""What is to be learnt, how well it is, and the baselines to beat."""

from __future__ import annotations

__all__: list[str] = []
