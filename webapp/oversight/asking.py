"""From a query string to a search of the log: names become the numbers that the log has, and words again for people."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from werkzeug.datastructures import MultiDict

from webapp.audit.fields import FIELDS
from webapp.audit.queries import (
    Filter,
    Reader,
    labels_of,
    points_at,
    search_names,
    search_words,
)
from webapp.audit.sentences import CATEGORY_TITLES, NOTHING, field_title
from webapp.audit.values import WORDS
from webapp.core.bulk import args_of
from webapp.core.errors import DomainError
from webapp.core.language import gettext
from webapp.core.object_types import title_of
from webapp.core.search import cleaned
from webapp.oversight.actions import action_title
from webapp.oversight.forms import OUTCOMES, FilterForm, network_of
from webapp.oversight.masking import PAGES, PLACED, Mask
from webapp.oversight.spans import PERIODS

AGENTS = ("job:", "token:", "session:")
_EMPTY = frozenset({"-", NOTHING, "—"})
# Fields that are one filter.
TOGETHER = {
    "period": ("period", "since", "until", "zone", "clock"),
    "field": ("field", "was", "became"),
}
Query = str | MultiDict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Chip:
    """One filter that is on: its name in the address and value there, and how people say it."""

    name: str
    value: str
    title: str
    text: str


def form_of(query: Query) -> FilterForm:
    """Read the filters of a query string."""
    return FilterForm(args_of(query) if isinstance(query, str) else query)


def filter_of(
    query: Query, *, timezone: str, now: datetime, covered: Collection[str] = ()
) -> Filter:
    """Return the search that a query string asks for.

    ``covered`` are the kinds of records whose values the reader may not know: nothing is found by those.

    Raises:
        DomainError: if a filter makes no sense.
    """
    form = form_of(query)
    if not form.validate():
        raise DomainError(" ".join(form.problems()))
    return asked_by(form, timezone=timezone, now=now, covered=covered)


def asked_by(
    form: FilterForm, *, timezone: str, now: datetime, covered: Collection[str] = ()
) -> Filter:
    """Return the search that a valid form asks for."""
    since, until = form.bounds(now=now, timezone=timezone)
    who, record, typed = _who(form.actor.data), _record(form), cleaned(form.q.data)
    words = search_words.words_query(typed)
    wordless = bool(typed and not words) or record.pop("wordless", False)
    return Filter(
        **who | {"nobody": who["nobody"] or wordless},
        **record,
        actions=tuple(form.action.data),
        categories=tuple(form.category.data),
        outcomes=_outcomes(form.outcome.data or ""),
        client_ids=tuple(int(one) for one in form.client.data),
        network=network_of(cleaned(form.ip.data)),
        via=cleaned(form.via.data) or None,
        request=cleaned(form.request.data) or None,
        words=words,
        pointing=search_names.pointing_at(typed) if words else (),
        facets=_facets(form),
        covered=tuple(sorted(covered)),
        since=since,
        until=until,
        clock=form.column,
    )


def words_of(query: Query, seen: Iterable[Any] | None = None) -> list[tuple[str, str]]:
    """Return the filters of a query string as people say them: title and value."""
    return [(chip.title, chip.text) for chip in chips_of(form_of(query), seen)]


def chips_of(form: FilterForm, seen: Iterable[Any] | None = None) -> list[Chip]:
    """Return the filters that are on and make sense; names of people and clients cost one query.

    ``seen`` are rows that the reader sees, if not all: only what occurs in them is called by its name.
    """
    names = _names(form, seen)
    return [
        Chip(name=name, value=value, title=_title(form, name), text=text)
        for name, value, text in _told(form, names)
        if not any(form[one].errors for one in TOGETHER.get(name, (name,)))
    ]


def _outcomes(outcome: str) -> tuple[str, ...]:
    if outcome == "not-ok":
        return ("denied", "failed")
    return (outcome,) if outcome else ()


def _who(actors: Iterable[str]) -> dict[str, Any]:
    ids: list[int] = []
    systems: list[str] = []
    agents: list[str] = []
    given = False
    for actor in actors:
        given = True
        if actor.isascii() and actor.isdigit():
            ids.append(min(int(actor[:19]), 2**63 - 1))
        elif actor == "system:":
            systems.extend(search_names.system_names())
        elif actor.startswith("system:"):
            systems.append(actor)
        elif actor.startswith(AGENTS):
            agents.append(actor)
        else:
            ids.extend(search_names.people_called(actor))
    return {
        "actor_ids": tuple(dict.fromkeys(ids)),
        "systems": tuple(dict.fromkeys(systems)),
        "agents": tuple(agents),
        "nobody": given and not (ids or systems or agents),
    }


def called(form: FilterForm) -> list[str]:
    """Return what was typed as the names of people."""
    return [one for one in form.actor.data if not one.isdigit() and ":" not in one]


def _record(form: FilterForm) -> dict[str, Any]:
    """By number where one was typed, a ticket's own; else by words of the name that it had."""
    kind, typed = form.object_type.data or None, cleaned(form.record.data)
    found: dict[str, Any] = {"object_type": kind}
    if form.object_id.data is not None:
        found["object_ids"] = (form.object_id.data,)
    if not typed:
        return found
    digits = typed.removeprefix("#")
    if not (digits.isascii() and digits.isdigit()):
        label = search_words.words_query(typed)
        return found | {"label": label, "wordless": label is None}
    number = min(int(digits[:19]), 2**63 - 1)
    if kind in {None, "ticket"} and (typed != digits or kind):
        ids = search_names.ids_called([("ticket", digits)]).get(("ticket", digits), ())
        return found | {"object_type": "ticket", "object_ids": tuple(ids) or (-1,)}
    return found | {"object_ids": (number,)}


def _facets(form: FilterForm) -> tuple[str, ...]:
    name = form.field.data or ""
    if not name:
        return ()
    title = field_title(name)
    names = [name, *(one for one in FIELDS if one != name and field_title(one) == title)]
    values = [cleaned(form.was.data), cleaned(form.became.data)]
    if not any(values):
        return (search_words.any_of(search_words.touched(one) for one in names),)
    kinds = {one: points_at(one, form.object_type.data) for one in names}
    wanted = [(kind, value) for kind in kinds.values() for value in values if kind and value]
    ids = search_names.ids_called(wanted)
    facets = []
    for made, value in zip((search_words.was, search_words.became), values, strict=True):
        if value:
            terms = [
                made(one, stored)
                for one in names
                for stored in _stored(one, value, ids.get((kinds[one], value), ()))
            ]
            facets.append(search_words.any_of(terms))
    return tuple(facets)


def _stored(name: str, typed: str, ids: Iterable[int]) -> Iterable[str]:
    """What the log may hold for what was typed: itself, the code behind a word, the number behind a name."""
    if typed in _EMPTY:
        return [""]
    said, begins = typed.casefold(), len(typed) > 1 and typed.endswith("*")
    known = WORDS.get(name, {})
    codes = [
        code
        for code, word in known.items()
        if said in (called := {gettext(word).casefold(), code})
        or (begins and any(one.startswith(said[:-1]) for one in called))
    ]
    flags = {gettext("yes").casefold(): "true", gettext("no").casefold(): "false"}
    flag = [flags[said]] if said in flags else []
    return dict.fromkeys([typed, *codes, *flag, *(str(one) for one in ids)])


def _names(form: FilterForm, seen: Iterable[Any] | None) -> dict[tuple[str, int], str]:
    """Name what numbers mean; of clients the database tells only those in the reader's scope."""
    asked = _numbers(form)
    if seen is not None:
        shown: set[tuple[str, int]] = set()
        for row in seen:
            shown |= {("user_id", row.actor_id), (f"{row.object_type}_id", row.object_id)}
        asked = {
            name: [one for one in values if name == "client_id" or (name, one) in shown]
            for name, values in asked.items()
        }
    return labels_of({name: values for name, values in asked.items() if values})


def _numbers(form: FilterForm) -> dict[str, list[int]]:
    people = [int(one) for one in form.actor.data if one.isascii() and one.isdigit()]
    asked = {
        "user_id": [one for one in people if one < 2**63],
        "client_id": [
            int(one) for one in form.client.data if not form.client.errors and one.isdigit()
        ],
    }
    kind = form.object_type.data
    if kind and form.object_id.data is not None and not form.object_id.errors:
        asked.setdefault(f"{kind}_id", []).append(form.object_id.data)
    return asked


def _told(form: FilterForm, names: dict[tuple[str, int], str]) -> Iterable[tuple[str, str, str]]:
    """Yield name, value and words of each filter that is on."""
    for actor in form.actor.data:
        yield "actor", actor, _actor_name(actor, names)
    for client in form.client.data:
        number = int(client) if client.isascii() and client.isdigit() else -1
        yield "client", client, names.get(("client", number), f"#{client}")
    for action in form.action.data:
        yield "action", action, action_title(action)
    for category in form.category.data:
        yield "category", category, str(CATEGORY_TITLES.get(category, category))
    yield from _told_alone(form, names)


def _told_alone(
    form: FilterForm, names: dict[tuple[str, int], str]
) -> Iterable[tuple[str, str, str]]:
    kind, number = form.object_type.data or "", form.object_id.data
    said = {
        "q": cleaned(form.q.data),
        "period": _period(form),
        "outcome": str(dict(OUTCOMES).get(form.outcome.data, "")) if form.outcome.data else "",
        "object_type": title_of(kind),
        "object_id": "" if number is None else names.get((kind, number), f"#{number}"),
        "record": cleaned(form.record.data),
        "ip": cleaned(form.ip.data),
        "via": cleaned(form.via.data),
        "request": cleaned(form.request.data),
        "field": _change(form),
    }
    for name, text in said.items():
        if text:
            yield name, "", text


def _actor_name(actor: str, names: dict[tuple[str, int], str]) -> str:
    if actor.isascii() and actor.isdigit():
        return names.get(("user", int(actor)), f"#{actor}")
    if actor == "system:":
        return gettext("Steward itself")
    if actor.startswith("system:"):
        return f"Steward ({actor.removeprefix('system:')})"
    return actor if actor.startswith(AGENTS) else f"“{actor}”"


def _period(form: FilterForm) -> str:
    """Say the span, with the zone of its ends where one was named, and by which clock if not the usual one."""
    if form.period.data and form.period.data != "exact":
        said = str(dict(PERIODS).get(form.period.data, ""))
    else:
        said = _range(form)
    if said and form.zone.data:
        said = gettext("%(span)s, %(zone)s", span=said, zone=form.zone.data)
    if said and form.column == "occurred_at":
        return gettext("%(span)s, by when it happened", span=said)
    return said


def _range(form: FilterForm) -> str:
    ends = [form.since.raw_data, form.until.raw_data]
    since, until = (str(end[0]).replace("T", " ") if end and end[0] else "" for end in ends)
    if since and until:
        return f"{since} {NOTHING} {until}"  # an en dash
    if since:
        return gettext("since %(when)s", when=since)
    return gettext("before %(when)s", when=until) if until else ""


def _change(form: FilterForm) -> str:
    if not form.field.data:
        return ""
    was, became = cleaned(form.was.data), cleaned(form.became.data)
    title = field_title(form.field.data)
    if not was and not became:
        return title
    return f"{title}: {was or '…'} → {became or '…'}"


def _title(form: FilterForm, name: str) -> str:
    if name == "field":
        return gettext("Changed")
    return gettext(form[name].label.text)


def covered_for(mask: Mask, reader: Reader) -> frozenset[str]:
    """Return the kinds of records of which a reader may not know all values within what they read."""
    if reader.everything:
        return mask.covers_any
    hidden: dict[Any, bool] = {}  # kinds whose pages are the same are looked at once
    for kind in (*PAGES, "attachment"):
        clients = reader.clients if kind in PLACED else reader.clients[:1]
        key = (PAGES.get(kind, kind), kind in PLACED)
        if key not in hidden:
            hidden[key] = any(mask.hides(kind, client) for client in clients)
    return frozenset(
        kind for kind in (*PAGES, "attachment") if hidden[PAGES.get(kind, kind), kind in PLACED]
    )
