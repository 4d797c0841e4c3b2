"""Reads that every part of assets needs."""

from typing import Any

from sqlalchemy import ColumnElement, func, literal, select

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.organisation.models import Client


def sees_every_client(who: Any, page: str = "assets") -> bool:
    """Tell whether a role without scope opens the page: no policy filters then."""
    return any(grant.everywhere and page in grant.pages for grant in who.grants)


def matches(typed: str, *, everything: bool) -> ColumnElement[bool]:
    """Assets whose tag, serial, name, maker, model or attributes have words that begin as typed.

    Under a policy full text would scan the table, because ``@@`` is not leakproof: then a function of the database
    looks into the index, and filters by scope itself.
    """
    query = prefix_query(typed)
    if query is None:
        return literal(value=False)
    if everything:
        return Asset.search.bool_op("@@")(func.to_tsquery("simple", query))
    found = select(func.steward_find_assets(func.to_tsquery("simple", query)).column_valued())
    return Asset.id.in_(found)


def get_asset(tag: str, *, client: str | None = None, lock: bool = False) -> Asset | None:
    """Find an asset by its tag, in any case; ``client`` is the code of the client whose it is."""
    statement = select(Asset).where(Asset.tag_key == tag.lower()).order_by(Asset.id).limit(1)
    if client:
        statement = statement.join(Client, Client.id == Asset.client_id).where(
            Client.code == client
        )
    return db.session.scalar(statement.with_for_update(of=Asset) if lock else statement)
