"""What forms accept, as a browser or as JSON, and how they refuse."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import factories
from tests.pages import CheckedClient

JSON = {"Accept": "application/json"}


def token_of(client: Any) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    "body",
    [
        "[1,2]",
        '"x"',
        "1",
        "true",
        "null",
        "{",
        "[" * 100_000,
        "\xff",
        '[["email","a@example.com"],["password","x"]]',
        '{"email":["a","b"],"password":"x"}',
        '{"email":"a","email":"b","password":"x"}',
        '{"email":{"a":1},"password":"x"}',
    ],
)
def test_json_that_is_no_plain_object_is_refused(csrf_client: CheckedClient, body: str) -> None:
    headers = {"X-CSRFToken": token_of(csrf_client), "Content-Type": "application/json"}
    assert csrf_client.post("/login", data=body, headers=headers).status_code == 400
    reply = csrf_client.post("/login", data=body, headers={**headers, **JSON})
    assert reply.status_code == 400
    assert reply.json["success"] is False and reply.json["error"]["code"] == "bad_request"


def test_an_object_of_plain_values_is_a_form(sign_in: Any, owner: Any) -> None:
    client = sign_in("*")
    sent = {"name": "From JSON", "description": None, "keys": ["users", "audit"]}
    assert client.post("/roles/new", json=sent).status_code == 303
    assert owner.execute("SELECT FROM roles WHERE name = 'From JSON'").rowcount == 1


def test_whoever_reads_json_is_told_in_json_what_is_wrong_with_a_form(sign_in: Any) -> None:
    client, person = sign_in("*"), factories.make_user()
    reply = client.post("/users/new", data={"name": " ", "email": "x@example.com"}, headers=JSON)
    assert reply.status_code == 422 and reply.mimetype == "application/json"
    assert reply.json["error"]["fields"] == {"name": ["Fill this in."]}
    assert reply.json["error"]["code"] == "invalid"
    edit = {"name": "X", "email": person.email, "locale": "en", "timezone": "UTC", "version": 99}
    reply = client.post(f"/users/{person.id}/edit", data=edit, headers=JSON)
    assert reply.status_code == 409 and reply.json["error"]["code"] == "stale"
    assert client.post("/users/new", data={"name": " "}).mimetype == "text/html"


def test_a_refused_sign_in_is_told_in_json(client: CheckedClient) -> None:
    sent = {"email": "nobody@example.com", "password": "wrong"}
    reply = client.post("/login", data=sent, headers=JSON)
    assert reply.status_code == 422
    assert reply.json["error"]["message"] == "The e-mail address or the password is not right."


@pytest.mark.parametrize(
    "name",
    ["Ann\u202ea", "\u2066Ann\u2069", "An\u200bn", "\ufeffAnn", "A\u2028n", "A\u2029n", "A\ufffd"],
)
def test_what_makes_a_name_look_like_another_is_refused(sign_in: Any, name: Any) -> None:
    sent = urlencode({"name": name, "email": "a@example.com"})
    form = "application/x-www-form-urlencoded"
    reply = sign_in("*").post("/users/new", data=sent, content_type=form)
    assert reply.status_code == 422 and "Remove the invisible control characters." in reply.text


@pytest.mark.parametrize("name", ["\u0646\u06cc\u0645\u200c\u0641\u0627", "👩\u200d🔧 Ann"])
def test_joiners_stay(sign_in: Any, owner: Any, name: str) -> None:
    sign_in("*").post("/users/new", data={"name": name, "email": "a@example.com"})
    assert owner.execute("SELECT FROM users WHERE name = %s", [name]).rowcount == 1


def test_an_envelope_is_json(client: CheckedClient) -> None:
    assert json.loads(client.get("/nowhere", headers=JSON).text)["success"] is False
