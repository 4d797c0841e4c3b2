"""New assets of an import: a thousand at once, each with its row in the log as if it had been added alone."""

from typing import Any, cast

from sqlalchemy import Table

from webapp.assets.importing.rows import Outcome
from webapp.assets.models import Asset
from webapp.assets.services import records
from webapp.core import trail
from webapp.core.many import insert_many

FIELDS = (*records.FIELDS, "status", "attributes")
TABLE = cast("Table", Asset.__table__)


def add(new: list[Outcome]) -> list[tuple[Outcome, Asset]]:
    """Insert assets; returns those that somebody gets, as stand-ins that the session does not know."""
    rows = _rows(new)
    made = insert_many(TABLE, rows, returning=(TABLE.c.id, TABLE.c.client_id, TABLE.c.tag))
    ids = {(row.client_id, row.tag): row.id for row in made}
    given = []
    for one, row in zip(new, rows, strict=True):
        key = ids[row["client_id"], row["tag"]]
        _note(key, row)
        if one.holder is not None:
            shown = {name: row[name] for name in ("client_id", "tag", "name", "status")}
            given.append((one, Asset(id=key, **shown)))
    return given


def _rows(new: list[Outcome]) -> list[dict[str, Any]]:
    commands = [one.command for one in new if one.command is not None]
    tags = iter(records.next_tags(sum(command.tag is None for command in commands)))
    return [
        {"tag": command.tag or next(tags)} | {name: getattr(command, name) for name in FIELDS}
        for command in commands
    ]


def _note(key: int, row: dict[str, Any]) -> None:
    trail.note(
        f"{Asset.audit_type}.created",
        object_type=Asset.audit_type,
        object_id=key,
        object_label=f"{row['tag']} {row['name']}"[:300],
        client_id=row["client_id"],
        changes={name: [None, value] for name, value in row.items() if value is not None},
    )
