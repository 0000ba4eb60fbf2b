"""Data sets, each with a fixed split into a training, a validation and a test part."""

from __future__ import annotations

from models.data.augment import shifted
from models.data.digits import load_digits
from models.data.split import DataError, Part, Split, stratified

__all__ = ["DataError", "Part", "Split", "load_digits", "shifted", "stratified"]
