"""What one row of the log says, in Steward's words. A `?` says nothing, so what was known before goes on."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from webapp.tickets.importing.reader import WrongRow
from webapp.tickets.models import Level, Priority, Status

STATES = {
    "new": Status.NEW,
    "active": Status.OPEN,
    "awaiting user info": Status.PENDING,
    "awaiting problem": Status.ON_HOLD,
    "awaiting vendor": Status.ON_HOLD,
    "awaiting evidence": Status.ON_HOLD,
    "resolved": Status.RESOLVED,
    "closed": Status.CLOSED,
    "-100": None,  # what the system writes when it does not know
    "": None,
}
LEVELS = {"1": Level.HIGH, "2": Level.MEDIUM, "3": Level.LOW, "": None}
PRIORITIES = {
    "1": Priority.URGENT,
    "2": Priority.HIGH,
    "3": Priority.NORMAL,
    "4": Priority.LOW,
    "5": Priority.LOW,
    "": None,
}
DAY = "%d-%m-%Y %H:%M"
MAX_NUMBER = 64
MAX_NAME = 200
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
# Texts that are taken as they are: the column, and what it is called here.
NAMES = {
    "sys_updated_by": "by",
    "opened_by": "opened_by",
    "caller_id": "caller",
    "assignment_group": "team",
    "assigned_to": "assignee",
    "location": "project",
    "category": "category",
    "subcategory": "subcategory",
    "u_symptom": "symptom",
    "contact_type": "contact_type",
    "closed_code": "code",
    "resolved_by": "resolved_by",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One change of one ticket."""

    line: int
    number: str
    at: datetime
    turn: int  # which change of the ticket it is, where the log counts them
    said: dict[str, Any]  # what is known, as JSON holds it


def entry_of(line: int, cells: dict[str, str], zone: ZoneInfo) -> Entry:
    """Understand a row.

    Raises:
        WrongRow: if something in it cannot be.
    """
    number = cells.get("number", "")
    if not number:
        raise WrongRow("number: it is missing")
    if len(number) > MAX_NUMBER:
        raise WrongRow(f"number: it is longer than {MAX_NUMBER} characters")
    at = _moment(cells, "sys_updated_at", zone)
    opened = _moment(cells, "opened_at", zone)
    if at is None or opened is None:
        raise WrongRow(f"{'sys_updated_at' if at is None else 'opened_at'}: it is missing")
    said: dict[str, Any] = {
        name: cells[column][:MAX_NAME] for column, name in NAMES.items() if cells.get(column)
    }
    said |= {
        "opened_at": opened,
        "status": _one_of(cells, "incident_state", STATES),
        "impact": _one_of(cells, "impact", LEVELS, numbered=True),
        "urgency": _one_of(cells, "urgency", LEVELS, numbered=True),
        "priority": _one_of(cells, "priority", PRIORITIES, numbered=True),
        "resolved_at": _moment(cells, "resolved_at", zone),
        "closed_at": _moment(cells, "closed_at", zone),
    }
    said = {name: value for name, value in said.items() if value is not None}
    return Entry(line=line, number=number, at=at, turn=_turn(cells), said=said)


def _one_of(
    cells: dict[str, str], column: str, known: dict[str, Any], *, numbered: bool = False
) -> Any:
    word = cells.get(column, "")
    key = word.partition("-")[0].strip() if numbered else word.lower()
    if key not in known:
        raise WrongRow(f"{column}: nobody knows “{word[:40]}”")
    return known[key]


def _turn(cells: dict[str, str]) -> int:
    word = cells.get("sys_mod_count", "") or "0"
    if not (word.isascii() and word.isdigit() and len(word) < 9):  # noqa: PLR2004 - an integer holds it
        raise WrongRow(f"sys_mod_count: “{word[:40]}” is no number")
    return int(word)


def _moment(cells: dict[str, str], column: str, zone: ZoneInfo) -> datetime | None:
    word = cells.get(column, "")
    if not word:
        return None
    moment = _read(word, zone)
    if moment is None:
        raise WrongRow(f"{column}: “{word[:40]}” is no time like 29-02-2016 01:16")
    if not EARLIEST <= moment <= datetime.now(UTC) + timedelta(days=1):
        raise WrongRow(f"{column}: “{word[:40]}” lies before 1970 or in the future")
    return moment


@lru_cache(maxsize=10_000)
def _read(word: str, zone: ZoneInfo) -> datetime | None:
    """Of an hour that the clock shows twice this is the first."""
    try:
        return datetime.strptime(word, DAY).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
