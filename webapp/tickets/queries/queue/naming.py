"""What the values of filters are called, for the marks above the list."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import ARRAY, BigInteger, String, any_, bindparam, cast, literal, select, union_all
from sqlalchemy.sql.expression import func

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.organisation import choices
from webapp.organisation.models import Client, Project
from webapp.organisation.tree import reach_of
from webapp.tickets.models import Contact, Team
from webapp.tickets.queries.queue.filters import Filters
from webapp.users.models import User

Names = dict[tuple[str, int], str]


def names_of(filters: Filters, who: SignedIn) -> Names:
    """Return the names of the people, teams, places and assets that the filters mean; what is out of sight has none."""
    asked = set(_asked(filters))
    kinds = sorted({kind for kind, _key in asked} - {"location"})
    found: Names = {}
    if kinds:
        keys = {kind: [key for other, key in asked if other == kind] for kind in kinds}
        rows = db.session.execute(_names(tuple(kinds)), keys)
        found = {(row.kind, row.id): row.name for row in rows}
    if places := [key for kind, key in asked if kind == "location"]:
        known = choices.labels("location", places, seen=reach_of(who, "tickets"))
        found |= {("location", int(key)): name for key, name in known.items()}
    return found


def _asked(filters: Filters) -> Iterator[tuple[str, int]]:
    yield from (("user", int(one)) for one in filters.assignees if one.isdigit())
    yield from (("team", int(one)) for one in filters.teams if one.isdigit())
    yield from filters.requesters
    yield from filters.places
    yield from (("asset", one) for one in filters.assets)


@cache
def _names(kinds: tuple[str, ...]) -> Any:
    """The statement for some kinds of things, made once."""
    return union_all(*(_part(kind) for kind in kinds))


def _part(kind: str) -> Any:
    model, name = _NAMED[kind]
    shown = cast(name, String).label("name")
    keys = bindparam(kind, type_=ARRAY(BigInteger))
    return select(literal(kind).label("kind"), model.id, shown).where(model.id == any_(keys))


_NAMED: dict[str, tuple[Any, Any]] = {
    "user": (User, User.name),
    "contact": (Contact, Contact.name),
    "team": (Team, Team.name),
    "client": (Client, Client.name),
    "project": (Project, Project.name),
    "asset": (Asset, func.concat(Asset.tag, " ", Asset.name)),
}
