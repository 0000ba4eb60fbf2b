"""Programs as machine code: lowered, fused into loops, written in C, built and called."""

__all__: list[str] = []
