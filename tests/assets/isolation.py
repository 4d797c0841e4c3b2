"""Two clients with a row of each isolated table, and people who work for one of them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psycopg
from sqlalchemy import text

from tests import factories
from webapp.assets.import_models import ImportMapping, ImportRow, ImportRun, Verdict
from webapp.assets.models import Custody, Status
from webapp.attachments.models import Attachment
from webapp.core.db import db

KINDS = ("client", "location", "project")
SECRETS = ("SECRET-1", "Secretive", "SECRETSERIAL", "secretimei", "rivals", "RIVAL", "Lisbon")
OF_CLIENT = ("assets", "asset_unique_values", "asset_custody", "attachments")
OF_PERSON = ("asset_imports", "asset_import_rows", "asset_import_mappings")
MISSING = 999_999_999
RIGHTS = (
    *("assets", "assets.types", "assets.import", "dashboard", "organisation", "organisation.edit"),
    *("assets.edit", "assets.archive", "assets.custody", "assets.export", "assets.configure"),
    "assets.apply_import",
)
SHA = "a" * 64


def make_world() -> SimpleNamespace:
    """Madrid with Alpha works, Lisbon with Alpha rivals; whatever one has, the other has, too."""
    top = factories.make_location("Madrid")
    floor = factories.make_location("Third floor", parent_id=top.id)
    far = factories.make_location("Lisbon")
    kind = factories.make_type(
        "Phone", {"key": "imei", "kind": "text", "unique": True}, {"key": "note", "kind": "text"}
    )
    mine = factories.make_client("Alpha works", location_id=floor.id, code="ALPHA")
    theirs = factories.make_client("Alpha rivals", location_id=far.id, code="RIVAL")
    project = factories.make_project("Alpha one", client_id=mine.id)
    second = factories.make_project("Alpha two", client_id=mine.id)
    other = factories.make_project("Alpha Secretive", client_id=theirs.id)
    holder = factories.make_user(name="Somebody Else")
    world = SimpleNamespace(
        top=top, floor=floor, far=far, type=kind, mine=mine, theirs=theirs, holder=holder
    )
    world.project, world.second, world.other = project, second, other
    world.asset = _asset(world, mine, project.id, "MINE-1", "Alpha laptop", "mineimei")
    world.loose = _asset(world, mine, None, "MINE-2", "Alpha phone", "looseimei")
    world.apart = _asset(world, mine, second.id, "MINE-3", "Alpha screen", "apartimei")
    world.secret = _asset(
        world, theirs, other.id, "SECRET-1", "Secretive laptop", "secretimei", "SECRETSERIAL"
    )
    world.free = _asset(world, theirs, None, "SECRET-2", "Secretive van", "freeimei")
    for asset in (world.asset, world.secret):
        with factories.work():
            db.session.add(
                Custody(
                    client_id=asset.client_id,
                    asset_id=asset.id,
                    holder_user_id=holder.id,
                    taken_at=datetime(2026, 1, 1, tzinfo=UTC),
                )
            )
            file = Attachment(client_id=asset.client_id, asset_id=asset.id, name=f"{asset.tag}.pdf")
            file.sha256, file.size, file.media_type = SHA, 5, "application/pdf"
            db.session.add(file)
    with factories.work():
        db.session.execute(
            text("SELECT set_config('app.user_id', :id, true)"), {"id": str(holder.id)}
        )
        run = ImportRun(
            user_id=holder.id, file_name="Secretive.csv", sha256=SHA, header=["a"], settings={}
        )
        db.session.add(run)
        db.session.flush()
        world.run_id = run.id
        db.session.add(
            ImportRow(
                run_id=run.id,
                line=1,
                verdict=Verdict.NEW,
                label="SECRET-9",
                values={},
                changes={},
                problems=[],
            )
        )
        db.session.add(ImportMapping(user_id=holder.id, header_hash=SHA, settings={}))
    return world


def _asset(  # noqa: PLR0917 - as it reads above
    world: Any,
    client: Any,
    project_id: int | None,
    tag: str,
    name: str,
    imei: str,
    serial: str = "",
) -> Any:
    return factories.make_asset(
        name,
        tag=tag,
        type_id=world.type.id,
        client_id=client.id,
        project_id=project_id,
        status=Status.IN_USE,
        serial=serial,
        attributes={"imei": imei, "note": "alpha"},
    )


def scope_of(world: Any, kind: str) -> dict[str, int]:
    """Where the person's role holds."""
    return {
        "client": {"client_id": world.mine.id},
        "location": {"location_id": world.top.id},
        "project": {"project_id": world.project.id},
    }[kind]


def own_assets(world: Any, kind: str) -> list[str]:
    """The tags that the person sees."""
    return ["MINE-1"] if kind == "project" else ["MINE-1", "MINE-2", "MINE-3"]


class Scoped:
    """The app's own connection, as the app would have it for one person's request."""

    def __init__(self, connection: Any, user: Any) -> None:
        self.connection, self.user = connection, user

    def run(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """Run one statement in a transaction of its own, and undo it; return the rows."""
        done = self._execute(statement, values)
        rows: list[dict[str, Any]] = done.fetchall() if done.description else []
        self.connection.rollback()
        return rows

    def touched(self, statement: str, **values: Any) -> int:
        """How many rows a statement reached; undone."""
        count: int = self._execute(statement, values).rowcount
        self.connection.rollback()
        return count

    def told(self, statement: str, *, before: str = "", **values: Any) -> tuple[Any, ...]:
        """What the database answered, without the numbers that were asked for."""
        try:
            done = self._execute(statement, values, before)
            outcome: tuple[Any, ...] = ("done", done.rowcount)
            self.connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
        except psycopg.Error as error:
            outcome = (error.sqlstate, error.diag.constraint_name, error.diag.table_name)
        self.connection.rollback()
        return outcome

    def _execute(self, statement: str, values: Any, before: str = "") -> Any:
        self.connection.rollback()
        self.connection.execute(
            "SELECT set_config('app.user_id', %s, true), set_config('app.page', 'assets', true)",
            [str(self.user.id)],
        )
        # What must be audited, is.
        self.connection.execute(
            "INSERT INTO audit_event (action, category) VALUES ('test.tried', 'system')"
        )
        if before:
            self.connection.execute(before)
        return self.connection.execute(statement, values)
