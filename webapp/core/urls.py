"""Addresses of many rows."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import url_for

PLACEHOLDER = 987654321987  # fits every converter of ours
SAFE = "!$&'()*+,:;=@"  # what Werkzeug leaves as it is in a path


def row_urls(endpoint: str, variable: str, **values: Any) -> Callable[[object], str]:
    """Return a function from a value of ``variable`` to the address: url_for costs as much as a cell."""
    values[variable] = PLACEHOLDER
    head, _here, tail = url_for(endpoint, **values).partition(str(PLACEHOLDER))
    return lambda value: f"{head}{quote(str(value), safe=SAFE)}{tail}"
