"""Undoing each kind of change, through the services that made it."""

from collections.abc import Callable
from typing import Any

from tests import factories
from tests.oversight.undoing import row_of, sent, undo_request, undo_row, words
from webapp.access.models import UserRole
from webapp.assets.models import Asset, Custody, Status
from webapp.core.db import db
from webapp.organisation.models import Project
from webapp.roles.queries import name_is_taken
from webapp.tickets.models import Link, Team, TeamMember, Ticket
from webapp.tickets.models import Status as TicketStatus
from webapp.users.models import User

SignIn = Callable[..., Any]


def test_created_is_archived_and_deleted_comes_back(boss: Any, last: Any) -> None:
    home, kind = factories.make_client(), factories.make_type()
    sent(boss, "/assets/new", tag="U-1", name="Pump", type_id=kind.id, place=f"client:{home.id}")
    made = last(action="asset.created")
    assert undo_request(boss, made).status_code == 303
    assert row_of(Asset, made["object_id"]).deleted_at is not None
    archived = last("asset", made["object_id"])
    assert undo_row(boss, archived).status_code == 303
    assert row_of(Asset, made["object_id"]).deleted_at is None
    project = factories.make_project(client_id=home.id)
    sent(boss, f"/organisation/projects/{project.id}/delete", version=project.version)
    assert undo_request(boss, last("project", project.id)).status_code == 303
    assert row_of(Project, project.id).deleted_at is None


def test_statuses_go_back_as_the_rules_have_it(boss: Any, sign_in: SignIn, last: Any) -> None:
    thing = factories.make_asset(status=Status.IN_REPAIR)
    sent(boss, f"/assets/{thing.tag}/status", status="lost", version=thing.version)
    row = last("asset", thing.id, action="asset.updated")
    # Somebody else's: only on a way that the table allows.
    other = sign_in("*")
    assert "cannot get that one" in words(other.get(f"/audit/{row['id']}/undo"))
    assert undo_row(boss, row).status_code == 303
    assert row_of(Asset, thing.id).status == Status.IN_REPAIR


def test_roles_of_people(boss: Any, last: Any, sign_in: SignIn) -> None:
    person, role = factories.make_user(name="Luis Gil"), factories.make_role("tickets")
    home = factories.make_client()
    given = {"role_id": role.id, "scope": f"client:{home.id}", "reason": "New"}
    sent(boss, f"/users/{person.id}/roles", **given)
    row = last("user", person.id, action="role.assigned")
    own = sign_in(user=person)
    factories.grant(person, factories.make_role("*"))
    assert "Nobody edits their own roles" in words(own.get(f"/audit/{row['id']}/undo"))
    assert undo_row(boss, row).status_code == 303
    with factories.work():
        left = db.session.query(UserRole).filter_by(user_id=person.id, role_id=role.id).count()
    assert left == 0
    assert undo_row(boss, last("user", person.id, action="role.revoked")).status_code == 303
    with factories.work():
        back = db.session.query(UserRole).filter_by(user_id=person.id, role_id=role.id).one()
        assert back.client_id == home.id


def test_a_person_and_a_role(boss: Any, last: Any) -> None:
    person = factories.make_user(name="Luis Gil")
    factories.open_session(person)
    sent(boss, f"/users/{person.id}/deactivate", reason="Left")
    assert undo_request(boss, last("user", person.id, action="user.deactivated")).status_code == 303
    assert row_of(User, person.id).is_active
    keys = {"keys": ["tickets", "tickets.edit"]}
    sent(boss, "/roles/new", name="Night shift", description="x", **keys)
    made = last(action="role.created")
    role_id = made["object_id"]
    sent(boss, f"/roles/{role_id}/delete", reason="Not needed")
    gone = last("role", role_id, action="role.deleted")
    assert undo_request(boss, gone).status_code == 303
    again = last(action="role.created")
    assert again["object_id"] != role_id and again["object_label"] == "Night shift"
    page = boss.get(f"/roles/{again['object_id']}")
    assert "Edit tickets" in page.text
    # And that in turn.
    assert undo_request(boss, again).status_code == 303
    with factories.work():
        assert not name_is_taken("Night shift")


def test_who_has_an_asset(boss: Any, last: Any) -> None:
    thing = factories.make_asset(status=Status.IN_STOCK)
    ana, luis = factories.make_user(name="Ana"), factories.make_user(name="Luis")

    def holder() -> int | None:
        with factories.work():
            found = db.session.query(Custody).filter_by(asset_id=thing.id, returned_at=None).all()
            return found[0].holder_user_id if found else None

    sent(boss, f"/assets/{thing.tag}/check-out", holder=f"user:{ana.id}")
    sent(boss, f"/assets/{thing.tag}/transfer", holder=f"user:{luis.id}")
    early = last("asset", thing.id, action="asset.checked_out")
    assert "changed again" in boss.get(f"/audit/{early['id']}/undo").text
    assert (
        undo_request(boss, last("asset", thing.id, action="asset.transferred")).status_code == 303
    )
    assert holder() == ana.id
    sent(boss, f"/assets/{thing.tag}/check-in", condition="good", status="in_repair")
    assert undo_request(boss, last("asset", thing.id, action="asset.checked_in")).status_code == 303
    assert holder() == ana.id
    assert row_of(Asset, thing.id).status == Status.IN_USE
    assert undo_row(boss, last("asset", thing.id, action="asset.transferred")).status_code == 409


def test_a_ticket(boss: Any, last: Any) -> None:
    lead = factories.make_user(name="Luis")
    factories.grant(lead, factories.make_role("tickets"))
    ticket = factories.make_ticket("Printer", status="open")
    url = f"/tickets/{ticket.number}"
    sent(boss, f"{url}/assign", assignee_id=lead.id, version=ticket.version)
    sent(boss, f"{url}/status", status="resolved", resolution="New toner")
    resolved = last("ticket", ticket.id, action="ticket.resolved")
    assert undo_row(boss, last("ticket", ticket.id, action="ticket.assigned")).status_code == 303
    now = row_of(Ticket, ticket.id)
    assert now.assignee_id is None and now.status == TicketStatus.RESOLVED
    assert undo_row(boss, resolved).status_code == 303
    now = row_of(Ticket, ticket.id)
    assert (now.status, now.resolution, now.reopened) == (TicketStatus.OPEN, "", 0)
    other = factories.make_ticket("Printer again", client_id=ticket.client_id)
    sent(boss, f"{url}/links", tie="related", other=other.number)
    assert undo_request(boss, last(action="ticket_link.created")).status_code == 303
    with factories.work():
        assert not db.session.query(Link).count()
    assert undo_request(boss, last(action="ticket_link.deleted")).status_code == 303
    with factories.work():
        assert db.session.query(Link).count() == 1


def test_a_merge_and_its_undo(boss: Any, last: Any) -> None:
    one = factories.make_ticket("Printer", body="It jams", status="open")
    two = factories.make_ticket("Paper", body="Jam", status="open", client_id=one.client_id)
    sent(boss, f"/tickets/{one.number}/merge", into=two.number)
    merged = last("ticket", one.id, action="ticket.merged")
    assert undo_request(boss, merged).status_code == 303
    assert row_of(Ticket, one.id).merged_into_id is None
    assert (
        undo_request(boss, last("ticket", one.id, action="ticket.merge_undone")).status_code == 303
    )
    assert row_of(Ticket, one.id).merged_into_id == two.id


def test_a_team(boss: Any, last: Any) -> None:
    luis = factories.make_user(name="Luis")
    team = factories.make_team(name="Night")
    with factories.work():
        member = TeamMember(team_id=team.id, user_id=luis.id)
        db.session.add(member)
    sent(boss, f"/tickets/desk/teams/{team.id}/members/{luis.id}/remove")
    assert undo_request(boss, last("team", team.id, action="team.left")).status_code == 303
    with factories.work():
        assert db.session.query(TeamMember).filter_by(team_id=team.id).count() == 1
    assert undo_request(boss, last("team", team.id, action="team.joined")).status_code == 303
    with factories.work():
        assert not db.session.query(TeamMember).filter_by(team_id=team.id).count()
        assert db.session.get_one(Team, team.id).name == "Night"
