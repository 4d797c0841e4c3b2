"""Messages of a ticket that become one of their own."""

from datetime import UTC, datetime

from sqlalchemy import select

from tests import factories
from webapp.assets.models import Asset
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.tickets.models import Level, Link, Message, Priority, Status, Ticket

AGENT = ("tickets", "tickets.merge")
LATE = datetime(2026, 3, 4, 5, tzinfo=UTC)


def talk(**values):
    """A ticket with three messages, the second with a file."""
    contact = factories.make_contact()
    ticket = factories.make_ticket(
        "Two things",
        client_id=contact.client_id,
        requester_contact_id=contact.id,
        status=Status.PENDING,
        impact=Level.HIGH,
        urgency=Level.HIGH,
        priority=Priority.URGENT,
        team_id=factories.make_team().id,
        tags=["vpn"],
        **values,
    )
    with factories.work():
        made = [
            Message(client_id=ticket.client_id, ticket_id=ticket.id, body=f"Part {n}", sent_at=LATE)
            for n in range(3)
        ]
        made[1].contact_id = contact.id
        db.session.add_all(made)
        db.session.flush()
        file = Attachment(
            client_id=ticket.client_id,
            ticket_id=ticket.id,
            message_id=made[1].id,
            name="log.txt",
            sha256="a" * 64,
            size=1,
            media_type="text/plain",
        )
        db.session.add(file)
        ids = [one.id for one in made]
    return ticket, ids


def split(client, ticket, ids, **more):
    asked = {"messages": ids, "subject": "The other thing"} | more
    return client.post(f"/tickets/{ticket.number}/split", data=asked)


def test_chosen_messages_become_a_ticket_with_all_it_needs(sign_in, audit_rows):
    ticket, ids = talk()
    client = sign_in(*AGENT)
    page = client.get(f"/tickets/{ticket.number}/split?message={ids[1]}").text
    assert f'value="{ids[1]}" checked' in page and "cannot be undone" in page
    answer = split(client, ticket, [ids[1]], note="Came with #1")
    assert answer.status_code == 303
    number = int(answer.location.rpartition("/")[2])
    with factories.work():
        made = db.session.scalars(select(Ticket).where(Ticket.number == number)).one()
        made_id = made.id
        old = db.session.get_one(Ticket, ticket.id)
        for name in ("client_id", "requester_contact_id", "priority", "impact", "team_id"):
            assert getattr(made, name) == getattr(old, name), name
        assert (made.subject, made.status, made.assignee_id) == ("The other thing", "new", None)
        assert made.opened_at > old.opened_at
        moved = db.session.get_one(Message, ids[1])
        assert (moved.ticket_id, moved.origin_id, moved.sent_at) == (made.id, ticket.id, LATE)
        assert moved.contact_id == ticket.requester_contact_id
        file = db.session.scalars(select(Attachment)).one()
        assert (file.ticket_id, file.message_id) == (made.id, ids[1])
        tie = db.session.scalars(select(Link)).one()
        assert (tie.ticket_id, tie.other_id, tie.kind) == (made.id, ticket.id, "related")
        notes = db.session.scalars(select(Message).where(Message.is_note)).all()
        assert {(one.ticket_id, one.via) for one in notes} == {
            (ticket.id, "system"),
            (made.id, "web"),
        }
    assert audit_rows("ticket", ticket.id, action="ticket.split")[-1]["changes"]["messages"] == 1
    assert audit_rows("ticket", made_id, action="ticket.split_off")


def test_at_least_one_goes_and_one_stays(sign_in):
    ticket, ids = talk()
    other, theirs = talk()
    client = sign_in(*AGENT)
    assert "Choose at least one" in split(client, ticket, []).text
    refused = split(client, ticket, ids)
    assert refused.status_code == 422 and "At least one message stays" in refused.text
    assert "The other thing" in refused.text  # nothing typed is lost
    assert "not here any more" in split(client, ticket, [ids[0], theirs[0]]).text
    assert split(client, ticket, [ids[0]], subject="").status_code == 422
    single = factories.make_ticket(body="Only this")
    assert "Nothing to split off" in client.get(f"/tickets/{single.number}/split").text
    with factories.work():
        assert len(db.session.scalars(select(Ticket)).all()) == 3
        assert {one.ticket_id for one in db.session.scalars(select(Message))} == {
            ticket.id,
            other.id,
            single.id,
        }


def test_only_who_may_splits(sign_in):
    ticket, ids = talk()
    assert split(sign_in("tickets", "tickets.edit"), ticket, [ids[0]]).status_code == 403
    scoped = sign_in(*AGENT, client_id=factories.make_client().id)
    assert split(scoped, ticket, [ids[0]]).status_code == 404
    sees = sign_in("tickets")
    factories.grant(
        sees.user, factories.make_role("tickets.merge"), client_id=factories.make_client().id
    )
    assert split(sees, ticket, [ids[0]]).status_code == 403


def test_a_split_can_be_merged_back(sign_in):
    ticket, ids = talk()
    client = sign_in(*AGENT)
    number = int(split(client, ticket, ids[:2]).location.rpartition("/")[2])
    merged = client.post(f"/tickets/{number}/merge", data={"into": ticket.number})
    assert merged.status_code == 303
    with factories.work():
        for key in ids:
            assert db.session.get_one(Message, key).ticket_id == ticket.id
        assert not db.session.scalars(select(Link)).all()


def test_an_asset_that_went_to_another_client_stays_behind(sign_in, audit_rows):
    home = factories.make_client().id
    asset = factories.make_asset(client_id=home)
    contact = factories.make_contact(client_id=home)
    given = {"asset_id": asset.id, "requester_contact_id": contact.id}
    ticket = factories.make_ticket(client_id=home, **given)
    with factories.work():
        parts = [
            Message(client_id=home, ticket_id=ticket.id, body=f"Part {n}", sent_at=LATE)
            for n in range(3)
        ]
        db.session.add_all(parts)
        db.session.flush()
        ids = [one.id for one in parts]
    client = sign_in(*AGENT)

    def made_of(chosen):
        answer = split(client, ticket, [chosen])
        assert answer.status_code == 303, answer.text
        with factories.work():
            number = int(answer.location.rpartition("/")[2])
            made = db.session.scalars(select(Ticket).where(Ticket.number == number)).one()
            return made.id, made.asset_id, made.requester_contact_id

    assert made_of(ids[0])[1:] == (asset.id, contact.id)
    with factories.work():
        db.session.get_one(Asset, asset.id).client_id = factories.make_client().id
    made_id, *rest = made_of(ids[1])
    assert rest == [None, contact.id]
    assert len(audit_rows("ticket", made_id, action="ticket.split_off")) == 1
    with factories.work():
        assert db.session.get_one(Ticket, ticket.id).asset_id == asset.id
