"""Changes of tickets and of the desk."""

from webapp.tickets.services import taken_along

__all__ = ["taken_along"]
