"""Sessions that end, hashes that grow stronger, and the link that resets a password."""

import re
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests import factories
from webapp.users import passwords

GOOD = "wobbly lantern quartz 9"


def enter(client: Any, user: Any, password: str = factories.PASSWORD) -> int:
    sent = {"email": user.email, "password": password}
    return int(client.post("/login", data=sent).status_code)


def test_signing_out_everywhere_else(sign_in: Any, audit_rows: Any) -> None:
    person = factories.make_user()
    here, there, elsewhere = (sign_in(user=person) for _ in range(3))
    assert here.get("/account/sessions").text.count("/end") >= 2
    assert here.post("/account/sessions/end-others").status_code == 303
    assert "2 other sessions" in here.get("/account").text
    assert [one.get("/account").status_code for one in (here, there, elsewhere)] == [200, 303, 303]
    (row,) = audit_rows("user", person.id, action="session.revoked")
    assert row["changes"] == {"sessions": [2, 0]} and row["actor_id"] == person.id


def test_ending_one_other_session_but_not_a_strangers(sign_in: Any, owner: Any) -> None:
    person = factories.make_user()
    here, there, stranger = sign_in(user=person), sign_in(user=person), sign_in("dashboard")
    ids = owner.execute("SELECT id, user_id FROM user_sessions ORDER BY id").fetchall()
    mine, other, foreign = (row["id"] for row in ids)
    assert here.post(f"/account/sessions/{mine}/end").status_code == 404
    assert here.post(f"/account/sessions/{foreign}/end").status_code == 404
    assert here.post(f"/account/sessions/{other}/end").status_code == 303
    assert [one.get("/account").status_code for one in (here, there, stranger)] == [200, 303, 200]


def test_an_administrator_ends_sessions_of_others(
    sign_in: Any, owner: Any, audit_rows: Any
) -> None:
    person, boss = factories.make_user(), sign_in("*")
    laptop, phone, tablet = (sign_in(user=person) for _ in range(3))
    found = owner.execute("SELECT min(id) AS id FROM user_sessions WHERE user_id = %s", [person.id])
    page = f"/users/{person.id}/sessions"
    assert boss.get(page).status_code == 200
    assert boss.post(f"{page}/{found.fetchone()['id']}/end").status_code == 303
    assert [one.get("/account").status_code for one in (laptop, phone)] == [303, 200]
    assert boss.post(f"{page}/end").status_code == 303
    assert [one.get("/account").status_code for one in (phone, tablet)] == [303, 303]
    rows = audit_rows("user", person.id, actor_id=boss.user.id, category="sign-in")
    assert len(rows) == 2
    reader = sign_in("users")
    assert reader.post(f"{page}/end").status_code == 403


def test_a_hash_of_yesterdays_parameters_is_made_anew(
    client: Any, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> str:
        query = "SELECT password_hash FROM users WHERE id = %s"
        return str(owner.execute(query, [person.id]).fetchone()["password_hash"])

    person = factories.make_user()
    weak = stored()
    stronger = PasswordHasher(time_cost=3, memory_cost=20 * 1024, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", stronger)
    assert enter(client, person, "not the password") == 422
    assert stored() == weak
    assert enter(client, person) == 303
    assert stored() != weak and "t=3" in stored()
    strong = stored()
    assert enter(client, person) == 303
    assert stored() == strong


def test_a_reset_link_from_end_to_end(sign_in: Any, client: Any, app: Any, audit_rows: Any) -> None:
    boss, person = sign_in("*"), factories.make_user()
    before = sign_in(user=person)
    page = f"/users/{person.id}"
    assert boss.post(f"{page}/link").status_code == 303
    old = re.search(r"/reset/[\w-]+", boss.get(page).text)
    assert boss.post(f"{page}/link").status_code == 303
    new = re.search(r"/reset/[\w-]+", boss.get(page).text)
    assert old and new
    assert client.get(old[0]).status_code == 410  # a new link ends the one before
    assert person.email in client.get(new[0]).text
    assert client.get(new[0].replace("reset", "invitation")).status_code == 410
    assert before.get("/account").status_code == 200
    assert client.post(new[0], data={"password": GOOD, "again": GOOD}).status_code == 303
    assert client.get("/account").status_code == 200
    assert before.get("/account").status_code == 303  # every session from before has ended
    assert client.get(new[0]).status_code == 410
    assert enter(app.test_client(), person) == 422
    assert enter(app.test_client(), person, GOOD) == 303
    (row,) = audit_rows("user", person.id, action="user.password_reset")
    assert row["actor_id"] == person.id and new[0] not in str(audit_rows())
