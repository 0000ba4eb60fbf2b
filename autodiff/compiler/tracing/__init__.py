"""A function written down: arrays that record, programs, what a function reaches and may not do."""

__all__: list[str] = []
