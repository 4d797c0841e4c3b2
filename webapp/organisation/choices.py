"""What a search box offers: locations, clients and projects in sight, perhaps only those within reach of a permission.

The database filters clients and projects by the page that asks; locations are filtered here.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import and_, case, func, literal, or_, select, true, union_all

from webapp.core.db import db
from webapp.core.pickers import LIMIT, Option
from webapp.core.search import cleaned
from webapp.organisation import tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Reach

KINDS = ("location", "client", "project")
MAX_WORDS = 8


def find_places(
    typed: str,
    *,
    kinds: Sequence[str] = KINDS,
    seen: Reach,
    within: Reach | None = None,
    outside: int | None = None,
) -> tuple[list[Any], bool]:
    """Return rows (kind, id, name, hint) that match, by kind, and whether there are more.

    ``seen`` is what the person sees; ``within`` narrows it to where they may do something; ``outside`` leaves out a
    location with all inside it.
    """
    each = LIMIT // len(kinds)
    parts = []
    for kind in kinds:
        statement = _STATEMENTS[kind](seen, within)
        if kind == "location" and outside is not None:
            statement = statement.where(Location.id.not_in(select(tree.below(outside).c.id)))
        parts.append(_ranked(statement, kind, typed).limit(each + 1).subquery())
    found = union_all(*(select(part) for part in parts)).subquery()
    order = (found.c.place, found.c.rank, found.c.name, found.c.id)
    rows = list(db.session.execute(select(found).order_by(*order)))
    shown = [row for kind in kinds for row in [r for r in rows if r.kind == kind][:each]]
    return shown, len(shown) < len(rows)


def label_of(kind: str, key: int | None, *, seen: Reach) -> str | None:
    """Return the name of a place in sight, deleted or not."""
    return None if key is None else labels(kind, [key], seen=seen).get(str(key))


def labels(kind: str, keys: Iterable[int | None], *, seen: Reach) -> dict[str, str]:
    """Return the names of the places in sight, by their ids as text."""
    model = _MODELS[kind]
    statement = select(model.id, model.name).where(model.id.in_([key for key in keys if key]))
    if model is Location:
        statement = statement.where(tree.visible(seen))
    return {str(row.id): row.name for row in db.session.execute(statement)}


def options(rows: Iterable[Any]) -> list[Option]:
    """Return places of one kind to pick by their number."""
    return [Option(value=str(row.id), label=row.name, hint=row.hint) for row in rows]


def _locations(seen: Reach, within: Reach | None) -> Any:
    above = Location.__table__.alias("above")
    reached = (
        true() if within is None or within.everywhere else Location.id.in_(within.location_ids)
    )
    return (
        select(Location.id, Location.name, func.coalesce(above.c.name, "").label("hint"))
        .outerjoin(above, above.c.id == Location.parent_id)
        .where(Location.deleted_at.is_(None), tree.visible(seen), reached)
    )


def _clients(_: Reach, within: Reach | None) -> Any:
    # Not Reach.clients(): that holds the clients of projects, too, which may only be read.
    reached = (
        true()
        if within is None or within.everywhere
        else or_(Client.location_id.in_(within.location_ids), Client.id.in_(within.client_ids))
    )
    return select(Client.id, Client.name, Client.code.label("hint")).where(
        Client.deleted_at.is_(None), reached
    )


def _projects(_: Reach, within: Reach | None) -> Any:
    return (
        select(Project.id, Project.name, Client.name.label("hint"))
        .join(Client, Client.id == Project.client_id)
        .where(Project.deleted_at.is_(None), true() if within is None else within.projects())
    )


_MODELS: dict[str, type[Location | Client | Project]] = {
    "location": Location,
    "client": Client,
    "project": Project,
}
_STATEMENTS: dict[str, Callable[[Reach, Reach | None], Any]] = {
    "location": _locations,
    "client": _clients,
    "project": _projects,
}


def _holds(kind: str, word: str) -> Any:
    """Rows with ``word`` in a name of theirs."""
    columns = (_MODELS[kind].name, Client.code) if kind == "client" else (_MODELS[kind].name,)
    found = or_(*(column.icontains(word, autoescape=True) for column in columns))
    if kind == "project":  # looked up once for each client, not for each project
        owners = select(Client.id).where(Client.name.icontains(word, autoescape=True))
        found = or_(found, Project.client_id.in_(owners))
    return found


def _ranked(statement: Any, kind: str, typed: str) -> Any:
    """Keep rows with every word in one of their names; those that begin as typed come first."""
    name = _MODELS[kind].name
    words = cleaned(typed).split()[:MAX_WORDS]
    begins = name.istartswith(" ".join(words), autoescape=True)
    rank = (case((begins, 0), else_=1) if words else literal(0)).label("rank")
    statement = statement.add_columns(
        literal(kind).label("kind"), literal(KINDS.index(kind)).label("place"), rank
    )
    statement = statement.where(and_(true(), *(_holds(kind, word) for word in words)))
    # Without words the index by name ends the search after the first few.
    order = (rank,) if words else ()
    return statement.order_by(*order, name, _MODELS[kind].id)
