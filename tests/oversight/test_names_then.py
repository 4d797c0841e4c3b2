"""Renaming a record does not rewrite how the log reads: names are those of the moment of each entry."""

import io
import json
import re
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select

from tests import factories
from tests.oversight.test_record_history import text_of
from webapp.audit.evidence import tables
from webapp.audit.models import AuditEvent
from webapp.audit.queries.labels import names_of
from webapp.core.db import db
from webapp.organisation import services as organisation
from webapp.organisation.models import Client, Location
from webapp.organisation.schemas import ClientEdit, LocationEdit


def move(client: Client, location: Location) -> None:
    with factories.work():
        now = db.session.get_one(Client, client.id)
        command = ClientEdit(name=now.name, code=now.code, location_id=location.id)
        organisation.save(Client, now.id, command, version=None)


def rename(location: Location, name: str) -> None:
    with factories.work():
        now = db.session.get_one(Location, location.id)
        command = LocationEdit(name=name, parent_id=now.parent_id)
        organisation.save(Location, now.id, command, version=None)


def story() -> tuple[Client, Location, str]:
    """A client moves to a place, which gets another name, and another one, and its first one again."""
    client, place = factories.make_client("Wanderer"), factories.make_location("Quay bureau")
    move(client, place)
    moment = datetime.now(UTC).isoformat()
    rename(place, "Quay lodge")
    move(client, factories.make_location("Elsewhere"))
    rename(place, "Harbour lodge")
    return client, place, moment


def test_an_entry_names_things_as_they_were_called_then(sign_in: Any) -> None:
    client, place, moment = story()
    reader = sign_in("audit", "organisation")
    about = f"/audit?object_type=client&object_id={client.id}"
    page = reader.get(about).text
    said = re.sub(r"<[^>]+>", "", page)
    assert re.search("moved the client Wanderer from .* to Quay bureau", said)
    assert "moved the client Wanderer from Quay lodge to Elsewhere" in said
    assert "“Quay bureau” is now called “Harbour lodge”" in page
    (entry,) = re.findall(
        r'href="(/audit/\d+\?at=[^"]+)"[^>]*><strong>[^<]*</strong>[^<]*to Quay bureau', page
    )
    shown = reader.get(entry.replace("&amp;", "&")).text
    assert 'title="now: Harbour lodge"' in shown
    then = reader.get(f"/audit/record/client/{client.id}", query_string={"at": moment})
    held = text_of(then).split("What happened")[0]
    assert "Quay bureau" in held and "Harbour lodge" not in held
    both = reader.get(f"/audit/record/client/{client.id}", query_string={"at": moment, "other": ""})
    assert "Quay bureau" in (told := text_of(both).split("What happened")[0])
    assert "Elsewhere" in told
    rename(place, "Quay bureau")
    assert "Quay lodge to Elsewhere" in text_of(reader.get(about))


def test_exports_have_the_names_of_then_beside_the_numbers() -> None:
    client, place, _moment = story()
    with factories.work():
        found = select(AuditEvent).where(
            AuditEvent.object_type == "client", AuditEvent.object_id == client.id
        )
        rows = list(db.session.scalars(found.order_by(AuditEvent.id)))
        lines, sheet = io.BytesIO(), io.BytesIO()
        tables.write_jsonl(lines, [rows], head=(), tell=lambda _n: None)
        tables.write_csv(sheet, [rows], head=(), tell=lambda _n: None)
    moved = [json.loads(line) for line in lines.getvalue().splitlines()][1]
    assert moved["names"]["location_id"][1] == "Quay bureau"
    assert moved["changes"]["location_id"][1] == place.id
    assert moved["sentence"].endswith("to Quay bureau")
    assert '""Quay bureau""' in sheet.getvalue().decode()


def test_what_is_gone_goes_by_its_last_name_and_out_of_sight_stays_nameless() -> None:
    gone, there = factories.make_location("Burnt shed"), factories.make_client("Standing")
    move(there, gone)
    move(there, factories.make_location())
    with factories.work():
        db.session.delete(db.session.get_one(Location, gone.id))
    with factories.work():
        found = select(AuditEvent).where(
            AuditEvent.object_type == "client", AuditEvent.object_id == there.id
        )
        names = names_of(list(db.session.scalars(found)))
        assert any("Burnt shed" in one.values() for one in names.former.values())


def test_a_former_name_finds_what_it_named(sign_in: Any) -> None:
    client, _place, _moment = story()
    reader = sign_in("audit", "organisation")

    def found(query: str) -> str:
        about = f"/audit?object_type=client&object_id={client.id}&{query}"
        return reader.get(about).text.partition("<tbody")[2]

    for name in ("Quay+bureau", "Quay+lodge", "Harbour+lodge"):
        assert "to Quay bureau" in found(f"field=location_id&became={name}")
    for words in ("Harbour", "quay+bureau", "quay+lodge"):
        assert "to Quay bureau" in found(f"q={words}")
    assert "data-event" not in found("q=harbour+nowhere")


def test_what_a_role_got_one_by_one_stands_below_what_it_got_in_all(
    boss: Any, audit_rows: Any
) -> None:
    role = factories.make_role("tickets")
    edit = {"name": role.name, "keys": ["assets"], "version": role.version, "reason": "Other"}
    edit["step"] = "apply"
    assert boss.post(f"/roles/{role.id}/edit", data=edit).status_code == 303
    (told,) = audit_rows("role", role.id, action="role.permissions_changed")
    page = boss.get(f"/audit?request={told['request_id']}").text
    whole, *parts = re.findall(r'<tr data-event="(\d+)"([^>]*)>', page)
    assert whole[0] == str(told["id"]) and "is-inside" not in whole[1]
    assert len(parts) == 2 and all("is-inside" in part for _id, part in parts)
