"""Child processes that never outlive Steward."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1


def die_with_parent(stop_signal: signal.Signals) -> Callable[[], None] | None:
    """What a new child runs so that it gets a signal when we are gone, however we go.

    The kernel ties it to the starting thread, so only the main thread may ask for it.
    """
    if sys.platform != "linux" or threading.current_thread() is not threading.main_thread():
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(stop_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask


def end(process: subprocess.Popen[bytes], *, by: signal.Signals, within: float) -> None:
    """Ask a child to stop, wait, then insist."""
    if process.poll() is not None:
        return
    process.send_signal(by)
    try:
        process.wait(within)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextlib.contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[IO[str]]:
    """Hold the lock file of that path; it frees itself with the process.

    Raises:
        BlockingIOError: another process holds it, and we shall not wait.
    """
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield file


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock file of that path."""
    try:
        with locked(path, wait=False):
            return False
    except BlockingIOError:
        return True
