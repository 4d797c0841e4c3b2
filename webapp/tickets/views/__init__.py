"""Pages of tickets."""

from webapp.tickets.views import (
    canned,
    desk,
    drafts,
    files,
    linking,
    mentions,
    merging,
    messages,
    policies,
    presence,
    queue,
    relations,
    rota,
    splitting,
    teams,
    ticket,
    timing,
)
from webapp.tickets.views.common import bp

__all__ = [
    "bp",
    "canned",
    "desk",
    "drafts",
    "files",
    "linking",
    "mentions",
    "merging",
    "messages",
    "policies",
    "presence",
    "queue",
    "relations",
    "rota",
    "splitting",
    "teams",
    "ticket",
    "timing",
]
