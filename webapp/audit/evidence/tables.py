"""Rows of the log for people and for other programs: CSV with a sentence each, and JSON Lines.

Both end with the head of the chain of seals: kept with the file, it shows later whether the log was rewritten.
"""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import IO, Any

from webapp.audit.canonical import COLUMNS
from webapp.audit.fields import points_at
from webapp.audit.queries.labels import names_of
from webapp.audit.sentences import CATEGORY_TITLES
from webapp.audit.timeline import sentences_of
from webapp.audit.wording import Dated
from webapp.core.files import neutralised
from webapp.core.language import N_, gettext

HEADINGS = {
    "recorded_at": N_("Recorded (UTC)"),
    "occurred_at": N_("Happened (UTC)"),
    "id": N_("Entry"),
    "actor_name": N_("Who"),
    "actor_id": N_("Number of the person"),
    "sentence": N_("What happened"),
    "reason": N_("Reason"),
    "category": N_("Category"),
    "outcome": N_("Outcome"),
    "action": N_("Action"),
    "object_type": N_("Kind of record"),
    "object_id": N_("Number of the record"),
    "object_label": N_("Record"),
    "client_id": N_("Number of the client"),
    "changes": N_("Changes"),
    "names": N_("Names in the changes"),
    "ip": N_("Address"),
    "via": N_("Via"),
    "request_id": N_("Request"),
    "method": N_("Method"),
    "path": N_("Path"),
    "page": N_("Page"),
    "user_agent": N_("Browser"),
}
Lots = Iterable[Sequence[Any]]
Tell = Callable[[int], None]


def write_csv(target: IO[bytes], lots: Lots, *, head: Sequence[Any], tell: Tell) -> int:
    """Write a CSV file that spreadsheets open and take nothing in for a formula; return the number of rows."""
    text = io.TextIOWrapper(target, encoding="utf-8", newline="", write_through=True)
    writer, count = csv.writer(text), 0
    text.write("\ufeff")
    writer.writerow([gettext(title) for title in HEADINGS.values()])
    for lot in lots:
        names = names_of(lot)
        for row, line in zip(lot, sentences_of(lot, names), strict=True):
            values = _plain(row) | {
                "actor_name": line.who,
                "sentence": f"{line.who} {line.sentence}",
            }
            values["category"] = str(CATEGORY_TITLES.get(row.category, row.category))
            values["changes"] = _json(row.changes)
            said = _names(row, names)
            values["names"] = _json(said) if said else ""
            writer.writerow([neutralised(values[name]) for name in HEADINGS])
        count += len(lot)
        tell(count)
    if head:
        writer.writerow(["#", gettext("Head of the chain of seals"), *map(neutralised, head)])
    text.detach()
    return count


def write_jsonl(target: IO[bytes], lots: Lots, *, head: Sequence[Any], tell: Tell) -> int:
    """Write an object a line; return the number of rows."""
    count = 0
    for lot in lots:
        names = names_of(lot)
        for row, line in zip(lot, sentences_of(lot, names), strict=True):
            told = {"sentence": f"{line.who} {line.sentence}", "names": _names(row, names)}
            said = _plain(row) | told
            target.write(_json(said).encode() + b"\n")
        count += len(lot)
        tell(count)
    if head:
        said = dict(zip(("seal", "hash", "sealed_at"), head, strict=True))
        target.write(_json({"head": said}).encode() + b"\n")
    return count


def _plain(row: Any) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in COLUMNS}
    values["ip"] = None if row.ip is None else str(row.ip)
    for name in ("recorded_at", "occurred_at"):
        values[name] = _utc(values[name])
    return values


def _names(row: Any, names: Dated) -> dict[str, Any]:
    """What the numbers in the changes were called then, in the form of the changes; None where that is not known."""
    then, said = names.at(row.recorded_at), {}
    for field, change in row.changes.items():
        if kind := points_at(field, row.object_type):
            values = change if isinstance(change, list) else [change]
            called = [then.get((kind, one)) if type(one) is int else None for one in values]
            if any(called):
                said[field] = called if isinstance(change, list) else called[0]
    return said


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
