"""What networks are made of: activations over an axis, losses, lookups."""

from __future__ import annotations
