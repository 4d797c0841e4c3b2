"""New assets of an import: a thousand at once, each with its row in the log as if it had been added alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Table, select

from webapp.assets.importing.rows import Outcome
from webapp.assets.models import Asset
from webapp.assets.services import records
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.core.many import insert_many

FIELDS = (*records.FIELDS, "status", "attributes")
TABLE = cast("Table", Asset.__table__)


def in_waves(some: list[Outcome]) -> Iterator[list[Outcome]]:
    """Yield rows so that what others lie in has been added before them.

    Raises:
        DomainError: if a container is missing, as its own row was refused.
    """
    yield [one for one in some if not one.container]
    waiting = [one for one in some if one.container]
    while waiting:
        made = _ids_of(waiting)
        put = [
            (one, made.get((one.client.id, one.container)) if one.client else None)
            for one in waiting
        ]
        if not any(key for _one, key in put):
            raise DomainError(_("What it lies in was not brought in."))
        yield [_inside(one, key) for one, key in put if key]
        waiting = [one for one, key in put if not key]


def _ids_of(waiting: list[Outcome]) -> dict[tuple[int | None, str], int]:
    tags = {one.container for one in waiting}
    columns = (TABLE.c.id, TABLE.c.client_id, TABLE.c.tag_key)
    rows = db.session.execute(select(*columns).where(TABLE.c.tag_key.in_(tags)))
    return {(row.client_id, row.tag_key): row.id for row in rows}


def _inside(one: Outcome, key: int) -> Outcome:
    # A copy: should all this be undone, the next attempt looks again.
    command = one.command.model_copy(update={"parent_id": key}) if one.command else None
    return replace(one, command=command, container="")


def add(new: list[Outcome]) -> tuple[list[tuple[Outcome, Asset]], dict[int, int]]:
    """Insert assets; returns those that somebody gets, as stand-ins that the session does not know, and ids by line."""
    rows = _rows(new)
    made = insert_many(TABLE, rows, returning=(TABLE.c.id, TABLE.c.client_id, TABLE.c.tag))
    ids = {(row.client_id, row.tag): row.id for row in made}
    given, lines = [], {}
    for one, row in zip(new, rows, strict=True):
        key = ids[row["client_id"], row["tag"]]
        lines[one.row.line] = key
        _note(key, row)
        if one.holder is not None:
            shown = {name: row[name] for name in ("client_id", "tag", "name", "status")}
            given.append((one, Asset(id=key, **shown)))
    return given, lines


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
