"""The queue: what it finds, in which order, for whom; what it says of changes; what leaves it as a file."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest

from tests import factories
from webapp.access.identity import act_as_person
from webapp.attachments.models import Attachment
from webapp.core import bulk
from webapp.core.db import db
from webapp.tickets.models import Message, Presence, Ticket, Watcher
from webapp.tickets.queries import queue
from webapp.tickets.queries.queue import counting, filters

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
ROW = re.compile(r'<tr id="t-(\d+)"')
COUNTS = re.compile(r'id="view-(\w+)".*?<span class="tab-count">([^<]*)<', re.DOTALL)
HOUR = timedelta(hours=1)


@pytest.fixture
def desk(app: Any) -> dict[str, Any]:
    """Two clients, one in a place inside the other's, teams, people, and seven tickets by name."""
    now = datetime.now(UTC)
    north = factories.make_location("North")
    harbour = factories.make_location("Harbour", parent_id=north.id)
    acme = factories.make_client("Acme", location_id=north.id)
    brink = factories.make_client("Brink", location_id=harbour.id)
    pier = factories.make_project("Pier", client_id=brink.id)
    ana, ben = factories.make_user(name="Ana Agent"), factories.make_user(name="Ben Boss")
    printer = factories.make_asset("Printer", client_id=acme.id)
    carla = factories.make_contact(name="Carla Client", client_id=brink.id)
    line, nets = factories.make_team(ana, name="First line"), factories.make_team(name="Networks")
    a, b = {"client_id": acme.id}, {"client_id": brink.id}
    wanted: dict[str, dict[str, Any]] = {
        "late": {**a, "assignee_id": ana.id, "resolution_due_at": now - HOUR, "tags": ["vpn"]},
        "soon": {
            **a,
            "team_id": line.id,
            "resolution_due_at": now + HOUR,
            "resolution_warn_at": now - HOUR,
            "asset_id": printer.id,
            "kind": "request",
        },
        "week": {**b, "team_id": nets.id, "resolution_due_at": now + 50 * HOUR},
        "pier": {**b, "project_id": pier.id, "assignee_id": ben.id, "requester_user_id": ben.id},
        "asked": {
            **b,
            "requester_contact_id": carla.id,
            "tags": ["a.b+c", "_"],
            "status": "pending",
        },
        "old": {**a, "opened_at": datetime(2020, 5, 17, 12, tzinfo=UTC), "status": "open"},
        "done": {**a, "status": "resolved", "assignee_id": ana.id},
    }
    made: dict[str, Any] = {}
    for name, values in wanted.items():
        body = "The scanner smokes." if name == "pier" else None
        made[name] = factories.make_ticket(f"Subject {name}", body=body, **values)
    return made | {
        "north": north,
        "harbour": harbour,
        "acme": acme,
        "brink": brink,
        "project": pier,
        "ana": ana,
        "ben": ben,
        "printer": printer,
        "carla": carla,
        "line": line,
        "nets": nets,
    }


@pytest.fixture
def agent(sign_in: Any, desk: dict[str, Any]) -> Any:
    return sign_in("*", user=desk["ana"])


def found(desk: dict[str, Any], answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    names = {thing.id: name for name, thing in desk.items() if isinstance(thing, Ticket)}
    return [names[int(number)] for number in ROW.findall(answer.text)]


def test_filters_narrow_the_list_and_values_of_one_widen_it(
    agent: Any, desk: dict[str, Any]
) -> None:
    with factories.work():
        said = db.session.query(Message).filter_by(ticket_id=desk["pier"].id).one()
        common = {"client_id": desk["brink"].id, "ticket_id": desk["pier"].id}
        db.session.add(
            Attachment(
                **common,
                message_id=said.id,
                name="x.png",
                sha256="a" * 64,
                size=3,
                media_type="image/png",
            )
        )
        db.session.add(Watcher(**common, user_id=desk["ana"].id))
    everything = {"late", "soon", "week", "pier", "asked", "old"}
    ana, ben, number = desk["ana"].id, desk["ben"].id, desk["soon"].number
    expected = {
        "": everything,
        "?q=scanner": {"pier"},
        f"?q={number}": {"soon"},
        "?q=subj+late": {"late"},
        "?q=%27": set(),
        "?status=resolved": {"done"},
        "?status=pending&status=resolved": {"asked", "done"},
        "?priority=normal": everything,
        "?priority=urgent": set(),
        "?kind=request&kind=maintenance": {"soon"},
        f"?team={desk['line'].id}": {"soon"},
        f"?team={desk['line'].id}&team={desk['nets'].id}": {"soon", "week"},
        "?team=none": {"late", "pier", "asked", "old"},
        "?assignee=me": {"late"},
        f"?assignee={ana}&assignee={ben}": {"late", "pier"},
        "?assignee=me&all=1": {"late", "done"},
        "?assignee=none&assignee=me": everything - {"pier"},
        f"?requester=user:{ben}&requester=contact:{desk['carla'].id}": {"pier", "asked"},
        f"?place=client:{desk['acme'].id}": {"late", "soon", "old"},
        f"?place=location:{desk['north'].id}": everything,
        f"?place=location:{desk['harbour'].id}": {"week", "pier", "asked"},
        f"?place=project:{desk['project'].id}&place=client:{desk['acme'].id}": {
            *("pier", "late", "soon", "old"),
        },
        f"?asset={desk['printer'].id}": {"soon"},
        "?tag=VPN": {"late"},
        "?tag=vpn&tag=a.b%2Bc": {"late", "asked"},
        "?tag=_": {"asked"},
        "?tag=vp": set(),
        "?due=overdue": {"late"},
        "?due=risk": {"soon"},
        "?due=overdue&due=risk": {"late", "soon"},
        "?created_from=2020-05-17&created_to=2020-05-17": {"old"},
        "?created_to=2020-05-16": set(),
        "?files=1": {"pier"},
        "?watching=1": {"pier"},
        "?view=mine": {"late"},
        "?view=unassigned": {"soon"},
        "?view=risk": {"late", "soon"},
        "?view=recent": {*everything, "done"},
        f"?view=mine&place=client:{desk['brink'].id}": set(),
    }
    for query, names in expected.items():
        assert set(found(desk, agent.get(f"/tickets{query}"))) == names, query


@pytest.mark.parametrize(
    "query",
    [
        *("status=odd", "view=odd", "team=x", "assignee=you", "requester=team:1", "place=4"),
        *("asset=-1", "due=never", "created_from=May", "files=2", "cols=odd", "sort=subject"),
        "&".join(f"tag=t{n}" for n in range(60)),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(sign_in: Any, query: str) -> None:
    assert sign_in("tickets").get(f"/tickets?{query}").status_code == 400


def test_sorts_and_pages(agent: Any, desk: dict[str, Any]) -> None:
    assert found(desk, agent.get("/tickets"))[:3] == ["late", "soon", "week"]
    assert found(desk, agent.get("/tickets?sort=created"))[0] == "old"
    newest = found(desk, agent.get("/tickets?sort=-number&all=1"))
    assert newest == ["done", "old", "asked", "pier", "week", "soon", "late"]
    seen, url = [], "/tickets?sort=number&limit=4"
    while url:
        answer = agent.get(url)
        seen += found(desk, answer)
        older = re.search(r'href="(\?[^"]*after=[^"]*)"', answer.text)
        url = "/tickets" + older[1].replace("&amp;", "&") if older else ""
    assert seen == ["late", "soon", "week", "pier", "asked", "old"]


def test_who_sees_part_of_it_finds_counts_and_exports_that_part(
    sign_in: Any, desk: dict[str, Any]
) -> None:
    keys = ("tickets", "tickets.export")
    inside = {"week", "pier", "asked"}
    client = sign_in(*keys, client_id=desk["brink"].id)
    assert set(found(desk, client.get("/tickets"))) == inside
    assert found(desk, client.get(f"/tickets?place=client:{desk['acme'].id}")) == []
    assert found(desk, client.get("/tickets?q=late")) == []
    assert found(desk, client.get("/tickets?tag=vpn")) == []
    assert "Acme" not in client.get(f"/tickets?place=client:{desk['acme'].id}").text
    ids = "&".join(f"id={desk[name].id}" for name in ("late", "pier"))
    answer = client.get(f"/tickets/rows?{ids}", headers=FRAGMENT)
    assert found(desk, answer) == ["pier"]
    assert f'data-gone="{desk["late"].id}"' in answer.text
    counts = dict(COUNTS.findall(client.get("/tickets/views").text))
    assert counts == {"mine": "0", "unassigned": "0", "risk": "0", "recent": "3", "open": "3"}
    exported = client.get("/tickets/export.csv").text
    assert "Subject pier" in exported
    assert "Subject late" not in exported
    project = sign_in(*keys, project_id=desk["project"].id)
    assert found(desk, project.get("/tickets")) == ["pier"]
    assert sign_in("assets").get("/tickets").status_code == 403
    assert sign_in("tickets").get("/tickets/export.csv").status_code == 403


def test_a_file_holds_no_more_than_the_permission_reaches(
    sign_in: Any, desk: dict[str, Any], audit_rows: Any
) -> None:
    client = sign_in("tickets")
    role = factories.make_role("tickets", "tickets.export")
    factories.grant(client.user, role, client_id=desk["brink"].id)
    assert len(found(desk, client.get("/tickets"))) == 6
    answer = client.get("/tickets/export.csv?sort=-number&all=1&assignee=none")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["Subject"] for row in rows] == ["Subject week", "Subject asked"]
    assert rows[1]["Requester"] == "Carla Client"
    assert rows[1]["Status"] == "Pending"
    (noted,) = audit_rows(action="ticket.exported", actor_id=client.user.id)
    assert noted["changes"]["rows"] == 2
    assert noted["changes"]["filter"] == {"assignee": "none", "all": True}


def test_the_number_of_statements_does_not_grow(
    agent: Any, desk: dict[str, Any], statements: Any
) -> None:
    query = (
        f"?q=subject&assignee=me&assignee=none&team=none&requester=user:{desk['ben'].id}"
        f"&place=location:{desk['north'].id}&place=client:{desk['acme'].id}&asset=1&tag=vpn"
    )
    for address, most in (("/tickets", 5), (f"/tickets{query}", 10), ("/tickets/views", 4)):
        with statements() as few:
            assert agent.get(address).status_code == 200
        assert len(few) <= most, few
    with statements() as few:
        agent.get("/tickets")
    for number in range(15):
        factories.make_ticket(f"More {number}", client_id=desk["acme"].id, tags=["x"])
    with statements() as many:
        assert len(ROW.findall(agent.get("/tickets").text)) == 21
    assert len(many) == len(few)
    ids = "&".join(f"id={desk[name].id}" for name in ("late", "pier", "soon"))
    with statements() as drawn:
        agent.get(f"/tickets/rows?{ids}")
    assert len(drawn) <= 4


def test_rows_are_drawn_again_where_they_stand(agent: Any, desk: dict[str, Any]) -> None:
    with factories.work():
        late = db.session.get_one(Ticket, desk["late"].id)
        late.subject = "Something <else>"
        db.session.add(
            Presence(client_id=late.client_id, ticket_id=late.id, user_id=desk["ben"].id)
        )
    ids = f"id={desk['late'].id}&id={desk['soon'].id}&id=999999"
    answer = agent.get(f"/tickets/rows?view=mine&{ids}&cols=tags", headers=FRAGMENT)
    assert set(found(desk, answer)) == {"late", "soon"}
    assert f'hx-target="#t-{desk["late"].id}"' in answer.text
    assert "Something &lt;else&gt;" in answer.text
    assert "Ben Boss" in answer.text
    stale = re.findall(r'<tr id="t-(\d+)"[^>]*data-stale', answer.text)
    assert stale == [str(desk["soon"].id)]
    assert 'data-gone="999999"' in answer.text


def test_news_are_those_that_do_not_show(agent: Any, desk: dict[str, Any]) -> None:
    since = quote((datetime.now(UTC) - HOUR).isoformat())
    seen = ",".join(str(desk[name].id) for name in ("late", "soon"))
    address = f"/tickets/news?since={since}&seen={seen}"
    answer = agent.get(address)
    assert "4 new or changed: show" in answer.text
    assert 'href="/tickets"' in answer.text
    assert "3 new or changed" in agent.get(f"{address}&place=client:{desk['brink'].id}").text
    elsewhere = agent.get(f"{address}&limit=1")
    assert "sort=-updated" in elsewhere.text
    later = quote((datetime.now(UTC) + HOUR).isoformat())
    assert "show" not in agent.get(f"/tickets/news?since={later}&seen={seen}").text
    assert agent.get("/tickets/news?since=yesterday&seen=").status_code == 400


def test_the_left_column_counts_and_knows_where_one_is(agent: Any, desk: dict[str, Any]) -> None:
    saved = {"page": "tickets", "name": "At the pier", "query": "?tag=vpn&sort=created"}
    assert agent.post("/views", data=saved).status_code == 303
    broken = {"page": "tickets", "name": "Broken", "query": "?status=gone"}
    assert agent.post("/views", data=broken).status_code == 303
    answer = agent.get(f"/tickets/views?here={quote('?tag=vpn&sort=created')}", headers=FRAGMENT)
    counts = dict(COUNTS.findall(answer.text))
    assert counts == {"mine": "1", "unassigned": "1", "risk": "2", "recent": "7", "open": "6"}
    kept = re.findall(
        r'id="saved-\d+" +aria-current="page".*?tab-count">(\d+)', answer.text, re.DOTALL
    )
    assert kept == ["1"]
    assert "Broken" in answer.text
    here = agent.get(f"/tickets/views?here={quote('?view=risk')}").text
    assert re.search(r'id="view-risk" aria-current="page"', here)
    assert agent.get("/tickets/views?here=%3Fstatus%3Dgone").status_code == 200


def test_a_count_stops_where_the_rows_it_looks_at_end(
    agent: Any, desk: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "COUNT_LIMIT", 3)
    assert "3+ tickets" in re.sub(r"\s+", " ", agent.get("/tickets?kind=incident&limit=2").text)
    assert re.search(r">\s*2 tickets", agent.get("/tickets?assignee=me&all=1&limit=1").text)


def test_a_bulk_change_of_all_that_match_means_the_same_tickets(
    app: Any, desk: dict[str, Any]
) -> None:
    factories.grant(desk["ana"], factories.make_role("tickets"))
    with factories.work():
        who = act_as_person(desk["ana"].id, page="tickets")
        ids = queue.matching_ids("?place=client:" + str(desk["acme"].id), who, limit=2)
        mine = queue.matching_ids("?view=mine&sort=-updated&limit=1", who, limit=10)
    assert ids == [desk["late"].id, desk["soon"].id]
    assert mine == [desk["late"].id]


def test_search_boxes_offer_what_is_in_sight(sign_in: Any, desk: dict[str, Any]) -> None:
    client = sign_in("tickets", client_id=desk["brink"].id)

    def offered(what: str, typed: str) -> list[str]:
        answer = client.get(f"/tickets/filters/{what}?q={typed}").json
        return [option["label"] for option in answer["options"]]

    assert offered("requester", "carla") == ["Carla Client"]
    assert offered("tag", "a") == ["a.b+c"]
    assert offered("tag", "vpn") == []
    assert offered("asset", "printer") == []
    assert offered("team", "net") == ["Networks"]
    assert offered("place", "acme") == []
    assert offered("assignee", "ben") == ["Ben Boss"]


def test_columns_are_chosen_and_kept(agent: Any, desk: dict[str, Any]) -> None:
    answer = agent.get("/tickets?cols=kind&cols=created")
    assert "Opened" in answer.text
    assert "cols=number%2Ckind%2Ccreated" in answer.text
    assert filters.columns_from(bulk.args_of("cols=due,kind")) == ("kind", "due")
