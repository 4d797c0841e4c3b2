"""The signed-in person, as core needs to know them; ``access.identity`` finds out who it is."""

from collections.abc import Sequence
from typing import Any, Protocol, cast

from flask_login import current_user


class Person(Protocol):
    """Somebody signed in, with what they hold. Plain values: reading them never asks the database."""

    id: int
    name: str
    email: str
    theme: str
    locale: str
    timezone: str
    session_id: int
    unread: int

    @property
    def grants(self) -> Sequence[Any]:
        """What the person holds, and where."""

    def named_grants(self) -> Sequence[Any]:
        """The same with the names of the places, which only the database knows."""

    @property
    def is_authenticated(self) -> bool:
        """True."""

    def opens(self, page: str) -> bool:
        """Tell whether some role opens ``page``."""

    def holds(self, permission: str) -> bool:
        """Tell whether some role holds ``permission``, wherever."""

    def can(self, permission: str, on: Any = None) -> bool:
        """Tell whether a role whose scope covers ``on`` (None: everywhere) holds ``permission``."""


def person() -> Person | None:
    """Return who is signed in, loaded once a request."""
    who = current_user._get_current_object()  # noqa: SLF001 - the proxy must not leak into rows
    return cast("Person", who) if who is not None and who.is_authenticated else None


def signed_in_person() -> Person:
    """Return who is signed in, in a view that nobody else can reach."""
    who = person()
    if who is None:
        raise RuntimeError("this view needs a guard")
    return who
