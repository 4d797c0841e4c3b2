"""What the search boxes of assets offer: types, holders, other assets."""

from typing import Any

from sqlalchemy import and_, case, exists, or_, select, true, union_all
from sqlalchemy.sql.expression import literal

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset, AssetType, Custody
from webapp.assets.queries import common
from webapp.core.db import db
from webapp.core.pickers import LIMIT, Option
from webapp.core.search import cleaned
from webapp.organisation import tree
from webapp.organisation.models import Client, Location
from webapp.users.models import User

MAX_WORDS = 8


def find_types(typed: str) -> list[Option]:
    """Return types whose name holds what was typed; one more than fits tells that there are others."""
    statement = (
        select(AssetType.id, AssetType.name)
        .where(AssetType.deleted_at.is_(None), _holds(typed, AssetType.name))
        .order_by(AssetType.name, AssetType.id)
        .limit(LIMIT + 1)
    )
    return [Option(value=str(row.id), label=row.name) for row in db.session.execute(statement)]


def find_holders(
    typed: str, *, seen: tree.Reach, titles: dict[str, str], gone: bool = False
) -> list[Option]:
    """Return people and places that can have an asset; with ``gone``, people who left and still have one, too.

    ``titles`` has the headings of both kinds.
    """
    has = exists().where(Custody.holder_user_id == User.id, Custody.returned_at.is_(None))
    here = or_(User.is_active, has) if gone else User.is_active
    begins = case((User.name.istartswith(typed, autoescape=True), 0), else_=1)
    people = (
        select(literal("user").label("kind"), User.id, User.name, User.email.label("hint"))
        .where(here, _holds(typed, User.name, User.email))
        .order_by(begins, User.name, User.id)
        .limit(LIMIT // 2 + 1)
        .subquery()
    )
    places = (
        select(
            literal("location").label("kind"), Location.id, Location.name, literal("").label("hint")
        )
        .where(Location.deleted_at.is_(None), tree.visible(seen), _holds(typed, Location.name))
        .order_by(Location.name, Location.id)
        .limit(LIMIT // 2 + 1)
        .subquery()
    )
    both = union_all(select(people), select(places)).subquery()
    return [
        Option(value=f"{row.kind}:{row.id}", label=row.name, hint=row.hint, group=titles[row.kind])
        for row in db.session.execute(select(both).order_by(both.c.kind.desc()))
    ]


def find_assets(typed: str, who: SignedIn, *, client_id: int | None = None) -> list[Option]:
    """Return assets in sight, perhaps of one client, that match what was typed."""
    statement = (
        select(Asset.id, Asset.tag, Asset.name, Client.name.label("client"))
        .join(Client, Client.id == Asset.client_id)
        .where(Asset.deleted_at.is_(None))
        .order_by(Asset.tag, Asset.id)
        .limit(LIMIT + 1)
    )
    if typed:
        statement = statement.where(
            common.matches(typed, everything=who.sees_every_client("assets"))
        )
    if client_id is not None:
        statement = statement.where(Asset.client_id == client_id)
    return [
        Option(value=str(row.id), label=f"{row.tag} {row.name}", hint=row.client)
        for row in db.session.execute(statement)
    ]


def _holds(typed: str, *columns: Any) -> Any:
    """Every word occurs in one of the columns."""
    words = cleaned(typed).split()[:MAX_WORDS]
    return and_(
        true(),
        *(or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in words),
    )
