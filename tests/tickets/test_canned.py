"""Canned replies: whose they are, and what is filled in."""

from collections.abc import Callable
from typing import Any

from tests import factories
from webapp.tickets import filling

DESK = ("tickets.desk", "tickets", "tickets.configure")
PAGE = "/tickets/desk/replies"


def make(browser: Any, shortcut: str = "hello", **values: str) -> str:
    sent = {"shortcut": shortcut, "title": f"About {shortcut}", "body": "Hello", "whose": "mine"}
    response = browser.post(f"{PAGE}/new", data=sent | values)
    assert response.status_code == 303, response.text
    return str(response.location)


# --- what is filled in --------------------------------------------------------------


def test_only_what_is_listed_is_filled_in_and_nothing_is_run() -> None:
    body = "Dear {{requester.name}}, {{ ticket.number }} {{agent.__class__}} {% if 1 %} {{7*7}} {x}"
    filled = filling.fill(body, {"requester.name": "{{agent.name}}", "ticket.number": "#7"})
    assert filled.text == "Dear {{agent.name}}, #7 {{agent.__class__}} {% if 1 %} {{7*7}} {x}"
    assert filling.unknown_in(body) == ["agent.__class__", "7*7"]


def test_what_has_no_value_is_left_open_and_named() -> None:
    filled = filling.fill("About {{asset.tag}}.", {"asset.tag": ""})
    assert filled == filling.Filled(text="About {{asset.tag}}.", missing=("asset.tag",))


# --- the pages ----------------------------------------------------------------------


def test_a_reply_is_written_changed_hidden_and_brought_back(
    sign_in: Callable[..., Any], audit_rows: Callable[..., list[dict[str, Any]]]
) -> None:
    browser = sign_in(*DESK)
    page = make(browser, "::Hello", whose="all")
    reply_id = int(page.rpartition("/")[2])
    assert "<code>::hello</code>" in browser.get(page).text
    taken = browser.post(
        f"{PAGE}/new", data={"shortcut": "hello", "title": "X", "body": "Y", "whose": "all"}
    )
    assert taken.status_code == 422
    assert "has this shortcut" in taken.text
    make(browser, "hello")  # one's own may be called like everybody's
    sent = {"shortcut": "hello", "title": "Greeting", "body": "Good day", "whose": "all"}
    browser.post(f"{page}/edit", data=sent | {"version": "1"})
    stale = browser.post(f"{page}/edit", data=sent | {"version": "1", "body": "Typed"})
    assert stale.status_code == 409
    assert "Typed" in stale.text
    browser.post(f"{page}/delete", data={"version": "2"})
    assert "Greeting" not in browser.get(PAGE).text
    assert "Greeting" in browser.get(f"{PAGE}?deleted=1").text
    browser.post(f"{page}/restore")
    assert "Greeting" in browser.get(f"{PAGE}?whose=all&q=day").text
    assert len(audit_rows("canned_reply", reply_id)) == 4


def test_variables_that_do_not_exist_are_refused_with_words(sign_in: Callable[..., Any]) -> None:
    browser = sign_in("tickets.desk")
    sent = {"shortcut": "x", "title": "X", "body": "{{agent.nmae}} {{9}}", "whose": "mine"}
    page = browser.post(f"{PAGE}/new", data=sent)
    assert page.status_code == 422
    assert "There is no variable {{agent.nmae}}, {{9}}." in page.text
    page = browser.post(f"{PAGE}/new", data=sent | {"body": "Hi", "shortcut": "no spaces"})
    assert "letters, digits or dashes" in page.text


def test_the_preview_fills_in_and_saves_nothing(sign_in: Callable[..., Any]) -> None:
    browser = sign_in("tickets.desk")
    shown = browser.post(
        f"{PAGE}/preview",
        data={"body": "Hello {{requester.first_name}} <b>"},
        headers={"HX-Request": "true"},
    )
    assert "Hello Ana &lt;b&gt;" in shown.text


def test_people_see_their_own_their_teams_and_everybody_s(sign_in: Callable[..., Any]) -> None:
    lead = sign_in(*DESK)
    agent, stranger = sign_in("tickets.desk", "tickets"), sign_in("tickets.desk", "tickets")
    team = factories.make_team(agent.user)
    make(lead, "shared", whose="all")
    of_team = make(lead, "of-team", whose=f"team:{team.id}")
    secret = make(lead, "secret")

    def offered(browser: Any) -> list[str]:
        return [row["shortcut"] for row in browser.get("/tickets/replies").json["replies"]]

    assert offered(lead) == ["secret", "shared"]
    assert offered(agent) == ["of-team", "shared"]
    assert offered(stranger) == ["shared"]
    assert agent.get(of_team).status_code == 200
    assert stranger.get(of_team).status_code == 404
    assert agent.get(secret).status_code == 404
    assert agent.get(f"{of_team}/edit").status_code == 403
    assert agent.post(f"{of_team}/delete", data={"version": "1"}).status_code == 403
    sent = {"shortcut": "mine", "title": "X", "body": "Y", "whose": "all"}
    assert agent.post(f"{PAGE}/new", data=sent).status_code == 403
    own = make(agent, "mine")
    assert agent.post(f"{own}/delete", data={"version": "1"}).status_code == 303


# --- for the composer -----------------------------------------------------------------


def test_the_composer_gets_them_filled_in_the_best_match_first(
    sign_in: Callable[..., Any], statements: Callable[[], Any]
) -> None:
    browser = sign_in(*DESK, name="Ben Okafor")
    contact = factories.make_contact(name="Lucía Vega")
    asset = factories.make_asset(client_id=contact.client_id)
    ticket = factories.make_ticket(
        "No light", client_id=contact.client_id, requester_contact_id=contact.id, asset_id=asset.id
    )
    bare = factories.make_ticket()
    body = (
        "{{requester.first_name}}|{{ticket.number}}|{{ticket.subject}}|{{asset.tag}}|{{agent.name}}"
    )
    make(browser, "vpn-setup", title="How to connect")
    make(browser, "connect", body=body)
    with statements() as seen:
        answer = browser.get(f"/tickets/replies?q=connect&ticket={ticket.number}").json
    assert len(seen) <= 4
    assert [row["shortcut"] for row in answer["replies"]] == ["connect", "vpn-setup"]
    assert answer["replies"][0]["text"] == f"Lucía|#{ticket.number}|No light|{asset.tag}|Ben Okafor"
    answer = browser.get(f"/tickets/replies?q=conn&ticket={bare.number}").json
    assert answer["replies"][0]["missing"] == ["requester.first_name", "asset.tag"]
    assert browser.get("/tickets/replies?ticket=99999999").status_code == 404
    assert browser.get("/tickets/replies?q=nothing").json == {"replies": []}
