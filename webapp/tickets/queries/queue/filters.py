"""What the queue's address asks for: filters, ready-made views, columns."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import Keyed, day_in, flag_in, keyed_in, number_of
from webapp.tickets.models import Kind, Priority, Status

# The ready-made queries of the left column, in its order; plain /tickets is "open".
VIEWS = ("mine", "unassigned", "risk", "recent", "open")
# What the list can show; number and subject always lead.
COLUMNS = (
    *("kind", "place", "requester", "asset", "status", "priority", "team", "assignee", "tags"),
    *("due", "created", "updated"),
)
DEFAULT_COLUMNS = ("status", "priority", "assignee", "due")
PLACES = ("location", "client", "project")
REQUESTERS = ("user", "contact")
DUE = ("overdue", "risk", "today")
MOST_VALUES = 50  # of one filter
OVER = (Status.RESOLVED, Status.CLOSED)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What the queue is narrowed to; several values of one filter widen it, what is empty or None does not count.

    ``assignees`` are ids, "me" or "none"; ``teams`` ids or "none".
    """

    q: str = ""
    view: str = ""
    statuses: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    requesters: tuple[Keyed, ...] = ()
    places: tuple[Keyed, ...] = ()
    assets: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    due: tuple[str, ...] = ()
    created_from: date | None = None
    created_to: date | None = None
    files: bool = False
    watching: bool = False
    all: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Those that are set, by their names in the address, for the log."""
        values = {
            "q": self.q,
            "view": self.view,
            "status": ", ".join(self.statuses),
            "priority": ", ".join(self.priorities),
            "kind": ", ".join(self.kinds),
            "team": ", ".join(self.teams),
            "assignee": ", ".join(self.assignees),
            "requester": ", ".join(map(key_text, self.requesters)),
            "place": ", ".join(map(key_text, self.places)),
            "asset": ", ".join(map(str, self.assets)),
            "tag": ", ".join(self.tags),
            "due": ", ".join(self.due),
            "created_from": self.created_from and self.created_from.isoformat(),
            "created_to": self.created_to and self.created_to.isoformat(),
            "files": self.files,
            "watching": self.watching,
            "all": self.all,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def number(self) -> int | None:
        """The whole number of a ticket, if that is what was typed: "5771" or "#5771"."""
        return number_of(self.q.removeprefix("#"))

    @property
    def narrowed(self) -> bool:
        """Whether more than a ready-made view is asked for."""
        return bool(self.as_dict().keys() - {"view"})

    @property
    def only_open(self) -> bool:
        """Whether tickets that are over stay out: unless they are asked for. They are never due."""
        if self.due or self.view == "risk":
            return True
        asked = self.all or self.view == "recent"
        return not asked and not any(status in OVER for status in self.statuses)


def key_text(key: Keyed) -> str:
    """Return a place or requester as the address has it, such as ``client:4``."""
    return f"{key[0]}:{key[1]}"


def filters_from(args: Any) -> Filters:
    """Read filters from a query string.

    Raises:
        UnknownFilter: if one makes no sense; to leave it out would show, change or export more than was asked.
    """
    return Filters(
        q=cleaned(args.get("q")),
        view=_one_of(args.get("view"), VIEWS),
        statuses=_some_of(args, "status", set(Status)),
        priorities=_some_of(args, "priority", set(Priority)),
        kinds=_some_of(args, "kind", set(Kind)),
        teams=_ids_or(args, "team", ("none",)),
        assignees=_ids_or(args, "assignee", ("me", "none")),
        requesters=tuple(keyed_in(one, REQUESTERS) for one in _values(args, "requester")),
        places=tuple(keyed_in(one, PLACES) for one in _values(args, "place")),
        assets=tuple(int(one) for one in _ids_or(args, "asset", ())),
        tags=tuple(cleaned(one, at_most=40).lower() for one in _values(args, "tag")),
        due=_some_of(args, "due", DUE),
        created_from=day_in(args.get("created_from")),
        created_to=day_in(args.get("created_to")),
        files=flag_in(args.get("files")),
        watching=flag_in(args.get("watching")),
        all=flag_in(args.get("all")),
    )


def columns_from(args: Any) -> tuple[str, ...]:
    """Read which columns the list shows, in their own order: ``cols=kind,due`` or ``cols=kind&cols=due``.

    Raises:
        UnknownFilter: if there is no such column.
    """
    asked = {key for value in args.getlist("cols") for key in value.split(",") if key}
    if not asked:
        return DEFAULT_COLUMNS
    if not asked <= {*COLUMNS, "number"}:
        raise UnknownFilter
    return tuple(key for key in COLUMNS if key in asked)


def _values(args: Any, name: str) -> tuple[str, ...]:
    values = tuple(dict.fromkeys(one for one in args.getlist(name) if one))
    if len(values) > MOST_VALUES:
        raise UnknownFilter
    return values


def _some_of(args: Any, name: str, known: Iterable[str]) -> tuple[str, ...]:
    values = _values(args, name)
    if not set(values) <= set(known):
        raise UnknownFilter
    return values


def _one_of(text: str | None, known: Iterable[str]) -> str:
    if text and text not in known:
        raise UnknownFilter
    return text or ""


def _ids_or(args: Any, name: str, words: Sequence[str]) -> tuple[str, ...]:
    values = _values(args, name)
    if any(one not in words and not _NUMBER.fullmatch(one) for one in values):
        raise UnknownFilter
    return values
