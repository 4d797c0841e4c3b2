"""Contacts of clients: seen, made and changed within scope; an address is a client's once."""

from typing import Any

import pytest

from tests import factories
from webapp.core.db import db
from webapp.tickets.models import Contact

pytestmark = pytest.mark.usefixtures("app")
URL = "/tickets/contacts"


def sent(client: Any, **values: Any) -> dict[str, str]:
    return {"client_id": str(client.id), "name": "Ana Ruiz", "email": "ana@example.com", **values}


def test_the_list_searches_and_pages(sign_in: Any) -> None:
    client = factories.make_client("Acme")
    for name in ("Ana Ruiz", "Bo Lund", "Cy Young"):
        factories.make_contact(client_id=client.id, name=name)
    far = factories.make_contact(name="Far Away")
    browser = sign_in("tickets", client_id=client.id)
    page = browser.get(f"{URL}?limit=2").data.decode()
    assert "Ana Ruiz" in page
    assert "Cy Young" not in page
    older = page.split("?")[1:]
    after = next(part for part in older if "after=" in part).split("after=")[1].split('"')[0]
    assert "Cy Young" in browser.get(f"{URL}?limit=2&after={after}").data.decode()
    assert b"Bo Lund" in browser.get(f"{URL}?q=lun").data
    assert b"No contact matches" in browser.get(f"{URL}?q=nobody").data
    assert b"Far Away" not in browser.get(URL).data
    assert browser.get(f"{URL}/{far.id}").status_code == 404
    assert b"Acme" in browser.get(f"{URL}?client={client.id}").data
    assert browser.get(f"{URL}?client=x").status_code == 400
    table = browser.get(URL, headers={"HX-Request": "true"}).data
    assert b"<html" not in table


def test_the_page_of_a_contact_lists_the_tickets(sign_in: Any) -> None:
    contact = factories.make_contact()
    factories.make_ticket(
        "Printer jams", client_id=contact.client_id, requester_contact_id=contact.id
    )
    browser = sign_in("tickets")
    assert b"Printer jams" in browser.get(f"{URL}/{contact.id}").data
    assert b"No tickets yet" in browser.get(f"{URL}/{factories.make_contact().id}").data


def test_making_one(sign_in: Any, audit_rows: Any) -> None:
    here, there, far = (factories.make_client() for _ in range(3))
    browser = sign_in("tickets", "tickets.create", client_id=here.id)
    factories.grant(browser.user, factories.make_role("tickets"), client_id=there.id)
    assert browser.get(f"{URL}/new?client={here.id}").status_code == 200
    assert browser.post(f"{URL}/new", data=sent(here)).status_code == 303
    row = audit_rows("contact", client_id=here.id)[0]
    assert (row["action"], row["object_label"]) == ("contact.created", "Ana Ruiz")
    assert browser.post(f"{URL}/new", data=sent(there)).status_code == 403
    assert browser.post(f"{URL}/new", data=sent(far)).status_code == 422
    twice = browser.post(f"{URL}/new", data=sent(here, name="Bo", email="ANA@example.com"))
    assert twice.status_code == 422
    assert b'id="email-error"' in twice.data
    assert b'value="Bo"' in twice.data
    assert sign_in("tickets").get(f"{URL}/new").status_code == 403


BAD = [
    ("name", " "),
    ("name", "x" * 201),
    ("email", ""),
    ("email", "no address"),
    ("email", "a@b, c@d"),
    ("email", "@example.com"),
    ("email", f"{'x' * 250}@a.de"),
    ("phone", "1" * 61),
    ("client_id", ""),
    ("client_id", "999999999"),
]


def test_bad_input_stands_beside_its_field(sign_in: Any) -> None:
    client, browser = factories.make_client(), sign_in("*")
    for field, value in BAD:
        reply = browser.post(f"{URL}/new", data=sent(client) | {field: value})
        assert reply.status_code == 422, (field, value)
        assert f'id="{field}-error"'.encode() in reply.data, (field, value)
    with factories.work():
        assert db.session.query(Contact).count() == 0


def test_changing_one(sign_in: Any) -> None:
    contact = factories.make_contact()
    client, other = sent_to(contact), factories.make_client()
    browser = sign_in("tickets", "tickets.edit")
    url = f"{URL}/{contact.id}/edit"
    assert browser.get(url).status_code == 200
    values = sent(client, phone="+34 600") | {"version": "1"}
    assert browser.post(url, data=values).status_code == 303
    late = browser.post(url, data=values | {"name": "Late"})
    assert late.status_code == 409
    assert b'value="Late"' in late.data
    values["version"] = "2"
    factories.make_ticket(client_id=contact.client_id, requester_contact_id=contact.id)
    moved = browser.post(url, data=values | {"client_id": str(other.id)})
    assert moved.status_code == 422
    assert b'id="client_id-error"' in moved.data
    scoped = sign_in("tickets", "tickets.edit", client_id=other.id)
    assert scoped.get(url).status_code == 404
    factories.grant(scoped.user, factories.make_role("tickets"), client_id=contact.client_id)
    assert scoped.get(url).status_code == 403
    assert scoped.post(url, data=values).status_code == 403


def sent_to(contact: Contact) -> Any:
    return type("Client", (), {"id": contact.client_id})
