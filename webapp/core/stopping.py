"""What ends at once when the process is asked to stop, because a graceful end would wait for it."""

from collections.abc import Callable

_endings: list[Callable[[], None]] = []


def at_stop(end: Callable[[], None]) -> None:
    """Have ``end`` called when the web server's worker is asked to stop."""
    _endings.append(end)


def stop() -> None:
    """Call what was left with ``at_stop``."""
    while _endings:
        _endings.pop()()
