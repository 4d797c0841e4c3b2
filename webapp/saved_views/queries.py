"""Reads of saved views."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from sqlalchemy import Select, String, bindparam, column, or_, select, table
from sqlalchemy.types import BigInteger

from webapp.core.bulk import MAX_QUERY
from webapp.core.db import db
from webapp.saved_views.models import SavedView

# Where in a list one was, and how much of it one saw, is not what it shows.
PASSING = frozenset({"after", "before", "limit"})
MOST = 100
# This domain lies below that of people, and needs no more of them than their names.
_USERS = table("users", column("id", BigInteger), column("name", String))


def tidy(query: str) -> str:
    """Return a query string as it is kept: without cursors and what is empty, ready to follow an address."""
    pairs = parse_qsl(query.removeprefix("?"), max_num_fields=100)
    kept = [(name, value) for name, value in pairs if value and name not in PASSING]
    return f"?{urlencode(kept)}" if kept else ""


def narrowed(here: str, address: str | None, *, host: str) -> str:
    """Return the address of a list as it was narrowed; ``address`` counts only if it is one of the list ``here``."""
    try:
        parts = urlsplit((address or "")[:MAX_QUERY])
        known = parts.path == here and parts.netloc in ("", host)
    except ValueError:
        known = False
    return here + (tidy(parts.query) if known else "")


def _views() -> Select[Any]:
    mine = SavedView.user_id == bindparam("person")
    return (
        select(
            SavedView.id,
            SavedView.name,
            SavedView.query,
            SavedView.is_shared,
            mine.label("mine"),
            _USERS.c.name.label("owner"),
        )
        .join(_USERS, _USERS.c.id == SavedView.user_id)
        .where(SavedView.page == bindparam("page"), or_(mine, SavedView.is_shared))
        .order_by(mine.desc(), SavedView.name, SavedView.id)
        .limit(MOST)
    )


_VIEWS = _views()  # every list asks for them


def views_of(person: Any, page: str) -> list[Any]:
    """Return a person's own views of a page, then those that others share: rows, by name."""
    asked = {"person": person.id, "page": page}
    return list(db.session.execute(_VIEWS, asked))


def get_view(view_id: int) -> SavedView | None:
    """Find a saved view; whose it is, the services look at."""
    return db.session.get(SavedView, view_id)
