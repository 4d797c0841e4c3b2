"""The log as a list. Whoever reads it is recorded in it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from flask import abort, make_response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from webapp.access import queries as access
from webapp.audit import queries
from webapp.audit.queries import Reader, count_upto, search_groups, tail
from webapp.audit.sentences import CATEGORY_TITLES
from webapp.audit.timeline import sentences_of
from webapp.core import htmx, pickers, trail
from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.core.language import _, gettext
from webapp.core.moments import zone_of
from webapp.core.paging import Page
from webapp.core.pickers import Option
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.tree import reach_of
from webapp.oversight import actions, agents, asking, tailing
from webapp.oversight.forms import FilterForm, implied_clock
from webapp.oversight.masking import Mask, mask_of
from webapp.oversight.spans import COLUMNS
from webapp.oversight.views.common import LOOKS, PARTS, WORDS, bp, others, sees_everything
from webapp.saved_views import queries as saved_views
from webapp.users.schemas import timezones, zone_name

CURSOR = "X-Tail-Cursor"
# The filters that are folded away.
SELDOM = (
    "since",
    "until",
    "zone",
    "clock",
    "sort",
    "object_type",
    "record",
    "field",
    "was",
    "became",
    "ip",
    "via",
    "request",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request for a part of the log: who asks, for what, and what of it is not for them."""

    form: FilterForm
    reader: Reader
    mask: Mask
    filter: queries.Filter

    def lines(self, events: Sequence[Any]) -> list[tuple[Any, Any]]:
        """Return rows as this reader may know them, each with its sentence."""
        seen = [self.mask.seen(event) for event in events]
        return list(zip(seen, sentences_of(seen), strict=True))


@bp.get("")
@page("audit", sensitive=True)
def index() -> ResponseReturnValue:
    """Show the log, newest first."""
    form = asking.form_of(request.args)
    if not form.validate():
        return _page(form, None, None), HTTPStatus.UNPROCESSABLE_ENTITY
    asked = _asked(form)
    trail.note("audit.read", category="read", changes=form.used())
    listed = search_groups.list_groups if _grouped() else queries.list_events
    return _page(form, asked, listed(asked.filter, _address(form), reader=asked.reader))


def _address(form: FilterForm) -> MultiDict[str, str]:
    """The filters as they are handed on: whoever opens a link reads the same rows, in whichever zone they live."""
    args = request.args.copy()
    mine = signed_in_person().timezone
    if form.is_local and not form.zone.data:
        args["zone"] = mine
    elif not form.has_range and form.zone.data == mine:
        args.poplist("zone")
    if form.clock.data == implied_clock(form.sort.data):
        args.poplist("clock")
    return args


def _asked(form: FilterForm) -> Asked:
    """Find out what a valid form asks for, and for whom."""
    who = signed_in_person()
    reader, mask = queries.reader_of(everything=sees_everything()), mask_of(who)
    found = asking.asked_by(
        form,
        now=datetime.now(UTC),
        timezone=who.timezone,
        covered=asking.covered_for(mask, reader),
    )
    return Asked(form=form, reader=reader, mask=mask, filter=found)


def _grouped() -> bool:
    return request.args.get("group") == "1"


def _page(form: FilterForm, asked: Asked | None, found: Page | None) -> str:
    who = signed_in_person()
    lines: list[Any] = []
    told: list[tuple[Any, Any]] = []
    if asked and found:
        events = [row.event for row in found.rows] if _grouped() else found.rows
        told = asked.lines(events)
        lines = list(zip(found.rows, told, strict=True))
    views, zone = saved_views.views_of(who, "audit"), str(zone_of(who.timezone))
    nothing = asked is not None and found is not None and not found.rows
    return htmx.render(
        "audit/index.html",
        partial="audit/_table.html",
        form=form,
        chips=_chips(form, None if sees_everything() else [event for event, _line in told]),
        page=found,
        lines=lines,
        grouped=_grouped(),
        cursor=_cursor(form, asked) if asked and _is_live(found) else "",
        views=views,
        view=_current(views, found),
        zone=zone,
        session=agents.session_of(form.via.data, asked.mask) if asked else None,
        nothing=_nothing(form, asked) if asked and nothing else None,
        more=partial(_more, form, zone),
        no_reads=None if form.category.data or found is None else _without_reads(),
        category_choices=[(name, str(title)) for name, title in CATEGORY_TITLES.items()],
        **_looks(),
    )


def _nothing(form: FilterForm, asked: Asked) -> dict[str, Any]:
    """Why nothing is found, as far as it can be told: a name that nobody has, or the other of the two clocks."""
    told: dict[str, Any] = {"unnamed": (), "other": "", "clock": ""}
    if asked.filter.nobody:
        if sees_everything():  # else it would tell who works elsewhere
            told["unnamed"] = asking.called(form)
        return told
    if asked.filter.since is None and asked.filter.until is None:
        return told
    other = "recorded" if form.column == "occurred_at" else "happened"
    swapped = replace(asked.filter, clock=COLUMNS[other])
    if count_upto(swapped, 1, everything=sees_everything()):
        args: dict[str, Any] = _address(form).to_dict(flat=False)
        args = {name: args[name] for name in args.keys() - saved_views.PASSING}
        told |= {"other": url_for("audit.index", **args | {"clock": other}), "clock": other}
    return told


def _more(form: FilterForm, zone: str) -> str:
    """The filters that are seldom needed: a third of the form."""
    if any(value for name in SELDOM for value in form[name].raw_data or ()):
        return Markup(render_template("audit/_more.html", form=form, zone=zone))  # noqa: S704 # nosec B704 - our own template
    return _unused(str(get_locale()), request.script_root, zone)


@lru_cache(maxsize=256)
def _unused(_locale: str, _root: str, zone: str) -> str:
    empty = asking.form_of("")
    return Markup(render_template("audit/_more.html", form=empty, zone=zone))  # noqa: S704 # nosec B704 - our own template


def _looks() -> dict[str, Any]:
    return {"looks": LOOKS, "words": WORDS, "others_of": others, **PARTS}


def _chips(form: FilterForm, seen: Sequence[Any] | None) -> list[tuple[asking.Chip, str]]:
    """The filters that are on, each with the address of the list without it."""
    kept = [
        (name, value)
        for name, values in request.args.lists()
        for value in values
        if value and name not in saved_views.PASSING
    ]

    def without(chip: asking.Chip) -> str:
        names = asking.TOGETHER.get(chip.name, (chip.name,))
        rest: dict[str, Any] = {}
        for name, value in kept:
            if name not in names or (chip.value and value != chip.value):
                rest.setdefault(name, []).append(value)
        return url_for("audit.index", **rest)

    return [(chip, without(chip)) for chip in asking.chips_of(form, seen)]


def _without_reads() -> str:
    """The address of this list without what was only read."""
    asked: dict[str, Any] = {
        name: values for name, values in request.args.lists() if name not in saved_views.PASSING
    }
    asked["category"] = [name for name in CATEGORY_TITLES if name != "read"]
    return url_for("audit.index", **asked)


def _current(views: Sequence[Any], found: Page | None) -> Any:
    """The saved view that shows now, if any."""
    if not found:
        return None
    queries = {saved_views.tidy(found.query), saved_views.tidy(request.query_string.decode())}
    return next((view for view in views if view.query and view.query in queries), None)


# --- what is new -------------------------------------------------------------------


def _is_live(found: Page | None) -> bool:
    """Only the newest rows grow, and only where the newest come first."""
    return found is not None and found.newer is None and found.sort == "-recorded_at"


def _cursor(form: FilterForm, asked: Asked, told_at: datetime | None = None) -> str:
    now = datetime.now(UTC)
    place = tailing.Place(snapshot=asked.reader.snapshot, at=now, told_at=told_at or now)
    return tailing.sealed(place, user_id=signed_in_person().id, query=form.used())


@bp.get("/tail")
@page("audit", sensitive=True)
def news() -> ResponseReturnValue:
    """Tell what was recorded since the list was read, or nothing; recorded once in ten minutes."""
    form = asking.form_of(request.args)
    if not form.validate():
        abort(HTTPStatus.BAD_REQUEST)
    who = signed_in_person()
    place = tailing.opened(request.args.get("cursor", ""), user_id=who.id, query=form.used())
    if place is None:
        abort(HTTPStatus.BAD_REQUEST, _("Load the list again."))
    asked = _asked(form)
    found = tail.list_news(asked.filter, seen=place.snapshot, since=place.at, reader=asked.reader)
    told_at = place.told_at
    if found.rows and tailing.is_due(place):
        trail.note("audit.read", category="read", changes={**form.used(), "live": True})
        told_at = datetime.now(UTC)
    shown = _news(asked, found) if found.rows else ""
    reply = make_response(shown, HTTPStatus.OK if shown else HTTPStatus.NO_CONTENT)
    reply.headers[CURSOR] = _cursor(form, asked, told_at)
    return reply


def _query(*without: str) -> str:
    """The filters of this address, without its place in the list."""
    kept = [
        (name, value)
        for name, value in request.args.items(multi=True)
        if value and name not in {*saved_views.PASSING, "cursor", *without}
    ]
    return f"?{urlencode(kept)}" if kept else ""


def _news(asked: Asked, found: tail.News) -> str:
    rows: Sequence[Any] = found.rows
    if _grouped():
        rows = search_groups.groups_of(found.rows)
    events = [row.event for row in rows] if _grouped() else rows
    lines = list(zip(rows, asked.lines(events), strict=True))
    return render_template(
        "audit/_news.html",
        lines=lines,
        grouped=_grouped(),
        more=found.more,
        query=_query(),
        **_looks(),
    )


@bp.get("/group")
@page("audit", sensitive=True)
def group() -> ResponseReturnValue:
    """Show what one line of the grouped list stands for."""
    form = asking.form_of(request.args)
    try:
        at = datetime.fromisoformat(request.args.get("at", "").replace(" ", "+"))
    except ValueError:
        abort(HTTPStatus.NOT_FOUND)
    if not form.validate() or at.tzinfo is None:
        abort(HTTPStatus.NOT_FOUND)
    asked = _asked(form)
    trail.note("audit.read", category="read", changes={**form.used(), "at": at.isoformat()})
    but = number_of(request.args.get("but", ""))
    found = search_groups.list_inside(asked.filter, at, form.order, reader=asked.reader, but=but)
    most = search_groups.MOST_INSIDE
    lines = list(zip(found, asked.lines(found), strict=True))
    return render_template(
        "audit/_inside.html",
        lines=lines[:most],
        more=len(found) > most,
        happened=form.happened,
        flat=url_for("audit.index") + _query("group", "at"),
        **_looks(),
    )


# --- what the search boxes offer ------------------------------------------------------


@bp.get("/pickers/actors")
@page("audit")
def pick_actor() -> ResponseReturnValue:
    """Find people, and what acts without them. Who reads in some places is not shown who works elsewhere."""
    typed = pickers.typed()
    options = [*_typed_actor(typed)]
    if sees_everything():
        systems = agents.systems_like(typed)
        room = max(0, pickers.LIMIT - len(options) - len(systems))
        title = gettext("People")
        options += [
            Option(value=one.value, label=one.label, hint=one.hint, group=title)
            for one in access.people_like(typed, limit=room)
        ]
        options += systems
    return pickers.answer(options)


def _typed_actor(typed: str) -> list[Option]:
    kind, number = typed.lower().replace(":", " ").partition(" ")[::2]
    if kind in {"job", "token", "session"} and number_of(number.strip()) is not None:
        return [Option(value=f"{kind}:{number.strip()}", label=f"{kind}:{number.strip()}")]
    if not typed:
        return []
    return [Option(value=typed, label=gettext("Everybody called “%(name)s”", name=typed))]


@bp.get("/pickers/actions")
@page("audit")
def pick_action() -> ResponseReturnValue:
    """Find actions by what people call them."""
    found = actions.actions_like(pickers.typed())
    return pickers.answer([Option(value=code, label=title, hint=code) for code, title in found])


@bp.get("/pickers/clients")
@page("audit")
def pick_client() -> ResponseReturnValue:
    """Find clients in sight."""
    seen = reach_of(signed_in_person(), "audit")
    rows, more = choices.find_places(pickers.typed(), kinds=("client",), seen=seen)
    return pickers.answer(choices.options(rows), more=more)


@bp.get("/pickers/zones")
@page("audit")
def pick_zone() -> ResponseReturnValue:
    """Find time zones by a part of their names."""
    typed = pickers.typed().casefold().replace(" ", "_")
    found = [zone for zone in timezones() if typed in zone.casefold()]
    options = [Option(value=one, label=zone_name(one)) for one in found[: pickers.LIMIT]]
    return pickers.answer(options, more=len(found) > pickers.LIMIT)
