"""The first page, the search over everything, and the style guide."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.access.identity import SignedIn
from webapp.audit.queries import integrity
from webapp.audit.timeline import Line, line
from webapp.core import htmx, object_types
from webapp.core.frame import menu
from webapp.core.guards import page, signed_in
from webapp.core.identity import Person, signed_in_person
from webapp.core.search import cleaned
from webapp.dashboard import queries
from webapp.dashboard.forms import SampleForm, with_errors
from webapp.organisation.tree import Reach, reach_of
from webapp.oversight.masking import mask_of
from webapp.tickets.queries import around as tickets
from webapp.tickets.queries.queue.counting import Count
from webapp.tickets.words import STATUS as TICKET_STATUS

# Which page shows records of a type; else that of the organisation.
PAGE_OF = {
    "user": "users",
    "role": "roles",
    "asset": "assets",
    "asset_type": "assets.types",
    "ticket": "tickets",
    "team": "tickets.desk",
    "sla_policy": "tickets.desk",
    "business_hours": "tickets.desk",
    "canned_reply": "tickets.desk",
    "contact": "tickets",
    "job": "jobs",
}
bp = Blueprint("dashboard", __name__)
styleguide = Blueprint("styleguide", __name__)
Hit = tuple[str, str, str, str]


def _reach(who: Person, page_key: str) -> Reach | None:
    return reach_of(who, page_key) if who.opens(page_key) else None


@bp.get("/")
@page("dashboard")
def index() -> ResponseReturnValue:
    """Show what needs attention and what happened, as far as the person may see it."""
    who = signed_in_person()
    organisation, audit = _reach(who, "organisation"), _reach(who, "audit")
    figures = queries.figures(
        person_id=who.id,
        people=who.opens("users"),
        organisation=organisation,
        audit=audit,
        assets=_reach(who, "assets"),
    )
    return render_template(
        "dashboard/index.html",
        figures=figures,
        waiting=_waiting(who),
        proof=integrity.warnings() if who.opens("audit") and who.can("audit.verify") else None,
        greeting=gettext(
            "Hello %(name)s. Here is what needs you, and what happened lately.",
            name=who.name.split()[0],
        ),
        ending=queries.ending_projects(organisation)
        if figures.get("ending") and organisation
        else [],
        notices=queries.my_notices(who.id) if who.unread else [],
        changes=_told(queries.recent_changes(audit)) if audit else None,
    )


def _waiting(who: Person) -> dict[str, Count]:
    """What waits for the person among the tickets; nothing for whom those are closed."""
    reach = _reach(who, "tickets")
    return tickets.waiting(who, reach) if reach and isinstance(who, SignedIn) else {}


def _told(rows: Sequence[Any]) -> list[Line]:
    """Rows of the log as lines of the timeline, as far as this reader may know them."""
    mask = mask_of(signed_in_person())
    return [
        line(
            mask.seen(row),
            at=row.occurred_at,
            reason=None,
            url=_url(row.object_type, row.object_id),
        )
        for row in rows
    ]


def _url(object_type: str | None, object_id: int | None) -> str | None:
    """The page of a record, if the person may open that kind of page."""
    who = signed_in_person()
    needed = PAGE_OF.get(object_type or "", "organisation")
    return object_types.url_of(object_type, object_id) if who.opens(needed) else None


@bp.get("/search")
@signed_in
def search() -> ResponseReturnValue:
    """Find pages, people and records; the palette swaps in the fragment."""
    q = cleaned(request.args.get("q"))
    return htmx.render(
        "dashboard/search.html", partial="partials/palette.html", q=q, groups=_groups(q)
    )


def _groups(q: str) -> list[tuple[str, list[Hit]]]:
    who = signed_in_person()
    groups = [(gettext("Pages"), _pages(q)), (gettext("Actions"), _actions(who, q))]
    if not q:
        return groups
    if reach := _reach(who, "tickets"):
        groups.append((gettext("Tickets"), _tickets(q, reach)))
    if who.opens("users"):
        groups.append((gettext("People"), _people(q)))
    if reach := _reach(who, "assets"):
        groups.append((gettext("Assets"), _assets(q, reach)))
    if reach := _reach(who, "organisation"):
        groups += _organisation(q, reach)
    return groups


def _pages(q: str) -> list[Hit]:
    entries = [entry for section in menu() for entry in section["entries"]]
    return [
        (entry["title"], "", entry["url"], entry["icon"])
        for entry in entries
        if q.casefold() in gettext(entry["title"]).casefold()
    ][: queries.HITS]


def _actions(who: Person, q: str) -> list[Hit]:
    title = gettext("New ticket")
    if not (who.opens("tickets") and who.holds("tickets.create")):
        return []
    return [(title, "", url_for("tickets.new"), "plus")] if q.casefold() in title.casefold() else []


def _tickets(q: str, reach: Reach) -> list[Hit]:
    return [
        (
            f"#{row.number} {row.subject}",
            f"{TICKET_STATUS[row.status]} · {row.client}",
            url_for("tickets.show", number=row.number),
            "inbox",
        )
        for row in tickets.find(q, reach, most=queries.HITS)
    ]


def _people(q: str) -> list[Hit]:
    return [
        (row.name, row.email, url_for("users.show", user_id=row.id), "user")
        for row in queries.find_people(q)
    ]


def _assets(q: str, reach: Reach) -> list[Hit]:
    return [
        (
            row.name,
            f"{row.tag} · {row.client}",
            url_for("assets.show", tag=row.tag, client=row.code),
            "package",
        )
        for row in queries.find_assets(q, reach)
    ]


def _organisation(q: str, reach: Reach) -> list[tuple[str, list[Hit]]]:
    def there(kind: str, row: Any) -> str:
        return url_for(f"organisation.show_{kind}", **{f"{kind}_id": row.id})

    return [
        (
            gettext("Clients"),
            [
                (row.name, row.code, there("client", row), "briefcase")
                for row in queries.find_clients(q, reach)
            ],
        ),
        (
            gettext("Projects"),
            [
                (row.name, row.client, there("project", row), "folder")
                for row in queries.find_projects(q, reach)
            ],
        ),
        (
            gettext("Locations"),
            [
                (row.name, "", there("location", row), "map-pin")
                for row in queries.find_locations(q, reach)
            ],
        ),
    ]


@styleguide.get("/styleguide")
@signed_in
def index_of_styles() -> ResponseReturnValue:
    """Show every component in every state."""
    now = datetime.now(UTC)
    story = [
        ("Ana Ruiz", gettext("gave Ben Okafor the role Support agent"), 3),
        ("Ben Okafor", gettext("changed the name of Harbour Logistics"), 95),
        ("system:seed", gettext("added three locations"), 60 * 24 * 20),
    ]
    form, failed = SampleForm(formdata=None), with_errors()
    for one in (form, failed):
        one.zone.offer(url_for("account.pick_zone"), present=one.zone.data)
    return render_template(
        "styleguide/index.html",
        form=form,
        form_with_errors=failed,
        rows=[
            {"at": now - timedelta(minutes=minutes), "who": name, "sentence": sentence}
            for name, sentence, minutes in story
        ],
    )
