"""Somebody who may do all, and the last that the log says."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def boss(sign_in: Callable[..., Any]) -> Any:
    return sign_in("*", name="Ana Ruiz")


@pytest.fixture
def last(audit_rows: Any) -> Callable[..., dict[str, Any]]:
    """The last row of the log about something."""
    return lambda *about, **columns: audit_rows(*about, **columns)[-1]
