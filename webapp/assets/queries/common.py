"""Reads that every part of assets needs."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.core.search import prefix_query

FEW = 2000  # rows that are sorted in no time


def sees_every_client(who: Any, page: str = "assets") -> bool:
    """Tell whether a role without scope opens the page: no policy filters then."""
    return any(grant.everywhere and page in grant.pages for grant in who.grants)


def matches(typed: str, *, everything: bool) -> ColumnElement[bool]:
    """Assets whose tag, serial, name, maker, model or attributes have words that begin as typed.

    Functions of the database look into the index, because under a policy full text would scan the table, and without
    one the planner misjudges how rare a word is. What many rows have is found by walking through them in order.
    """
    query = prefix_query(typed)
    if query is None:
        return literal(value=False)
    words = func.to_tsquery("simple", query)
    find = func.steward_match_assets if everything else func.steward_find_assets
    ids = db.session.scalar(select(find(words, FEW + 1)))
    if ids is not None and len(ids) <= FEW:
        return Asset.id == any_(literal(ids, ARRAY(BigInteger)))
    return Asset.search.bool_op("@@")(words)
