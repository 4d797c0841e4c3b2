"""What becomes of many tickets, as people read it."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _

from webapp.core.bulk import NAMED, Verdict
from webapp.tickets.bulk_schemas import BulkChange
from webapp.tickets.queries import bulk as queries
from webapp.tickets.services.bulk_rules import TITLES
from webapp.tickets.words import PRIORITY, STATUS

NOTHING = "\N{EN DASH}"


def shown(verdicts: Sequence[Verdict], command: BulkChange | None = None) -> list[dict[str, Any]]:
    """Return the first few verdicts with words for their values."""
    few = verdicts[:NAMED]

    def ids(field: str) -> list[Any]:
        return [value for one in few for value in one.changes.get(field, ())]

    names = queries.names_of(ids("assignee_id"), ids("team_id"))
    said = _("Internal note") if command is not None and command.is_note else _("Public reply")
    return [
        {
            "label": one.label,
            "name": one.name,
            "why": one.why,
            "changes": [
                (TITLES[field], None, said)
                if field == "message"
                else (TITLES[field], *(_word(field, value, names) for value in pair))
                for field, pair in one.changes.items()
            ],
        }
        for one in few
    ]


def _word(field: str, value: Any, names: dict[str, dict[int, str]]) -> str:
    if value is None or value == []:
        return NOTHING
    if field in names:
        return names[field].get(value, f"#{value}")
    if field == "tags":
        return ", ".join(value)
    return str(STATUS[value] if field == "status" else PRIORITY[value])
