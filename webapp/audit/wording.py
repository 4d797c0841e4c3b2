"""Values of changes in words, in the reader's language; no database."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from webapp.audit.fields import FIELDS, points_at
from webapp.core.identity import person
from webapp.core.language import N_, format_day, format_number, gettext
from webapp.core.object_types import THE, title_of
from webapp.core.registry import find_entry

NOTHING = "\N{EN DASH}"
COVER = "•••"  # what stands for a value that nobody, or not this reader, may know
MAX_VALUE = 60
Names = Mapping[tuple[str, int], str]  # (kind, id): what people call it
STATES = {
    "planned": N_("planned"),
    "in_stock": N_("in stock"),
    "in_use": N_("in use"),
    "in_repair": N_("in repair"),
    "retired": N_("retired"),
    "lost": N_("lost"),
    # of tickets
    "new": N_("new"),
    "open": N_("open"),
    "pending": N_("pending"),
    "on_hold": N_("on hold"),
    "resolved": N_("resolved"),
    "closed": N_("closed"),
}
PRIORITIES = {"urgent": N_("urgent"), "high": N_("high"), "normal": N_("normal"), "low": N_("low")}
LEVELS = {"high": N_("high"), "medium": N_("medium"), "low": N_("low")}
# Values that are told in words, by the column that holds them.
WORDS: dict[str, Mapping[str, str]] = {
    **dict.fromkeys(("status", "from_status", "to_status"), STATES),
    "priority": PRIORITIES,
    "impact": LEVELS,
    "urgency": LEVELS,
    "kind": {
        "incident": N_("incident"),
        "request": N_("request"),
        "maintenance": N_("maintenance"),
        # of links between tickets
        "duplicate": N_("duplicate"),
        "blocks": N_("blocks"),
        "caused_by": N_("caused by"),
        "related": N_("related"),
        # of links that choose a password
        "invitation": N_("invitation"),
        "password_reset": N_("new password"),
    },
    "condition": {"good": N_("good"), "worn": N_("worn"), "damaged": N_("damaged")},
    "theme": {"light": N_("light"), "dark": N_("dark"), "system": N_("as the system")},
    "locale": {"en": N_("English"), "es": N_("Spanish")},
    "format": {"csv": "CSV", "jsonl": "JSON Lines", "bundle": N_("signed bundle")},
}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MINUTES = frozenset({"minutes", "response", "resolution"})
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)


class Event(Protocol):
    """The columns of the log that a sentence is made of."""

    action: str
    outcome: str
    actor_id: int | None
    actor_name: str | None
    object_type: str | None
    object_id: int | None
    object_label: str | None
    path: str | None
    changes: dict[str, Any]


class Dated(dict[tuple[str, int], str]):
    """Names of today; and at some moments others, which records had then."""

    def __init__(
        self, names: Names, former: Mapping[datetime, Mapping[tuple[str, int], str]]
    ) -> None:
        """Keep both."""
        super().__init__(names)
        self.former = former

    def at(self, moment: datetime | None) -> Names:
        """Return the names of a moment; without one, those of today."""
        then = self.former.get(moment) if moment else None
        return Then(self, then) if then else self


class Then(dict[tuple[str, int], str]):
    """The names of one moment, where some were others than today."""

    def __init__(self, today: Names, then: Mapping[tuple[str, int], str]) -> None:
        """Put those of then before those of today."""
        super().__init__(today)
        self.update(then)
        self.then, self.today = then, today


class Named:
    """A row of the log with the names of what its values point at: its sentence tells the values, too."""

    def __init__(self, row: Any, names: Names) -> None:
        """Keep both; what a sentence looks at again and again is found at once."""
        if isinstance(names, Dated) and names.former:
            names = names.at(getattr(row, "recorded_at", None))
        self.row, self.names = row, names
        self.action, self.object_type = row.action, row.object_type
        self.changes, self.covered = row.changes, getattr(row, "covered", False)

    def __getattr__(self, name: str) -> Any:
        """Return what the row has."""
        return getattr(self.row, name)


def tells_values(event: Event) -> bool:
    """Tell whether names are known, and nothing is covered."""
    return hasattr(event, "names") and not getattr(event, "covered", False)


def pair(change: Any) -> tuple[Any, Any]:
    """Return old and new value of a change; a note's plain value is new."""
    if isinstance(change, list) and len(change) == 2:  # noqa: PLR2004
        return change[0], change[1]
    return None, change


def field_title(name: str) -> str:
    """Return a column's name as people say it."""
    title = FIELDS.get(name)
    return gettext(title) if title else name.removesuffix("_id").replace("_", " ")


def shown(value: Any) -> str:
    """Return a value of a change as text."""
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    if isinstance(value, list | tuple):
        return ", ".join(shown(part) for part in value) or NOTHING
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {shown(part)}" for key, part in value.items()) or NOTHING
    return str(value)


def short(value: Any) -> str:
    """Return a value as text that fits into a line."""
    return cut(shown(value))


def cut(text: str) -> str:
    """Return a text in one line, its beginning if it is long."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_VALUE else text[: MAX_VALUE - 1] + "…"


def label(event: Event) -> str:
    """Return what the row was about, by the name it had then."""
    if event.object_label:
        return event.object_label
    title = title_of(event.object_type)
    if event.object_id is not None:
        return f"{title} {event.object_id}"
    return title or gettext("something")


def the(event: Event, *, kind: str | None = None, name: str) -> str:
    """Return “the role Auditor”, with its article."""
    kind = event.object_type or kind or ""
    said = (
        gettext(THE[kind], label=name)
        if kind in THE
        else gettext("the %(kind)s %(label)s", kind=title_of(kind), label=name)
    )
    return said.strip()


def day_text(text: str) -> str:
    """Say a day that the log keeps as it is stored; what is no day stays as it is."""
    try:
        when = date.fromisoformat(text)
    except ValueError:
        return text
    return format_day(when)


def moment_text(text: str, *, shift: bool = True) -> str:
    """Say a moment that the log keeps as it is stored, by the reader's clock; what is none stays as it is.

    Without ``shift`` it stays where it is on whatever clock it was read from.
    """
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return text
    who = person()
    try:
        zone = ZoneInfo(who.timezone if who else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        zone = ZoneInfo("UTC")
    local = when.astimezone(zone) if shift else when
    return f"{day_text(local.date().isoformat())} {local:%H:%M}"


def minutes_text(minutes: int) -> str:
    """Say minutes as people do: “1 h 30 min”."""
    hours, rest = divmod(minutes, 60)
    if not hours:
        return gettext("%(m)s min", m=rest)
    if not rest:
        return gettext("%(h)s h", h=hours)
    return gettext("%(h)s h %(m)s min", h=hours, m=rest)


def name_of_row(event: Event, kind: str, number: int) -> str | None:
    """Return what a row is called, where that is known."""
    names: Names = getattr(event, "names", {})
    return names.get((kind, number))


def name_since(event: Event, kind: str, number: int) -> str | None:
    """Return what a row is called today, if it had another name then."""
    names = getattr(event, "names", None)
    if not isinstance(names, Then) or (kind, number) not in names.then:
        return None
    return names.today.get((kind, number))


def renamed_since(event: Event, sentence: str) -> str | None:
    """Tell how today those are called that a sentence names as they were called then."""
    names = getattr(event, "names", None)
    if not isinstance(names, Then):
        return None
    told = [
        gettext("“%(then)s” is now called “%(now)s”", then=name, now=names.today[key])
        for key, name in names.then.items()
        if key in names.today and cut(name) in sentence
    ]
    return "; ".join(told) or None


def name_of(event: Event, field: str, value: int) -> str:
    """Name the row that a value points at: as it was called then, or as the log noted it, or by its number."""
    kind = points_at(field, event.object_type)
    name = name_of_row(event, kind, value) or _noted(event, field, value)
    if name is None:
        return f"{title_of(kind)} {value}"
    if kind == "ticket_transition":
        return transition_text(name)
    entry = find_entry(name) if kind in {"page", "permission"} else None
    return str(entry.title) if entry else name


def transition_text(text: str) -> str:
    """Say “open → on_hold” in the reader's language."""
    return " → ".join(gettext(STATES[one]) if one in STATES else one for one in text.split(" → "))


def _noted(event: Event, field: str, value: int) -> str | None:
    """The name that a service put beside the number: “assignee” beside “assignee_id”."""
    old, new = pair(event.changes.get(field.removesuffix("_id")))
    name = old if pair(event.changes.get(field))[0] == value else new
    return name if field.endswith("_id") and isinstance(name, str) and name != COVER else None


def worded(event: Event, field: str, value: Any) -> str:
    """Return one value of a change in words, as long as it is."""
    if isinstance(value, bool) or value in (None, "", COVER):
        return shown(value)
    if isinstance(value, int):
        return _number(event, field, value)
    if isinstance(value, str):
        return _text(field, value)
    if isinstance(value, list):
        return ", ".join(_item(event, field, one) for one in value) or NOTHING
    return shown(value)


def _number(event: Event, field: str, value: int) -> str:
    if points_at(field, event.object_type):
        return name_of(event, field, value)
    if field == "weekday" and 0 <= value < len(_DAYS):
        return gettext(FIELDS[_DAYS[value]])
    if field in {"opens", "closes"}:  # minutes since midnight
        return f"{value // 60:02}:{value % 60:02}"
    if field in _MINUTES:
        return minutes_text(value)
    return format_number(value) if field in {"size", "rows"} else str(value)


def _text(field: str, value: str) -> str:
    words = WORDS.get(field, {})
    if value in words:
        return gettext(words[value])
    if _DAY.fullmatch(value):
        return day_text(value)
    if field.endswith("_at") and _MOMENT.fullmatch(value):
        return moment_text(value)
    return value


def _item(event: Event, field: str, value: Any) -> str:
    """One of a list: pages and permissions stand there by their keys."""
    entry = find_entry(value) if field in {"pages", "permissions"} else None
    return str(entry.title) if entry else worded(event, field, value)


def brief(event: Event, field: str, value: Any) -> str:
    """Return a value in words that fit into a line."""
    return cut(worded(event, field, value))


def phrase(event: Event, field: str, value: Any) -> str:
    """Return a value as a sentence quotes it: short, and what somebody typed in quotation marks."""
    text = brief(event, field, value)
    return gettext("“%(text)s”", text=text) if _is_typed(field, value) else text


def _is_typed(field: str, value: Any) -> bool:
    """Tell whether a value is what somebody wrote, and neither a word of ours nor a number, day or time."""
    if not isinstance(value, str) or value in ("", COVER) or value in WORDS.get(field, {}):
        return False
    return not (_NUMBER.fullmatch(value) or _DAY.fullmatch(value) or _MOMENT.fullmatch(value))
