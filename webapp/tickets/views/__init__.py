"""Pages of tickets."""

from webapp.tickets.views import (
    canned,
    desk,
    policies,
    queue,
    ticket,
    timing,
)
from webapp.tickets.views.common import bp

__all__ = [
    "bp",
    "canned",
    "desk",
    "policies",
    "queue",
    "ticket",
    "timing",
]
