"""The register as a file: its rows with what they lie in and where, and the attributes that occur in them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, AssetType
from webapp.assets.queries import register
from webapp.assets.queries.register import Filters, Row
from webapp.core.db import db
from webapp.organisation import choices
from webapp.organisation.tree import Reach, reach_of

MAX_COLUMNS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An asset with its names, the location of its client, and the tag of what it lies in."""

    row: Row
    location: str
    container: str


@dataclass(slots=True)
class Columns:
    """The attributes as columns: their titles, and which of them each type has."""

    titles: list[str] = field(default_factory=list)
    of_type: dict[int, list[tuple[int, str]]] = field(default_factory=dict)

    def values(self, row: Row) -> list[Any]:
        """Return an asset's attributes in the order of the columns."""
        cells: list[Any] = [None] * len(self.titles)
        for number, key in self.of_type.get(row.asset.type_id, ()):
            cells[number] = row.asset.attributes.get(key)
        return cells


def columns_of(filters: Filters, who: SignedIn, reach: Reach, *, taken: set[str]) -> Columns:
    """Return the attributes of all types that occur; none if they are too many to be read.

    ``taken`` are the titles of the other columns: an attribute of that name is called by its key, too.
    """
    ids = register.types_within(filters, who, reach)
    named = select(AssetType.id, AssetType.attributes).where(AssetType.id.in_(ids))
    found: dict[tuple[str, str], int] = {}
    of_type: dict[int, list[tuple[int, str]]] = {}
    for kind in db.session.execute(named.order_by(AssetType.name, AssetType.id)):
        for rule in kind.attributes:
            number = found.setdefault((_title(rule), rule["key"]), len(found))
            of_type.setdefault(kind.id, []).append((number, rule["key"]))
    if len(found) > MAX_COLUMNS:
        return Columns()
    names = [name.casefold() for name in [*taken, *(title for title, _key in found)]]
    titles = [
        f"{title} [{key}]" if names.count(title.casefold()) > 1 else title for title, key in found
    ]
    return Columns(titles, of_type)


def _title(rule: dict[str, Any]) -> str:
    return f"{rule['label']} ({rule['unit']})" if rule.get("unit") else str(rule["label"])


def lines(filters: Filters, who: SignedIn, reach: Reach) -> Iterator[Line]:
    """Return everything that matches within ``reach``, by tag; few rows are in memory at a time."""
    seen = reach_of(who, "assets")
    names: dict[int, str] = {}
    for lot in register.lots(filters, who, reach):
        new = {row.names.location_id for row in lot} - {None, *names}
        if new:
            known = choices.labels("location", new, seen=seen)
            names |= {key: known.get(str(key), "") for key in new}
        tags = _tags({row.asset.parent_id for row in lot} - {None})
        for row in lot:
            yield Line(
                row=row,
                location=names.get(row.names.location_id, ""),
                container=tags.get(row.asset.parent_id, ""),
            )


def _tags(ids: set[int]) -> dict[int, str]:
    if not ids:
        return {}
    live = select(Asset.id, Asset.tag).where(Asset.id.in_(ids), Asset.deleted_at.is_(None))
    return {row.id: row.tag for row in db.session.execute(live)}
