"""Over HTTP, too, a ticket of another client is exactly like one that does not exist."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from tests.assets.test_isolation_http import FRAGMENT, difference, exists, plain
from tests.tickets.isolation import MISSING, RIGHTS, SECRETS, make_world, own, scope_of

SignIn = Callable[..., Any]
KINDS = ("client", "project")
LISTS = (
    "/tickets",
    "/tickets?q=alpha",
    "/tickets?q=s&all=1",
    "/tickets?all=1&sort=-updated&limit=100",
    "/tickets?tag=alpha&all=1",
    "/tickets?view=recent",
    "/tickets?files=1",
    "/tickets/views",
    "/tickets/export.csv?all=1",
    "/tickets/rows?id={secret}&id={ticket}",
    "/tickets/news?since=2020-01-01T00:00",
    "/tickets/bulk?ids={secret}&ids={ticket}",
    "/tickets/contacts",
    "/tickets/contacts?q=s",
    "/tickets/new",
    "/tickets/desk",
    "/tickets/desk/service-levels",
    "/tickets/replies?q=&ticket={number}",
    "/tickets/{number}",
    "/tickets/{number}/side",
    "/tickets/{number}/links",
    "/tickets/{number}/history",
    "/tickets/{number}/others",
    "/tickets/{number}/merge",
    "/tickets/pickers/assets?q=s",
    "/tickets/pickers/places?q=a",
    "/tickets/pickers/clients?q=a",
    "/tickets/pickers/projects?q=a",
    "/tickets/pickers/requesters?q=s",
    "/tickets/filters/requester?q=s",
    "/tickets/filters/place?q=l",
    "/tickets/filters/asset?q=s",
    "/tickets/filters/tag?q=a",
    "/notifications",
    "/search?q=alpha",
    "/search?q=secret",
    "/",
)
# Of rows that belong to nobody's client: teams, people, replies, hours.
SHARED = {
    "user_id",
    "team_id",
    "reply_id",
    "hours_id",
    "holiday_id",
    "shift_id",
    "what",
    "request_id",
}


@pytest.fixture
def world(app: Flask) -> Any:
    return make_world()


@pytest.fixture
def visitor(world: Any, sign_in: SignIn) -> Callable[[str], Any]:
    return lambda kind: sign_in(*RIGHTS, **scope_of(world, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_lists_searches_and_exports_hold_nothing_of_others(
    world: Any, visitor: Any, app: Flask, kind: str
) -> None:
    client = visitor(kind)
    names = {"secret": world.secret_ticket.id, "ticket": world.ticket.id}
    names["number"] = world.ticket.number
    for address in LISTS:
        url = address.format(**names)
        assert exists(app, url), url
        reply = client.get(url, headers=FRAGMENT if "pickers" in url or "filters" in url else {})
        text = reply.get_data(as_text=True)
        assert reply.status_code == 200, (url, reply.status_code)
        for secret in SECRETS:
            assert secret not in text, (url, secret)
    listed = client.get("/tickets?q=alpha&all=1").get_data(as_text=True)
    for ticket in (world.ticket, world.merged, world.loose, world.apart):
        assert (f"/tickets/{ticket.number}" in listed) is (ticket.id in own(world, kind))


@pytest.mark.parametrize("kind", KINDS)
def test_a_question_about_others_gets_the_answer_of_nothing(
    world: Any, visitor: Any, kind: str
) -> None:
    client = visitor(kind)
    words = [("secretref", "nosuchref"), ("secretword", "nosuchword")]
    words.append((str(world.secret_ticket.number), str(MISSING)))
    urls = ("/tickets?all=1&q=%s", "/search?q=%s", "/tickets/contacts?q=%s")
    pairs = [(url % there, url % absent, there, absent) for url in urls for there, absent in words]
    numbers = [
        ("place", "location:", world.far.id),
        ("place", "client:", world.theirs.id),
        ("place", "project:", world.other.id),
        ("asset", "", world.secret.id),
        ("requester", "contact:", world.rival.id),
    ]
    pairs += [
        (f"/tickets?{key}={word}{there}", f"/tickets?{key}={word}{MISSING}", there, MISSING)
        for key, word, there in numbers
    ]
    pairs += [
        (url % world.secret_ticket.id, url % MISSING, world.secret_ticket.id, MISSING)
        for url in ("/tickets/rows?id=%s", "/tickets/bulk?ids=%s")
    ]
    for there, absent, *asked in pairs:
        seen, unseen = (plain(client.get(url), *asked) for url in (there, absent))
        assert not difference(seen, unseen), there


def _addresses(app: Flask, world: Any, owner: Any) -> Iterator[tuple[str, str, str, list[Any]]]:
    """Method, address of a foreign thing, of one that is missing, and what was asked for."""
    there = _foreign(world, owner)
    nodes = {"location": world.far.id, "client": world.theirs.id, "project": world.other.id}
    nodes["asset"] = world.secret.id
    for rule in app.url_map.iter_rules():
        names = set(rule.arguments)
        if not rule.rule.startswith("/tickets/") or not names or names & SHARED:
            continue
        if names == {"kind", "key"}:
            asked = [{"kind": kind, "key": key} for kind, key in nodes.items()]
        else:
            asked = [{name: there[name] for name in names}]
            if len(names) > 1:  # what hangs on a foreign ticket, asked for at one's own
                asked.append(asked[0] | {"number": world.ticket.number})
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            for values in asked:
                missing = {
                    name: value if name == "kind" or value == world.ticket.number else MISSING
                    for name, value in values.items()
                }
                words = [*values.values(), *missing.values()]
                yield method, _fill(rule.rule, values), _fill(rule.rule, missing), words


def _foreign(world: Any, owner: Any) -> dict[str, int]:
    def one(table: str, column: str = "ticket_id") -> int:
        found = owner.execute(
            f"SELECT id FROM {table} WHERE {column} = %s ORDER BY id LIMIT 1",  # noqa: S608
            [world.secret_ticket.id],
        ).fetchone()
        return int(found["id"])

    return {
        "number": world.secret_ticket.number,
        "ticket_id": world.secret_ticket.id,
        "attachment_id": one("attachments"),
        "message_id": one("ticket_messages"),
        "link_id": one("ticket_links"),
        "entry_id": one("time_entries"),
        "contact_id": world.rival.id,
        "policy_id": world.policies["Secretive"],
    }


def _fill(rule: str, values: dict[str, Any]) -> str:
    return re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda found: str(values[found[1]]), rule)


@pytest.mark.parametrize("kind", KINDS)
def test_every_address_of_theirs_answers_like_a_missing_one(
    world: Any, visitor: Any, app: Flask, owner: Any, kind: str
) -> None:
    client = visitor(kind)
    tried, wrong = 0, []
    for method, there, absent, asked in _addresses(app, world, owner):
        tried += 1
        seen = plain(client.open(there, method=method), *asked)
        unseen = plain(client.open(absent, method=method), *asked)
        expected = {200, 404} if "/about/" in there else {403, 404}
        if there.startswith(f"/tickets/{world.ticket.number}/links/"):
            expected = {409}  # as if somebody had removed it
        if (told := difference(seen, unseen)) or seen[0] not in expected:
            wrong.append((method, there, seen[0], unseen[0], told))
        assert not any(secret in seen[1] for secret in SECRETS), there
    assert wrong == []
    assert tried > 60


@pytest.mark.parametrize("kind", KINDS)
def test_forms_that_name_rows_of_others_are_answered_like_missing_ones(
    world: Any, visitor: Any, owner: Any, kind: str
) -> None:
    client = visitor(kind)
    number, secret = world.ticket.number, world.secret_ticket
    new = {"subject": "Mine", "kind": "incident", "impact": "medium", "urgency": "medium"}
    new |= {"body": "It broke.", "client_id": world.mine.id, "project_id": world.project.id}
    edit = new | {"version": 1}
    edit.pop("body")
    foreign = {
        "client_id": world.theirs.id,
        "project_id": world.other.id,
        "asset_id": world.secret.id,
        "requester_contact_id": world.rival.id,
        "requester": f"contact:{world.rival.id}",
        "place": f"client:{world.theirs.id}",
    }
    forms: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        (url, base | {name: value}, base | {name: _absent(value)})
        for url, base in (("/tickets/new", new), (f"/tickets/{number}/edit", edit))
        for name, value in foreign.items()
    ]
    forms += [
        (
            f"/tickets/{number}/links",
            {"kind": "related", "other": one},
            {"kind": "related", "other": MISSING},
        )
        for one in (secret.number, world.free_ticket.number)
    ]
    forms += [
        (f"/tickets/{number}/merge", {"into": secret.number}, {"into": MISSING}),
        ("/tickets/bulk", {"ids": secret.id}, {"ids": MISSING}),
        ("/tickets/contacts/new", _contact(world.theirs.id), _contact(MISSING)),
    ]
    count = (
        "SELECT (SELECT count(*) FROM tickets) + (SELECT count(*) FROM ticket_links)"
        " + (SELECT count(*) FROM contacts) AS n"
    )
    before = owner.execute(count).fetchone()
    for url, there, absent in forms:
        asked = [*there.values(), *absent.values()]
        asked += [str(one).rpartition(":")[2] for one in asked]
        asked = [one for one in asked if re.fullmatch(r"(\w+:)?\d+", str(one))]
        seen = plain(client.post(url, data=there), *asked)
        unseen = plain(client.post(url, data=absent), *asked)
        assert not difference(seen, unseen), (url, there)
        assert not any(secret in seen[1] for secret in SECRETS), (url, there)
    after = owner.execute(count).fetchone()
    made = owner.execute("SELECT count(*) AS n FROM tickets WHERE subject = 'Mine'").fetchone()
    assert after["n"] - made["n"] == before["n"]
    told = "SELECT count(*) AS n FROM tickets WHERE subject = 'Mine' AND client_id = %s"
    assert owner.execute(told, [world.theirs.id]).fetchone()["n"] == 0


def _absent(value: Any) -> Any:
    kind, colon, _key = str(value).rpartition(":")
    return f"{kind}{colon}{MISSING}" if colon else MISSING


def _contact(client_id: int) -> dict[str, Any]:
    return {
        "client_id": client_id,
        "name": "Somebody",
        "email": "somebody@example.net",
        "phone": "",
    }
