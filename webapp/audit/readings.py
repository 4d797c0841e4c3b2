"""How the log tells what of it was read: filters by their titles and words, times by the reader's clock."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from webapp.audit.actions import action_title
from webapp.audit.wording import (
    Event,
    cut,
    field_title,
    label,
    moment_text,
    name_of_row,
    pair,
    short,
    the,
)
from webapp.core.language import N_, _, gettext
from webapp.core.object_types import title_of
from webapp.core.typed import number_of

CATEGORY_TITLES = {
    "change": _("change"),
    "access": _("access"),
    "sign-in": _("sign-in"),
    "read": _("read"),
    "export": _("export"),
    "import": _("import"),
    "system": _("system"),
}
# What of the log was read, if not rows of it.
READ = {
    "audit_export": N_("looked at the exports of the audit log"),
    "audit_check": N_("looked at the proof of the audit log"),
}
# The filters by the names that they have on the page.
_TITLES = {
    "q": N_("Words"),
    "actor": N_("Who"),
    "period": N_("When"),
    "zone": N_("Time zone"),
    "clock": N_("Clock"),
    "category": N_("Category"),
    "outcome": N_("Outcome"),
    "action": N_("Action"),
    "object_type": N_("Kind"),
    "object_id": N_("Number"),
    "record": N_("Record"),
    "client": N_("Client"),
    "ip": N_("Address or network"),
    "via": N_("Session, job or token"),
    "request": N_("Request"),
    "field": N_("Field"),
    "was": N_("Changed from"),
    "became": N_("Changed to"),
}
_WORDS = {
    "clock": {"happened": N_("When it happened")},
    "period": {
        "hour": N_("Last hour"),
        "today": N_("Today"),
        "yesterday": N_("Yesterday"),
        "7": N_("Last 7 days"),
        "30": N_("Last 30 days"),
        "month": N_("This month"),
        "quarter": N_("This quarter"),
    },
    "outcome": {
        "ok": N_("Done"),
        "denied": N_("Refused"),
        "failed": N_("Failed"),
        "not-ok": N_("Refused or failed"),
    },
}
_KINDS = {"actor": "user", "client": "client"}
_TIMES = ("at", "since", "until")
_TYPED = frozenset({"q", "record", "was", "became"})


def asked_for(changes: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """Yield the rows (kind, id) that a search asked for, so that somebody can find their names."""
    for name, kind in _KINDS.items():
        for one in _several(changes.get(name)):
            if number := number_of(one):
                yield kind, number
    about, one_id = changes.get("object_type"), number_of(changes.get("object_id"))
    if isinstance(about, str) and one_id is not None:
        yield about, one_id


def log_read(event: Event) -> str:
    """Tell what of the log somebody read."""
    kind = event.object_type
    if kind == "audit_event":
        return gettext("read entry %(number)s of the audit log", number=event.object_id)
    if kind in READ:
        return gettext(READ[kind])
    if kind:
        return gettext("read the history of %(what)s", what=the(event, name=label(event)))
    asked = {name: pair(value)[1] for name, value in event.changes.items()}
    about = _about(event, asked)
    filters = ", ".join([*_told(event, asked), *_when(asked)])
    if about:
        said = N_("read the history of %(what)s")
        said = N_("read the history of %(what)s (%(filters)s)") if filters else said
    elif asked.get("live"):
        said = N_("followed the audit log as it grew")
        said = N_("followed the audit log as it grew (%(filters)s)") if filters else said
    else:
        said = N_("read the audit log (%(filters)s)") if filters else N_("read the audit log")
    return gettext(said, what=about, filters=filters)


def _about(event: Event, asked: dict[str, Any]) -> str:
    """The one record that was asked for; takes its number out of what is asked."""
    kind, number = asked.get("object_type"), number_of(asked.get("object_id"))
    if not isinstance(kind, str) or number is None:
        return ""
    del asked["object_type"], asked["object_id"]
    name = name_of_row(event, kind, number)
    return the(event, kind=kind, name=name or str(number))


def _told(event: Event, asked: Mapping[str, Any]) -> Iterator[str]:
    for name, value in asked.items():
        if name in _TIMES or name == "live" or value in (None, "", "exact"):
            continue
        title = gettext(_TITLES[name]) if name in _TITLES else field_title(name)
        yield f"{_small(title)}: {_said(event, name, value)}"


def _said(event: Event, name: str, value: Any) -> str:
    """One filter's value in words."""
    if name in _TYPED:
        return gettext("“%(text)s”", text=short(value))
    if name in _WORDS:
        said = _WORDS[name].get(str(value))
        return _small(gettext(said)) if said else short(value)
    if name in {"object_type", "field"}:
        return (title_of if name == "object_type" else field_title)(str(value))
    return cut(", ".join(_one(event, name, one) for one in _several(value)))


def _one(event: Event, name: str, one: str) -> str:
    if name == "category":
        return str(CATEGORY_TITLES.get(one, one))
    if name == "action":
        return action_title(one)
    if name in _KINDS and (number := number_of(one)) is not None:
        kind = _KINDS[name]
        return name_of_row(event, kind, number) or f"{title_of(kind)} {number}"
    if name == "actor" and one.startswith("system:"):
        system = one.removeprefix("system:")
        return f"Steward ({system})" if system else "Steward"
    return one


def _when(asked: Mapping[str, Any]) -> Iterator[str]:
    at, since, until = (_clock(asked.get(name)) for name in _TIMES)
    if at:
        yield gettext("as of %(moment)s", moment=at)
    if since and until:
        yield f"{since} \N{EN DASH} {until}"
    elif since or until:
        said = N_("since %(when)s") if since else N_("before %(when)s")
        yield gettext(said, when=since or until)


def _clock(text: Any) -> str:
    """Say a moment by the reader's clock; what was typed without a zone is by that of whom it was."""
    try:
        aware = datetime.fromisoformat(str(text)).tzinfo is not None
    except ValueError:
        return ""
    return moment_text(str(text), shift=aware)


def _several(value: Any) -> list[str]:
    return [one for one in str(value or "").split(", ") if one]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]
