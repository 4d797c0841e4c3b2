"""What can go wrong by the rules of the domain; each is turned into a reply in ``error_pages``."""

from http import HTTPStatus
from typing import Any

from webapp.core.language import _


class DomainError(Exception):
    """A rule refuses what was asked; its text is fit for the user.

    ``field`` names the form's field that caused it, if one did: the view then shows the form again (422).
    """

    status: HTTPStatus = HTTPStatus.CONFLICT
    code = "conflict"

    def __init__(self, message: str, *, field: str | None = None) -> None:
        """Keep the ``message`` for the user and the ``field`` it belongs to."""
        super().__init__(message)
        self.message = message
        self.field = field


class Denied(DomainError):
    """The person may not do this; the reply explains why, the log keeps it."""

    status = HTTPStatus.FORBIDDEN
    code = "forbidden"

    def __init__(self, message: str, *, key: str | None = None) -> None:
        """Refuse with ``message``; ``key`` is the page or permission that is missing."""
        super().__init__(message)
        self.key = key


class StaleVersion(DomainError):
    """Somebody saved the record since the form was opened."""

    code = "stale"

    def __init__(self, current: Any) -> None:
        """Keep the record as it stands now in ``current``."""
        super().__init__(_("Somebody else saved this while you were editing. Nothing was saved."))
        self.current = current


class NotSaved(Exception):
    """The database refused the commit: nothing was saved."""


class MaybeSaved(Exception):
    """The connection broke during COMMIT: whether it was saved is unknown."""


class UnknownEndpoint(Exception):
    """A page of the menu names a view that does not exist."""


class UnguardedView(Exception):
    """A route was added without saying who may use it."""


def check_version(record: Any, version: int | None) -> None:
    """Refuse to save over a version that the person has not seen.

    Raises:
        StaleVersion: if ``record`` has moved on since ``version``.
    """
    if version is not None and record.version != version:
        raise StaleVersion(record)
