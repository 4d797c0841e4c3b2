"""Which values in the log a reader may know: those of records whose page some role of theirs opens there.

That something happened, to what and by whom stays; the values before and after are covered. So is the label of a
message, which is the beginning of its text.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Protocol

from sqlalchemy import select

from webapp.access.grants import Grant
from webapp.audit.queries.search import SAYS_IT_ALL
from webapp.audit.wording import COVER, pair
from webapp.core.db import db
from webapp.organisation.models import Client

_TICKETS, _DESK, _ASSETS, _PLACES = ("tickets",), ("tickets.desk",), ("assets",), ("organisation",)
_PEOPLE, _ROLES, _EITHER = ("users",), ("roles",), ("roles", "users")
# The pages of which any one shows the values. What is not here belongs to the log itself.
PAGES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("user", "user_session", "user_token", "notification", "notification_preference"), _PEOPLE
    ),
    "notification_settings": _PEOPLE,
    **dict.fromkeys(("role", "role_permission", "page_role"), _ROLES),
    "user_role": _EITHER,
    **dict.fromkeys(("location", "client", "project"), _PLACES),
    **dict.fromkeys(("asset", "custody"), _ASSETS),
    "asset_type": ("assets.types", "assets"),
    "asset_import": ("assets.import",),
    **dict.fromkeys(
        ("ticket", "ticket_message", "ticket_watcher", "ticket_link", "ticket_merge", "contact"),
        _TICKETS,
    ),
    "time_entry": _TICKETS,
    **dict.fromkeys(
        ("team", "team_member", "team_shift", "business_hours", "business_span", "holiday"), _DESK
    ),
    **dict.fromkeys(("sla_policy", "sla_target", "canned_reply"), _DESK),
    **dict.fromkeys(("ticket_transition", "ticket_transition_role"), _DESK),
    "job": ("jobs",),
    "audit_event": ("audit",),
}
# Kinds that lie in a client; the others are seen alike by all who open their page, wherever they may.
PLACED = frozenset(
    {
        *("location", "client", "project", "asset", "custody", "attachment", "asset_import"),
        *("ticket", "ticket_message", "ticket_watcher", "ticket_link", "ticket_merge"),
        *("time_entry", "contact"),
    }
)


class Reader(Protocol):
    """Who reads: a signed-in person, or the person that a job acts as."""

    @property
    def grants(self) -> Iterable[Grant]:
        """What they hold, and where."""


class Row(Protocol):
    """The columns of the log that decide what is covered."""

    @property
    def action(self) -> str:
        """What was done."""

    @property
    def object_type(self) -> str | None:
        """To what kind of record."""

    @property
    def client_id(self) -> int | None:
        """In which client."""

    @property
    def changes(self) -> Mapping[str, Any]:
        """The values."""


class Covered:
    """A row of the log with other values; everything else is as it was recorded."""

    covered = True

    def __init__(self, row: Any, **values: Any) -> None:
        """Put ``values`` before those of the row."""
        self.__dict__.update(values, _row=row)

    def __getattr__(self, name: str) -> Any:
        """Return what the row has."""
        return getattr(self.__dict__["_row"], name)


class Mask:
    """What of the log one reader may know; asks the database once at most, and only for roles in a location."""

    def __init__(self, grants: Iterable[Grant]) -> None:
        """Remember what the reader holds."""
        self._grants = tuple(grants)
        self._known: dict[tuple[tuple[str, ...], bool, int | None], bool] = {}

    def hides(self, object_type: str | None, client_id: int | None) -> bool:
        """Tell whether the values of such a record in such a client are not for this reader."""
        if (
            object_type == "attachment"
        ):  # of a ticket or of an asset: the row alone need not say which
            return not (
                self._opens(_TICKETS, client_id, placed=True)
                and self._opens(_ASSETS, client_id, placed=True)
            )
        pages = PAGES.get(object_type or "")
        if pages is None:
            return False
        return not self._opens(pages, client_id, placed=object_type in PLACED)

    def hides_row(self, row: Row) -> bool:
        """Tell whether the values of a row are not for this reader."""
        if row.action in {"role.assigned", "role.revoked"}:
            return not self._opens(_EITHER, None, placed=False)
        if row.object_type == "attachment" and (pages := _owner_of(row.changes)):
            return not self._opens(pages, row.client_id, placed=True)
        return self.hides(row.object_type, row.client_id)

    def seen(self, row: Any) -> Any:
        """Return a row as this reader may know it: itself, or like it with its values covered."""
        if not self.hides_row(row):
            return row
        values: dict[str, Any] = {"changes": covered(row.changes)}
        if row.object_type in SAYS_IT_ALL and row.object_label:
            values["object_label"] = COVER
        return Covered(row, **values)

    @property
    def covers_any(self) -> frozenset[str]:
        """The kinds of records of which some values are hidden: searching for values must leave them out."""
        kinds = {kind for kind, pages in PAGES.items() if not self._opens_all(pages, kind)}
        if not (self._opens_all(_TICKETS, "ticket") and self._opens_all(_ASSETS, "asset")):
            kinds.add("attachment")
        return frozenset(kinds)

    def _opens_all(self, pages: tuple[str, ...], kind: str) -> bool:
        return self._opens(pages, None, placed=kind in PLACED)

    def _opens(self, pages: tuple[str, ...], client_id: int | None, *, placed: bool) -> bool:
        key = (pages, placed, client_id)
        if key not in self._known:
            self._known[key] = any(
                not grant.pages.isdisjoint(pages)
                and (not placed or self._reaches(grant, client_id))
                for grant in self._grants
            )
        return self._known[key]

    def _reaches(self, grant: Grant, client_id: int | None) -> bool:
        """A row says its client alone: whoever sees one project of it may not know it all."""
        if grant.everywhere or client_id is None:
            return grant.everywhere
        if grant.location_id is not None:
            return self._locations.get(client_id) in grant.location_ids
        return grant.client_id == client_id

    @cached_property
    def _locations(self) -> dict[int, int]:
        below = {one for grant in self._grants for one in grant.location_ids}
        found = select(Client.id, Client.location_id).where(Client.location_id.in_(below))
        return {row.id: row.location_id for row in db.session.execute(found)}


def mask_of(person: Reader) -> Mask:
    """Return what of the log a person may know."""
    return Mask(person.grants)


def pages_of(kind: str | None) -> tuple[str, ...]:
    """Return the pages of which any one shows records of a kind; none if the log alone knows it."""
    return (*_TICKETS, *_ASSETS) if kind == "attachment" else PAGES.get(kind or "", ())


def covered(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same fields without their values; what was or became empty is not told either.

    How many there were stays: a note's plain number counts, and is no value of a record.
    """
    return {name: _covered(change) for name, change in changes.items()}


def _covered(change: Any) -> Any:
    if pair(change) != (None, change):
        return [COVER, COVER]
    return change if isinstance(change, int) else COVER


def _owner_of(changes: Mapping[str, Any]) -> tuple[str, ...]:
    if any(pair(changes.get("ticket_id"))):
        return _TICKETS
    return _ASSETS if any(pair(changes.get("asset_id"))) else ()
