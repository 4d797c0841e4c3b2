"""What every template can use."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import dates
from flask import Flask, g, request
from flask_babel import get_locale
from jinja2 import StrictUndefined
from markupsafe import Markup, escape

from webapp.core import drawing, frame, panels, registry
from webapp.core.errors import UnknownEndpoint
from webapp.core.identity import person
from webapp.core.language import N_, catalogue, day_in
from webapp.core.paging import count_text
from webapp.core.request_keys import new_key
from webapp.core.urls import row_urls

MINUTE, HOUR, DAY = 60, 3600, 86400
JUST_NOW = 10  # seconds
NOTHING = "\N{EN DASH}"
STATIC = Path(__file__).resolve().parents[2] / "static"


@lru_cache(maxsize=1)
def static_version() -> str:
    """A hash over everything static: part of each address, so that files can be cached for ever."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file() and path.suffix not in {".gz", ".br"}:
            digest.update(path.relative_to(STATIC).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """Return the immutable address of a static file."""
    return f"/static/{static_version()}/{name}"


@lru_cache(maxsize=512)
def icon(name: str, label: str | None = None) -> Markup:
    """Draw a picture of the sprite; a page has fifty. With ``label`` it says something by itself."""
    said = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return Markup(  # noqa: S704 # nosec B704 - escaped
        f'<svg class="icon" width="20" height="20" {said}>'
        f'<use href="{asset("img/icons.svg")}#{escape(name)}"></use></svg>'
    )


def assert_pages_exist(app: Flask) -> None:
    """Refuse to start an app whose menu would lead nowhere; a page without an endpoint is not in the menu.

    Raises:
        UnknownEndpoint: naming every such page.
    """
    lost = [
        f"{entry.key} ({entry.endpoint})"
        for entry in registry.PAGES
        if entry.endpoint and entry.endpoint not in app.view_functions
    ]
    if lost:
        raise UnknownEndpoint("no view for the page: " + ", ".join(lost))


def can(permission: str, on: Any = None) -> bool:
    """Tell whether the person may do something on a place; without one: anywhere at all."""
    who = person()
    return who is not None and (who.holds(permission) if on is None else who.can(permission, on=on))


def opens(page: str) -> bool:
    """Tell whether the person may open a page."""
    who = person()
    return who is not None and who.opens(page)


def unread_count() -> int:
    """How many notifications the person has not read (at most 100)."""
    who = person()
    return who.unread if who else 0


def initials(name: str) -> str:
    """Return up to two letters for a name."""
    words = [word for part in name.split() if (word := part.strip("()[]{}\"'.,:;"))]
    return "".join(
        word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)
    ).upper()


def _reader() -> tuple[ZoneInfo, str]:
    """The zone and the language of this request, looked up once and not for each time on the page."""
    try:
        found: tuple[ZoneInfo, str] = g.reader
    except AttributeError:
        found = g.reader = (_zone(), str(get_locale() or "en"))
    return found


def _zone() -> ZoneInfo:
    who = person()
    try:
        return ZoneInfo(who.timezone if who else "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def _time(moment: datetime, zone: ZoneInfo, shown: str) -> Markup:
    exact = moment.astimezone(zone).isoformat(sep=" ", timespec="seconds")
    # Twice as fast as Markup.format, and a list has fifty of them.
    whole = moment.astimezone(UTC).isoformat()
    return Markup(f'<time datetime="{whole}" title="{exact}">{escape(shown)}</time>')  # noqa: S704 # nosec B704 - escaped


def when(moment: datetime | None) -> Markup | str:
    """Show a moment in the person's zone, exact on hover."""
    if moment is None:
        return NOTHING
    return _when(moment, *_reader())


@lru_cache(maxsize=4096)  # what one request did has one time
def _when(moment: datetime, zone: ZoneInfo, language: str) -> Markup:
    return _time(moment, zone, _minute(_by_clock(moment, zone), language))


def when_text(moment: datetime) -> str:
    """Say a moment in the person's zone, within a sentence."""
    zone, language = _reader()
    return _minute(_by_clock(moment, zone), language)


def _by_clock(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows; without its zone, for equal instants of two zones are equal keys."""
    return moment.astimezone(zone).replace(second=0, microsecond=0, tzinfo=None)


def exactly(moment: datetime | None) -> Markup | str:
    """Show a moment in the person's zone to the second, with the zone."""
    if moment is None:
        return NOTHING
    return _exactly(moment, *_reader())


@lru_cache(maxsize=4096)
def _exactly(moment: datetime, zone: ZoneInfo, language: str) -> Markup:
    local = moment.astimezone(zone)
    said = _second(local.replace(microsecond=0, tzinfo=None), language)
    return _time(moment, zone, f"{said} {local.tzname()}")


def day(when: date | None) -> Markup | str:
    """Show a day of the calendar, which is the same in every zone."""
    if when is None:
        return NOTHING
    shown = escape(day_in(_reader()[1], when))
    return Markup(f'<time datetime="{when.isoformat()}">{shown}</time>')  # noqa: S704 # nosec B704 - escaped


def ago(moment: datetime | None) -> Markup | str:
    """Show how long ago a moment was, exact on hover."""
    if moment is None:
        return NOTHING
    zone, language = _reader()
    passed = int((datetime.now(UTC) - moment).total_seconds())
    if abs(passed) < JUST_NOW:
        return _time(moment, zone, _gettext(N_("just now")))
    for unit in (DAY, HOUR, MINUTE, 1):
        if abs(passed) >= unit:
            passed -= passed % unit
            break
    return _time(moment, zone, _distance(passed, language))


# Babel takes a tenth of a millisecond for each; a list shows the same few many times.
@lru_cache(maxsize=4096)
def _minute(local: datetime, locale: str) -> str:
    return dates.format_datetime(local, "d MMM y, HH:mm", locale=locale)


@lru_cache(maxsize=1024)
def _second(local: datetime, locale: str) -> str:
    return dates.format_datetime(local, "d MMM y, HH:mm:ss", locale=locale)


@lru_cache(maxsize=4096)
def _distance(seconds: int, locale: str) -> str:
    return dates.format_timedelta(timedelta(seconds=-seconds), add_direction=True, locale=locale)


def _gettext(message: str) -> str:
    return str(catalogue().ugettext(message))


def _ngettext(singular: str, plural: str, number: int) -> str:
    return str(catalogue().ungettext(singular, plural, number))


def init_app(app: Flask) -> None:
    """Hand globals and filters to Jinja."""
    install: Any = app.jinja_env
    install.install_gettext_callables(_gettext, _ngettext, newstyle=True)
    drawing.init_app(app)
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.filters |= {
        "when": when,
        "exactly": exactly,
        "ago": ago,
        "day": day,
        "number": count_text,
        "initials": initials,
    }
    app.jinja_env.globals |= {
        "asset": asset,
        "draw_icon": icon,
        "sidebar": frame.sidebar,
        "topbar": frame.topbar,
        "dialogs": frame.dialogs,
        "can": can,
        "opens": opens,
        "unread_count": unread_count,
        "form_key": new_key,
        "person_tabs": panels.tabs,
        "is_demo": app.config["DEMO"],
        "registry_entry": registry.find_entry,
        "row_urls": row_urls,
    }

    @app.context_processor
    def per_request() -> dict[str, Any]:
        who = person()
        return {
            "me": who,
            "menu": frame.menu(),
            "page_key": g.get("page_key"),
            "request_id": g.get("request_id", ""),
            "locale": str(get_locale() or "en"),
            "request_path": request.full_path.rstrip("?"),
        }
