"""Who is told what, when, and by whom it can be read."""

from typing import Any

from sqlalchemy import select, text

from tests import factories
from webapp.access import identity
from webapp.core.db import db
from webapp.notifications.announcing import announce
from webapp.tickets import telling
from webapp.tickets.models import Message, Ticket, Watcher


def say(title: str, *user_ids: int, group: str = "", kind: str = "ticket.assigned") -> None:
    announce(user_ids, kind=kind, words=lambda: (title, "Body"), group=group)


def told(owner: Any, user: Any) -> list[tuple[str, int]]:
    rows = owner.execute(
        "SELECT title, count FROM notifications WHERE user_id = %s ORDER BY id", [user.id]
    ).fetchall()
    return [(row["title"], row["count"]) for row in rows]


def acting(user: Any) -> Any:
    """That person, as a view would know them."""
    return identity.act_as_person(user.id, page="tickets")


def make_agent(name: str, locale: str = "en", **place: int) -> Any:
    user = factories.make_user(name=name, locale=locale)
    factories.grant(user, factories.make_role("tickets", "tickets.edit"), **place)
    return user


def test_what_is_undone_is_not_announced(owner: Any) -> None:
    user = factories.make_user()
    with factories.work():
        say("Stands", user.id)
        savepoint = db.session.begin_nested()
        say("Undone", user.id)
        with db.session.begin_nested():
            say("Undone with it", user.id)
        savepoint.rollback()
        say("Stands, too", user.id)
    with factories.work():
        say("Rolled back", user.id)
        db.session.rollback()
    assert told(owner, user) == [("Stands", 1), ("Stands, too", 1)]


def test_what_is_unread_about_the_same_is_counted(sign_in: Any, owner: Any) -> None:
    client = sign_in()
    user, other = client.user, factories.make_user(is_active=False)
    for title in ("First", "Second"):
        with factories.work():
            say(title, user.id, other.id, group="ticket:1")
            say(title, user.id, group="ticket:1")
    assert told(owner, user) == [("Second", 4)] and told(owner, other) == []
    page = client.get("/notifications").text
    assert "Second" in page and "\N{MULTIPLICATION SIGN} 4" in page
    assert client.post("/notifications/read").status_code == 303
    with factories.work():
        say("Third", user.id, group="ticket:1")
    assert told(owner, user) == [("Second", 4), ("Third", 1)]


def test_thousands_at_once_are_a_few_statements_and_one_notice(owner: Any, statements: Any) -> None:
    user, boss = make_agent("Ana"), make_agent("Bo")
    client_id = factories.make_client().id
    with factories.work():
        db.session.execute(
            text(
                "INSERT INTO tickets (subject, client_id, assignee_id)"
                " SELECT 'T ' || n, :client, :user FROM generate_series(1, 2000) n"
            ),
            {"client": client_id, "user": user.id},
        )
        telling.trail.note("test")
    with factories.work():
        actor = acting(boss)
        tickets = list(db.session.scalars(select(Ticket).where(Ticket.client_id == client_id)))
        with statements() as seen:
            for ticket in tickets:
                telling.assigned(ticket, actor)
            db.session.commit()
    assert len(tickets) == 2000 and len(seen) <= 6, seen
    assert told(owner, user) == [("2000 tickets were given to you", 1)]


def test_each_is_told_in_their_language_and_only_what_they_see(owner: Any) -> None:
    mine = factories.make_client()
    author, watcher = make_agent("Ana Ruiz"), make_agent("Bo", locale="es", client_id=mine.id)
    named, stranger = make_agent("Cleo"), make_agent("Dan", client_id=factories.make_client().id)
    gone = make_agent("Eve")
    ticket = factories.make_ticket("Printer", client_id=mine.id, assignee_id=author.id)
    with factories.work():
        actor = acting(author)
        for one in (watcher, stranger, author, gone):
            db.session.add(Watcher(client_id=mine.id, ticket_id=ticket.id, user_id=one.id))
        body = f"> quoted\n\n[@Cleo](user:{named.id}) look at **this**"
        message = Message(client_id=mine.id, ticket_id=ticket.id, body=body, author_id=author.id)
        db.session.add(message)
        db.session.get_one(factories.User, gone.id).is_active = False
        db.session.flush()
        message_id = message.id
        telling.replied(ticket, message, actor, mentioned=[named.id, stranger.id, author.id])
    assert told(owner, author) == told(owner, stranger) == told(owner, gone) == []
    assert told(owner, named) == [(f"Ana Ruiz mentions you on #{ticket.number} Printer", 1)]
    ((title, _),) = told(owner, watcher)
    assert f"#{ticket.number} Printer" in title
    (row,) = owner.execute("SELECT * FROM notifications WHERE user_id = %s", [named.id]).fetchall()
    assert row["body"] == "@Cleo look at **this**"
    assert row["url"] == f"/tickets/{ticket.number}#message-{message_id}"


def test_a_late_ticket_concerns_who_has_it_and_who_answers_for_the_team(owner: Any) -> None:
    agent, lead, duty, member = (make_agent(name) for name in ("Ana", "Lea", "Dan", "Mo"))
    team = factories.make_team(agent, lead, duty, member)
    with factories.work():
        rows = db.session.scalars(select(factories.TeamMember).filter_by(user_id=lead.id))
        rows.one().is_lead = True
        db.session.execute(
            text(
                "INSERT INTO team_shifts (team_id, user_id, starts_at, ends_at)"
                " VALUES (:team, :user, now() - interval '1 hour', now() + interval '1 hour')"
            ),
            {"team": team.id, "user": duty.id},
        )
    ticket = factories.make_ticket("Boiler", team_id=team.id, assignee_id=agent.id)
    with factories.work():
        telling.sla_warned(ticket, "response")
        telling.sla_breached(ticket, "resolution")
    assert {title.split(" (")[0] for title, _ in told(owner, agent)} == {"Soon late", "Late"}
    assert (
        told(owner, lead)
        == told(owner, duty)
        == [(f"Late (resolution): #{ticket.number} Boiler", 1)]
    )
    assert told(owner, member) == []


def test_nobody_reads_what_others_were_told(app_role: Any, owner: Any) -> None:
    user, other = factories.make_user(), factories.make_user()
    with factories.work():
        say("Secret", user.id)
    for role in ("steward_app", "steward_all"):
        app_role.execute(f"SET LOCAL ROLE {role}")
        app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(other.id)])
        assert app_role.execute("SELECT FROM notifications").rowcount == 0
        assert app_role.execute("UPDATE notifications SET read_at = now()").rowcount == 0
        app_role.rollback()
    app_role.execute("SELECT set_config('app.user_id', %s, true)", [str(user.id)])
    assert app_role.execute("SELECT FROM notifications").rowcount == 1


def test_what_went_out_of_sight_is_not_shown_any_more(sign_in: Any, owner: Any) -> None:
    here = factories.make_client()
    client = sign_in("tickets", client_id=here.id)
    ticket = factories.make_ticket("Very secret subject", client_id=here.id)
    with factories.work():
        announce(
            [client.user.id],
            kind="ticket.assigned",
            words=lambda: (ticket.subject, "Text"),
            about=("ticket", ticket.id),
        )
    assert "Very secret" in client.get("/notifications").text
    assert "Very secret" in client.get("/notifications/bell").text
    with factories.work():
        row = db.session.scalars(select(factories.UserRole).filter_by(user_id=client.user.id)).one()
        row.client_id = factories.make_client().id
    for path in ("/notifications", "/notifications/bell"):
        shown = client.get(path).text
        assert "Very secret" not in shown and "cannot see any more" in shown


def test_the_bell_marks_one_or_all_and_stays(sign_in: Any, owner: Any) -> None:
    client = sign_in()
    with factories.work():
        for number in range(3):
            say(f"Number {number}", client.user.id)
    htmx = {"HX-Request": "true"}
    shown = client.get("/notifications/bell", headers=htmx).text
    assert 'id="bell-count"' in shown and ">3</span>" in shown
    first = owner.execute("SELECT min(id) AS id FROM notifications").fetchone()["id"]
    assert ">2</span>" in client.post(f"/notifications/{first}/read", headers=htmx).text
    assert "hidden>0</span>" in client.post("/notifications/read", headers=htmx).text
    stranger = sign_in()
    assert stranger.post(f"/notifications/{first}/read").status_code == 404


def test_whoever_opens_the_ticket_has_read_what_the_bell_said(sign_in: Any, owner: Any) -> None:
    client = sign_in("tickets")
    ticket, other = factories.make_ticket("Printer", body="It is broken"), factories.make_ticket()
    for one in (ticket, other):
        with factories.work():
            announce(
                [client.user.id],
                kind="ticket.assigned",
                words=lambda one=one: (one.subject, ""),
                about=("ticket", one.id),
            )
    assert client.get(f"/tickets/{ticket.number}").status_code == 200
    unread = owner.execute("SELECT object_id FROM notifications WHERE read_at IS NULL").fetchall()
    assert [row["object_id"] for row in unread] == [other.id]
