"""The register: what its address asks for, one page of it, and all of it for a file."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    and_,
    any_,
    bindparam,
    column,
    false,
    literal,
    literal_column,
    or_,
    select,
    table,
)
from sqlalchemy.orm import aliased

from webapp.access.identity import SignedIn
from webapp.assets.models import PURCHASED, WARRANTY, Asset, AssetType, Custody, Status
from webapp.assets.queries import common
from webapp.assets.queries.custody import today_of
from webapp.assets.words import OUT_OF_SIGHT
from webapp.core.db import db
from webapp.core.paging import Listing, Page, paginate
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import Keyed, day_in, flag_in, keyed_in
from webapp.organisation import choices, tree
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Reach, reach_of
from webapp.users.models import User

LISTING = Listing(
    id=Asset.id,
    # Each is an index of the model with the id behind it.
    sorts={
        "tag": Asset.tag,
        "name": Asset.name,
        "serial": Asset.serial,
        "model": Asset.model,
        "warranty": literal_column(WARRANTY, Date()),
        "purchased": literal_column(PURCHASED, Date()),
        "updated": Asset.updated_at,
    },
    default="tag",
)
# What the list can show; the tag always leads.
COLUMNS = (
    *("name", "type", "status", "place", "holder", "due", "serial", "manufacturer", "model"),
    *("warranty", "purchased", "cost", "updated"),
)
DEFAULT_COLUMNS = ("name", "type", "status", "place", "holder", "model", "warranty")
PLACES = ("location", "client", "project")
HOLDERS = ("user", "location")
AT_ONCE = 500  # rows of a file that are in memory; other requests get their turn between two lots
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class Filters:
    """What the register is narrowed to; what is empty or None does not count."""

    q: str = ""
    type_id: int | None = None
    statuses: tuple[str, ...] = ()
    place: Keyed | None = None
    holder: Keyed | None = None
    warranty: date | None = None
    overdue: bool = False
    archived: bool = False
    tickets: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Those that are set, for the log."""
        values = {
            "q": self.q,
            "type": self.type_id,
            "status": ", ".join(self.statuses),
            "place": key_text(self.place),
            "holder": key_text(self.holder),
            "warranty": self.warranty and self.warranty.isoformat(),
            "overdue": self.overdue,
            "archived": self.archived,
            "tickets": self.tickets,
        }
        return {name: value for name, value in values.items() if value}


def key_text(key: Keyed | None) -> str:
    """Return a place or holder as the address has it, such as ``client:4``."""
    return f"{key[0]}:{key[1]}" if key else ""


# Tickets lie above this domain, so their table is named rather than imported.
_TICKETS = table(
    "tickets",
    column("asset_id"),
    column("client_id"),
    column("project_id"),
    column("is_open", Boolean),
)
# Put together once: for each page that takes as long as to read it.
_PLACE = aliased(Location)
ROWS = select(
    Asset.id,
    Asset.tag,
    Asset.name,
    Asset.serial,
    Asset.manufacturer,
    Asset.model,
    Asset.status,
    Asset.client_id,
    Asset.project_id,
    Asset.type_id,
    Asset.warranty_until,
    Asset.purchased_on,
    Asset.cost,
    Asset.updated_at,
)
NAMES = (
    select(
        Asset.id,
        Client.name.label("client"),
        Client.code.label("client_code"),
        Client.location_id,
        Project.name.label("project"),
        AssetType.name.label("type"),
        Custody.holder_user_id,
        Custody.holder_location_id,
        Custody.due_on,
        (Custody.due_on < bindparam("today", type_=Date)).label("overdue"),
        User.name.label("holder_user"),
        _PLACE.name.label("holder_location"),
    )
    .join(AssetType, AssetType.id == Asset.type_id)
    .outerjoin(Client, Client.id == Asset.client_id)
    .outerjoin(Project, Project.id == Asset.project_id)
    .outerjoin(Custody, and_(Custody.asset_id == Asset.id, Custody.returned_at.is_(None)))
    .outerjoin(User, User.id == Custody.holder_user_id)
    .outerjoin(_PLACE, _PLACE.id == Custody.holder_location_id)
    .where(Asset.id == any_(bindparam("ids", type_=ARRAY(BigInteger))))
)


def filters_from(args: Any) -> Filters:
    """Read filters from a query string.

    Raises:
        UnknownFilter: if one makes no sense; to leave it out would show, change or export more than was asked.
    """
    statuses = tuple(dict.fromkeys(one for one in args.getlist("status") if one))
    if any(one not in set(Status) for one in statuses):
        raise UnknownFilter
    return Filters(
        q=cleaned(args.get("q")),
        type_id=_number(args.get("type")),
        statuses=statuses,
        place=_maybe_keyed(args.get("place"), PLACES),
        holder=_maybe_keyed(args.get("holder"), HOLDERS),
        warranty=day_in(args.get("warranty")),
        overdue=flag_in(args.get("overdue")),
        archived=flag_in(args.get("archived")),
        tickets=flag_in(args.get("tickets")),
    )


def columns_from(args: Any) -> tuple[str, ...]:
    """Read which columns the list shows, in their own order: ``cols=name,type`` or ``cols=name&cols=type``.

    Raises:
        UnknownFilter: if there is no such column.
    """
    asked = {key for value in args.getlist("cols") for key in value.split(",") if key}
    if not asked:
        return DEFAULT_COLUMNS
    if not asked <= {*COLUMNS, "tag"}:
        raise UnknownFilter
    return tuple(key for key in COLUMNS if key in asked)


def list_assets(filters: Filters, args: Any, who: SignedIn) -> Page:
    """Return one page of the assets that match, each with the names of what it belongs to."""
    page = paginate(_matching(filters, who), LISTING, args, counted=True)
    page.rows = with_names(page.rows, today=today_of(who), seen=reach_of(who, "assets"))
    return page


def matching_ids(filters: Filters, who: SignedIn, *, limit: int) -> list[int]:
    """Return the ids of the assets that match, the first by tag."""
    statement = _matching(filters, who).order_by(Asset.tag, Asset.id).limit(limit)
    return [row.id for row in db.session.execute(statement)]


def lots(filters: Filters, who: SignedIn, reach: Reach) -> Iterator["list[Row]"]:
    """Return everything that matches within ``reach``, by tag, in lots.

    A cursor of the server hands over a few hundred rows at a time: no statement takes long, and few rows are in memory.
    """
    statement = (
        _matching(filters, who)
        .add_columns(Asset.attributes, Asset.notes, Asset.parent_id)
        .where(_within(reach))
        .order_by(Asset.tag, Asset.id)
    )
    today, seen = today_of(who), reach_of(who, "assets")
    found = db.session.execute(statement.execution_options(yield_per=AT_ONCE))
    for rows in found.partitions():
        yield with_names(rows, today=today, seen=seen)


def types_within(filters: Filters, who: SignedIn, reach: Reach) -> list[int]:
    """Return which types occur among everything that matches within ``reach``."""
    statement = select(Asset.type_id).where(*_conditions(filters, who), _within(reach)).distinct()
    return list(db.session.scalars(statement))


@dataclass(slots=True)
class Row:
    """An asset in the list, with the names of what it belongs to and who has it."""

    asset: Any
    names: Any
    hidden: bool = False  # whether the place that has it is out of the reader's sight

    def __getattr__(self, name: str) -> Any:
        """Read the asset's own values, then the names."""
        # Only what the class itself lacks comes here.
        found = getattr(self.asset, name, self)
        return getattr(self.names, name) if found is self else found

    @property
    def holder(self) -> str | None:
        """Who or what place has it."""
        if self.hidden:
            return str(OUT_OF_SIGHT)
        name: str | None = self.names.holder_user or self.names.holder_location
        return name


def with_names(rows: Sequence[Any], *, today: date, seen: Reach) -> list[Row]:
    """Add the names of client, project, type and holder, with one statement for all rows.

    With a second one, where places have some of them, for whom does not see all places.
    """
    if not rows:
        return []
    found = db.session.execute(NAMES, {"ids": [row.id for row in rows], "today": today})
    names = {row.id: row for row in found}
    hidden = _hidden({one.holder_location_id for one in names.values()} - {None}, seen)
    return [
        Row(row, names[row.id], names[row.id].holder_location_id in hidden)
        for row in rows
        if row.id in names
    ]


def _hidden(places: set[int], seen: Reach) -> set[int]:
    if seen.everywhere or not places:
        return set()
    known = choices.labels("location", places, seen=seen)
    return {place for place in places if str(place) not in known}


def type_of(type_id: int | None) -> AssetType | None:
    """Return the type that the list is filtered by."""
    return db.session.get(AssetType, type_id) if type_id else None


def holder_name(holder: Keyed | None) -> str | None:
    """Return what the filter by a holder shows."""
    if holder is None:
        return None
    kind, number = holder
    model = User if kind == "user" else Location
    name: str | None = db.session.scalar(select(model.name).where(model.id == number))
    return name


def _matching(filters: Filters, who: SignedIn) -> Any:
    return ROWS.where(*_conditions(filters, who))


def _conditions(filters: Filters, who: SignedIn) -> Iterable[Any]:
    gone = Asset.deleted_at
    yield gone.is_not(None) if filters.archived else gone.is_(None)
    if filters.q:
        yield common.matches(filters.q, everything=who.sees_every_client("assets"))
    if filters.type_id:
        yield Asset.type_id == filters.type_id
    if filters.statuses:
        yield Asset.status.in_([Status(one) for one in filters.statuses])
    if filters.place:
        yield _lies_in(*filters.place)
    if filters.warranty:
        yield LISTING.sorts["warranty"] < filters.warranty
    if filters.holder or filters.overdue:
        yield Asset.id.in_(_handed_out(filters, today_of(who)))
    if filters.tickets:
        yield Asset.id.in_(_asked_about(reach_of(who, "tickets")))


def _lies_in(kind: str, number: int) -> Any:
    if kind == "project":
        return Asset.project_id == number
    if kind == "client":
        return Asset.client_id == number
    inside = select(tree.below(number).c.id)
    clients = list(db.session.scalars(select(Client.id).where(Client.location_id.in_(inside))))
    # Looked up first: knowing which clients, the planner knows how many of their assets there are to sort.
    return Asset.client_id == any_(literal(clients, ARRAY(BigInteger)))


def _handed_out(filters: Filters, today: date) -> Any:
    held = select(Custody.asset_id).where(Custody.returned_at.is_(None))
    if filters.overdue:
        held = held.where(Custody.due_on < today)
    if filters.holder:
        kind, number = filters.holder
        column = Custody.holder_user_id if kind == "user" else Custody.holder_location_id
        held = held.where(column == number)
    return held


def _asked_about(reach: Reach) -> Any:
    """Assets that open tickets are about, as far as the person may see those."""
    found = select(_TICKETS.c.asset_id).where(_TICKETS.c.is_open, _TICKETS.c.asset_id.is_not(None))
    if reach.everywhere:
        return found
    located = select(Client.id).where(Client.location_id.in_(reach.location_ids))
    return found.where(
        or_(
            _TICKETS.c.client_id.in_(located) if reach.location_ids else false(),
            _TICKETS.c.client_id.in_(reach.client_ids),
            _TICKETS.c.project_id.in_(reach.project_ids),
        )
    )


def _within(reach: Reach) -> Any:
    """Assets within reach of a permission, which may be less than what is in sight."""
    if reach.everywhere:
        return literal_column("true")
    located = select(Client.id).where(Client.location_id.in_(reach.location_ids))
    return or_(
        Asset.client_id.in_(located) if reach.location_ids else false(),
        Asset.client_id.in_(reach.client_ids),
        Asset.project_id.in_(reach.project_ids),
    )


def _number(text: str | None) -> int | None:
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise UnknownFilter
    return int(text)


def _maybe_keyed(text: str | None, kinds: Sequence[str]) -> Keyed | None:
    return keyed_in(text, kinds) if text else None
