"""Links between tickets, seen from both ends."""

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import Link, LinkKind

AGENT = ("tickets", "tickets.merge")


def link(client, ticket, tie, other, **more):
    return client.post(
        f"/tickets/{ticket.number}/links", data={"tie": tie, "other": other.number}, **more
    )


def pair(**values):
    home = factories.make_client().id
    return [factories.make_ticket(name, client_id=home, **values) for name in ("First", "Second")]


def only_link():
    with factories.work():
        found = db.session.query(Link).one()
        db.session.expunge(found)
        return found


def test_a_link_shows_on_both_ends_and_a_duplicate_offers_the_merge(sign_in, audit_rows):
    one, two = pair()
    client = sign_in(*AGENT)
    assert link(client, one, "duplicate", two).status_code == 303
    here, there = (client.get(f"/tickets/{ticket.number}/links").text for ticket in (one, two))
    assert "Duplicate of" in here and f"#{two.number}</strong> Second" in here
    assert "Has the duplicate" in there and f"#{one.number}</strong> First" in there
    merge = f'href="/tickets/{one.number}/merge?into={two.number}"'
    assert merge in here and merge in there
    for ticket in (one, two):
        assert audit_rows("ticket", ticket.id, action="ticket.linked")
    found = only_link()
    gone = client.post(f"/tickets/{two.number}/links/{found.id}/remove")
    assert gone.status_code == 303
    assert "No other ticket is linked" in client.get(f"/tickets/{one.number}/links").text


def test_the_other_way_round_and_in_place(sign_in):
    one, two = pair()
    client = sign_in(*AGENT)
    answer = link(client, one, "blocks:back", two, headers={"HX-Request": "true"})
    assert answer.status_code == 200 and "Blocked by" in answer.text
    assert "<!doctype" not in answer.text.lower()
    found = only_link()
    assert (found.ticket_id, found.other_id, found.kind) == (two.id, one.id, LinkKind.BLOCKS)


def test_what_cannot_be_linked_is_said_beside_the_field(sign_in):
    one, two = pair()
    client = sign_in(*AGENT)
    link(client, one, "related", two)
    assert "linked like this already" in link(client, two, "related", one).text
    assert "not linked to itself" in link(client, one, "related", one).text
    missing = client.post(f"/tickets/{one.number}/links", data={"tie": "related", "other": 99})
    assert missing.status_code == 422 and "no such ticket" in missing.text
    bad = client.post(f"/tickets/{one.number}/links", data={"tie": "eats", "other": two.number})
    assert bad.status_code == 422


def test_links_to_tickets_out_of_sight_are_neither_made_nor_shown(sign_in):
    one, _two = pair()
    foreign = factories.make_ticket("Secret")
    client = sign_in(*AGENT, client_id=one.client_id)
    assert "no such ticket" in link(client, one, "related", foreign).text
    everybody = sign_in(*AGENT)
    assert link(everybody, one, "related", foreign).status_code == 303
    assert "Secret" in everybody.get(f"/tickets/{one.number}/links").text
    assert "Secret" not in client.get(f"/tickets/{one.number}/links").text
    assert client.get(f"/tickets/{foreign.number}/links").status_code == 404


def test_only_who_may_links(sign_in):
    one, two = pair()
    reader = sign_in("tickets")
    assert link(reader, one, "related", two).status_code == 403
    assert "Add a link" not in reader.get(f"/tickets/{one.number}/links").text
    elsewhere = sign_in("tickets")
    factories.grant(
        elsewhere.user, factories.make_role("tickets.merge"), client_id=factories.make_client().id
    )
    assert link(elsewhere, one, "related", two).status_code == 403


def test_other_tickets_are_found_by_number_and_words(sign_in):
    one, two = pair()
    asset = factories.make_asset(client_id=one.client_id)
    near = factories.make_ticket("Toner empty", client_id=one.client_id, asset_id=asset.id)
    closed = factories.make_ticket("Toner gone", client_id=one.client_id, status="closed")
    foreign = factories.make_ticket("Toner elsewhere")
    client = sign_in(*AGENT)

    def found(query):
        answer = client.get(f"/tickets/{one.number}/others?{query}")
        return {int(row["value"]) for row in answer.json["options"]}

    assert found(f"q=%23{two.number}") == {two.number}
    assert found("q=toner") == {near.number, closed.number, foreign.number}
    assert found("q=toner&merge=1") == {near.number}
    assert found("") == {two.number, near.number, closed.number}


def test_two_statements_show_all_links(sign_in, statements):
    one, two = pair()
    client = sign_in(*AGENT)
    for tie in ("related", "blocks", "duplicate", "caused_by:back"):
        link(client, one, tie, two)
    with statements() as seen:
        client.get(f"/tickets/{one.number}/links")
    assert len(seen) <= 4, seen  # who asks, the ticket, where it lies, what it is tied to
