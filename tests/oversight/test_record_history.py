"""The page of a record's history, and who held what on a date."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests import factories
from webapp.access import asof as access
from webapp.access import services
from webapp.core import trail
from webapp.core.db import db
from webapp.organisation import services as organisation
from webapp.organisation.models import Client
from webapp.organisation.schemas import ClientEdit
from webapp.roles import services as roles
from webapp.roles.schemas import EditRole, RoleDraft
from webapp.users.models import User

Work = Callable[..., Any]


def text_of(reply: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", reply.get_data(as_text=True)))


def rename(client: Client, name: str) -> str:
    """Rename a client; return a moment before that."""
    before = datetime.now(UTC).isoformat()
    with factories.work():
        now = db.session.get_one(Client, client.id)
        command = ClientEdit(name=name, code=now.code, location_id=now.location_id)
        organisation.save(Client, now.id, command, version=None)
    return before


def test_a_record_is_shown_as_it_was_and_beside_another_moment(
    sign_in: Any, audit_rows: Any
) -> None:
    client = factories.make_client("First name")
    page = f"/audit/record/client/{client.id}"
    before = rename(client, "Second name")
    between = rename(client, "Third name")
    auditor = sign_in("audit", "organisation", "access.explain")
    then = text_of(auditor.get(page, query_string={"at": before}))
    assert (
        "As of" in then
        and "name First name" in then
        and "Third name" not in then.split("What happened")[0].split("Value ")[1]
    )
    both = text_of(auditor.get(page, query_string={"at": before, "other": between}))
    assert "What differs" in both and "First name Second name" in both
    turned = text_of(auditor.get(page, query_string={"at": between, "other": before}))
    assert "First name Second name" in turned  # the earlier is before, however they were typed
    now = text_of(auditor.get(page))
    assert "the table holds the same" in now and "name Third name" in now
    read = audit_rows(action="audit.read")[-1]
    assert read["changes"] == {"object_type": "client", "object_id": client.id}
    assert auditor.get(page, query_string={"at": "2001-01-01"}).status_code == 200
    for wrong, said in (("nonsense", "is no date and time"), ("2199-01-01", "has not come yet")):
        refused = auditor.get(page, query_string={"at": wrong})
        assert refused.status_code == 422 and said in text_of(refused)
    rename(client, "Second name")
    back = text_of(auditor.get(page, query_string={"at": between, "other": ""}))
    assert "The same at both; 2 changes between." in back
    assert auditor.get("/audit/record/session/1").status_code == 404


def test_what_was_changed_past_the_log_is_noticed(sign_in: Any, owner: Any) -> None:
    client = factories.make_client("Honest name")
    owner.execute("ALTER TABLE clients DISABLE TRIGGER must_audit")
    owner.execute("UPDATE clients SET notes = 'forged' WHERE id = %s", [client.id])
    owner.execute("ALTER TABLE clients ENABLE TRIGGER must_audit")
    said = text_of(sign_in("audit", "organisation").get(f"/audit/record/client/{client.id}"))
    assert "It was changed past the log" in said and "says: notes" in said


def test_values_are_covered_and_other_clients_are_out_of_sight(sign_in: Any) -> None:
    client, other = factories.make_client("Shown name"), factories.make_client()
    rename(client, "Later name")
    reader = sign_in("audit", client_id=client.id)
    said = text_of(reader.get(f"/audit/record/client/{client.id}"))
    assert "but not the values" in said and "contact address" not in said
    assert "the table holds" not in said
    assert reader.get(f"/audit/record/client/{other.id}").status_code == 404


def test_access_on_a_date_is_that_of_roles_and_places_then(
    sign_in: Any, work: Work, statements: Any
) -> None:
    boss = sign_in("*")
    north = factories.make_location("North")
    client = factories.make_client("Acme", location_id=north.id)
    person = factories.make_user(name="Luis Ortega")
    signed = _signed_in(boss.user.id)
    with work():
        role = roles.create_role(signed, RoleDraft(name="Helper", keys=frozenset({"tickets"})))
        services.assign_role(
            None, user_id=person.id, user_name=person.name, role=role, location_id=north.id
        )
    held = datetime.now(UTC)
    with work():
        again = db.session.merge(role)
        command = EditRole(
            name="Helper", keys=frozenset({"assets"}), version=again.version, reason="Less"
        )
        roles.change_role(signed, role=again, command=command)
        organisation.put(Client, client.id, under=factories_location())
    with work():
        then = access.past(person.id, held, kind="client", place_id=client.id)
        now = access.past(person.id, datetime.now(UTC), kind="client", place_id=client.id)
    (grant,) = then.grants
    assert (grant.role, grant.pages, grant.scope_label) == ("Helper", {"tickets"}, "North")
    assert grant.covers(then.place) and not now.grants[0].covers(now.place)
    assert now.grants[0].pages == {"assets"}
    asked = {"person": person.id, "key": "tickets", "object": f"client:{client.id}"}
    said = text_of(boss.get("/access/explain", query_string=asked | {"at": held.isoformat()}))
    assert "Luis Ortega had “Tickets” on Acme" in said and "What Luis Ortega held then" in said
    assert "does not have" in text_of(boss.get("/access/explain", query_string=asked))
    page = f"/audit/record/client/{client.id}?at={held.isoformat()}&other="
    with statements() as asked_for:
        seen = text_of(boss.get(page))
        boss.get("/access/explain", query_string=asked | {"at": held.isoformat()})
    assert sum("audit_event (" not in one for one in asked_for) <= 16  # eight a page
    assert "Who could see it then" in seen and "Luis Ortega" not in seen.split("Who could")[1]
    some = sign_in("access.explain")
    assert some.get("/access/explain", query_string={"at": held.isoformat()}).status_code == 404


def factories_location() -> int:
    from webapp.organisation.models import Location

    row = Location(name="South")
    db.session.add(row)
    db.session.flush()
    return row.id


def _signed_in(user_id: int) -> Any:
    from webapp.access.identity import act_as_person

    with factories.work():
        return act_as_person(db.session.get_one(User, user_id).id, page="")


def test_another_moment_elsewhere_is_covered_there(sign_in: Any, audit_rows: Any) -> None:
    here, there = factories.make_client("Here Ltd"), factories.make_client("There Ltd")
    with factories.work():
        for client, old, new in ((here, None, "Early"), (there, "Early", "Later secret")):
            trail.note(
                "asset.updated",
                object_type="asset",
                object_id=88_000_077,
                object_label="A-77",
                client_id=client.id,
                changes={"name": [old, new]},
            )
    reader = sign_in("audit", "assets", client_id=here.id)
    factories.grant(reader.user, factories.make_role("audit"), client_id=there.id)
    first = audit_rows(object_type="asset", object_id=88_000_077)[0]["id"]
    page = f"/audit/record/asset/88000077?upto={first}"
    assert "Early" in text_of(reader.get(page)).split("What happened")[0]
    said = text_of(reader.get(f"{page}&other="))
    assert "Later secret" not in said
    assert "but not the values" in said


def test_who_could_see_a_record_leaves_out_whom_nobody_let_in(sign_in: Any) -> None:
    reader = sign_in("*")
    client = factories.make_client()
    leaver = factories.make_user(name="Lena Leaver")
    factories.grant(leaver, factories.make_role("organisation"))
    before = rename(client, "Other name")
    with factories.work():
        db.session.get_one(User, leaver.id).is_active = False
    after = rename(client, "Last name")
    page = f"/audit/record/client/{client.id}"
    then = text_of(reader.get(page, query_string={"at": before})).split("Who could see it then")[1]
    assert re.search(r"Lena Leaver · [\w ]+ everywhere · deactivated since", then)
    later = text_of(reader.get(page, query_string={"at": after})).split("Who could see it then")[1]
    assert "Lena Leaver" not in later.split("What happened")[0]


def test_what_an_import_tells_of_sign_ins_is_not_in_the_history(sign_in: Any) -> None:
    person = factories.make_user()
    with factories.work():
        for action in ("session.opened", "user.viewed", "user.updated"):
            trail.note(
                action,
                category="import",
                object_type="user",
                object_id=person.id,
                object_label=f"by {action}",
                occurred_at=datetime(2026, 1, 5, tzinfo=UTC),
            )
    said = text_of(sign_in("*").get(f"/audit/record/user/{person.id}"))
    assert "by user.updated" in said
    assert "signed in" not in said and "looked at" not in said


def test_a_tickets_past_tells_what_was_written_to_who_may_read_it(
    sign_in: Any, statements: Any
) -> None:
    ticket = factories.make_ticket("Cold room", body="The window is open")
    page = f"/audit/record/ticket/{ticket.id}"
    reader = sign_in("audit", "tickets")
    with statements() as seen:
        story = text_of(reader.get(page)).partition("What happened")[2]
    assert len(seen) <= 8
    assert "The window is open" in story
    blind = text_of(sign_in("audit").get(page))
    assert "What happened" in blind and "The window is open" not in blind
