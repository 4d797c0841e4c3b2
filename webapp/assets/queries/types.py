"""Reads about types: the list, and which assets a change of a type would break or hide values of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, tuple_
from sqlalchemy.orm import aliased

from webapp.assets.models import Asset, AssetType
from webapp.core.db import db
from webapp.core.paging import COUNT_LIMIT, Listing, Page, paginate
from webapp.organisation.models import Client

LISTING = Listing(id=AssetType.id, sorts={"name": AssetType.name}, default="name")
NAMED = 10
MAX_WORDS = 8
Rule = Mapping[str, Any]
_DAY = r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$"
_LINK = "^https?://[^\\s<>\"']{3}"  # PostgreSQL repeats at most 255 times


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """What would be wrong with an attribute of an asset: missing, kind, choice or twice."""

    why: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Broken:
    """An asset that would not fit its type any more."""

    tag: str
    name: str
    code: str
    client: str
    problems: Sequence[Problem]


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakage:
    """The first of those assets, and how many there are (capped)."""

    rows: Sequence[Broken]
    count: int


def list_types(args: Any, *, q: str, deleted: bool) -> Page:
    """Return one page of types, each with how many assets it has (capped)."""
    few = (
        select(literal(1).label("one"))
        .where(Asset.type_id == AssetType.id, Asset.deleted_at.is_(None))
        .limit(COUNT_LIMIT + 1)
        .correlate(AssetType)
        .lateral("few")
    )
    count = select(func.count()).select_from(few).correlate(AssetType).scalar_subquery()
    statement = select(
        AssetType.id,
        AssetType.name,
        AssetType.description,
        func.jsonb_array_length(AssetType.attributes).label("attributes"),
        count.label("assets"),
    ).where(AssetType.deleted_at.is_not(None) if deleted else AssetType.deleted_at.is_(None))
    for word in q.split()[:MAX_WORDS]:
        statement = statement.where(AssetType.name.icontains(word, autoescape=True))
    return paginate(statement, LISTING, args, counted=True)


def get_type(type_id: int, *, lock: bool = False) -> AssetType | None:
    """Find a type; with ``lock`` no asset gets or changes attributes of it until the transaction ends."""
    statement = select(AssetType).where(AssetType.id == type_id)
    fresh = statement.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(fresh if lock else statement)


def asset_count(type_id: int) -> int:
    """Count the live assets of a type (capped)."""
    few = (
        select(literal(1).label("one"))
        .where(Asset.type_id == type_id, Asset.deleted_at.is_(None))
        .limit(COUNT_LIMIT + 1)
        .subquery()
    )
    return db.session.scalar(select(func.count()).select_from(few)) or 0


def breakage(type_id: int, before: Sequence[Rule], after: Sequence[Rule]) -> Breakage:
    """Find the live assets that the new attributes do not fit; nothing but changed attributes is looked at."""
    old = {rule["key"]: rule for rule in before}
    checks = [
        (Problem(why=why, label=rule["label"]), wrong)
        for rule in after
        for why, wrong in _checks(type_id, rule, old.get(rule["key"]))
    ]
    if not checks:
        return Breakage(rows=(), count=0)
    mine = (
        Asset.type_id == type_id,
        Asset.deleted_at.is_(None),
        or_(*(wrong for _problem, wrong in checks)),
    )
    flags = [wrong.label(f"wrong_{number}") for number, (_problem, wrong) in enumerate(checks)]
    found = db.session.execute(
        select(Asset.tag, Asset.name, Client.code, Client.name.label("client"), *flags)
        .join(Client, Client.id == Asset.client_id)
        .where(*mine)
        .order_by(Asset.tag, Asset.id)
        .limit(NAMED)
    ).all()
    few = select(literal(1).label("one")).where(*mine).limit(COUNT_LIMIT + 1).subquery()
    count = db.session.scalar(select(func.count()).select_from(few)) if found else 0
    rows = [
        Broken(
            tag=row.tag,
            name=row.name,
            code=row.code,
            client=row.client,
            problems=[checks[n][0] for n, flag in enumerate(row[4:]) if flag],
        )
        for row in found
    ]
    return Breakage(rows=rows, count=count or 0)


def hidden_values(type_id: int, keys: Sequence[str]) -> dict[str, int]:
    """Count, for each attribute that goes, the assets that have a value in it."""
    if not keys:
        return {}
    counts = [
        func.count().filter(Asset.attributes[key].astext.is_not(None)).label(f"count_{number}")
        for number, key in enumerate(keys)
    ]
    row = db.session.execute(
        select(*counts).where(Asset.type_id == type_id, Asset.deleted_at.is_(None))
    ).one()
    return {key: count for key, count in zip(keys, row, strict=True) if count}


def _checks(type_id: int, rule: Rule, old: Rule | None) -> list[tuple[str, ColumnElement[bool]]]:
    """What can be wrong with values by a rule that is new or stricter: (why, condition)."""
    text = Asset.attributes[rule["key"]].astext
    found: list[tuple[str, ColumnElement[bool]]] = []
    if rule["required"] and not (old and old["required"]):
        found.append(("missing", text.is_(None)))
    if old is None or old["kind"] != rule["kind"]:
        found.append(("kind", and_(text.is_not(None), _unfit(rule))))
    elif rule["kind"] == "choice" and set(old["choices"]) - set(rule["choices"]):
        found.append(("choice", and_(text.is_not(None), text.not_in(rule["choices"]))))
    if rule["unique"] and not (old and old["unique"]):
        found.append(("twice", _twice(type_id, rule["key"])))
    return found


def _unfit(rule: Rule) -> ColumnElement[bool]:
    value, text = Asset.attributes[rule["key"]], Asset.attributes[rule["key"]].astext
    stored = func.jsonb_typeof(value)
    kind = rule["kind"]
    if kind in ("number", "yesno"):
        return stored != ("number" if kind == "number" else "boolean")
    if kind == "choice":
        return or_(stored != "string", text.not_in(rule["choices"]))
    if kind in ("date", "link"):
        return or_(stored != "string", ~text.regexp_match(_DAY if kind == "date" else _LINK))
    return stored != "string"


def _twice(type_id: int, key: str) -> ColumnElement[bool]:
    """Another asset of the client has the same value, compared as ``asset_unique_values`` does."""
    other = aliased(Asset)
    theirs = func.lower(func.left(other.attributes[key].astext, 500))
    repeated = (
        select(other.client_id, theirs)
        .where(
            other.type_id == type_id,
            other.deleted_at.is_(None),
            other.attributes[key].astext.is_not(None),
        )
        .group_by(other.client_id, theirs)
        .having(func.count() > 1)
    )
    mine = func.lower(func.left(Asset.attributes[key].astext, 500))
    return func.coalesce(tuple_(Asset.client_id, mine).in_(repeated), False)
