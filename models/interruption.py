"""Ctrl-C as a request, so that what is under way comes to an end in good order."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["StoppedError", "interruption"]


class StoppedError(KeyboardInterrupt):
    """Ctrl-C: the run ended early, in good order."""


@contextmanager
def interruption() -> Iterator[threading.Event]:
    """An event that the first Ctrl-C sets; a second one interrupts as usual."""
    asked = threading.Event()
    usual = signal.getsignal(signal.SIGINT)
    # Only the main thread may have handlers, and a job in the background is not to be stopped.
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or usual in (signal.SIG_IGN, None):
        yield asked
        return

    def ask(number: int, frame: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, usual)

    signal.signal(signal.SIGINT, ask)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, usual)
