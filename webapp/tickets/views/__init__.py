"""Pages of tickets."""

from webapp.tickets.views import desk, policies, queue, ticket
from webapp.tickets.views.common import bp

__all__ = ["bp", "desk", "policies", "queue", "ticket"]
