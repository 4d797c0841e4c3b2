"""The frame of every page: its menu, the bar at the top, the dialogs; each drawn once for all who have the same.

Drawing it takes a fifth of a page's time otherwise.
"""

import re
from functools import lru_cache
from typing import Any

from flask import g, render_template, request, url_for
from flask_babel import get_locale
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from webapp.core import registry
from webapp.core.identity import person, signed_in_person
from webapp.core.language import gettext
from webapp.core.request_keys import new_key

# The places of a form's token and key, which differ each time.
_PLACES = re.compile(r'( name="csrf_token" value="| name="_key" value=")[^"]*')


def _shell() -> tuple[str, str, tuple[str, ...]]:
    """What the frame of a page depends on: the language, where the app is mounted, the pages that open."""
    who = person()
    opened = (
        entry.key for entry in registry.PAGES if entry.endpoint and who and who.opens(entry.key)
    )
    return str(get_locale() or "en"), request.script_root, tuple(opened)


def menu() -> list[dict[str, Any]]:
    """The pages that the person may open, by section."""
    return _menu(*_shell())


# Drawn once for all who share a frame: each page has it, and it takes a tenth of a page's time.
@lru_cache(maxsize=256)
def _menu(_locale: str, _root: str, opened: tuple[str, ...]) -> list[dict[str, Any]]:
    sections = []
    for title, entries in registry.sections(registry.PAGES).items():
        shown = [
            {
                "key": entry.key,
                "title": gettext(entry.title),
                "url": url_for(entry.endpoint),
                "icon": entry.icon,
            }
            for entry in entries
            if entry.endpoint and entry.key in opened
        ]
        if shown:
            sections.append({"title": gettext(title), "entries": shown})
    return sections


def dialogs() -> str:
    """The dialogs of every page: the palette, a question, the sheet of keys."""
    return _dialogs(*_shell())


@lru_cache(maxsize=64)
def _dialogs(_locale: str, _root: str, _opened: tuple[str, ...]) -> str:
    return Markup(render_template("layouts/_dialogs.html"))  # noqa: S704 # nosec B704 - our own template


def sidebar() -> str:
    """The menu at the left, with the page that shows."""
    slim = request.cookies.get("sidebar") == "slim"
    return _sidebar(*_shell(), g.get("page_key"), slim)


@lru_cache(maxsize=512)
def _sidebar(
    _locale: str, _root: str, _opened: tuple[str, ...], _page: str | None, slim: bool
) -> str:
    return Markup(render_template("layouts/_sidebar.html", slim=slim))  # noqa: S704 # nosec B704 - our own template


def topbar(*, quiet: bool) -> str:
    """The bar at the top; a ``quiet`` one says nothing of what is unread."""
    who = signed_in_person()
    unread = 0 if quiet else who.unread
    drawn = _topbar(*_shell(), who.theme, who.name, who.email, unread)
    fresh = {"c": generate_csrf, "k": new_key}
    whole = "".join([part if at % 2 == 0 else fresh[part]() for at, part in enumerate(drawn)])
    return Markup(whole)  # noqa: S704 # nosec B704 - our own template


# By all that shows in it: nobody gets the bar of somebody else.
@lru_cache(maxsize=512)
def _topbar(
    _locale: str,
    _root: str,
    _opened: tuple[str, ...],
    _theme: str,
    _name: str,
    _email: str,
    unread: int,
) -> tuple[str, ...]:
    """The bar, cut where a token ("c") or a key ("k") of a form belongs, with which of them."""
    whole = render_template("layouts/_topbar.html", unread=unread)
    return tuple(_PLACES.sub(_cut, whole).split("\0"))


def _cut(found: re.Match[str]) -> str:
    return f"{found[1]}\0{'c' if 'csrf' in found[1] else 'k'}\0"
