"""Reads that every part of assets needs."""

from sqlalchemy import ColumnElement, func

from webapp.assets.models import Asset
from webapp.core.search import found_by


def matches(typed: str, *, everything: bool) -> ColumnElement[bool]:
    """Assets whose tag, serial, name, maker, model or attributes have words that begin as typed."""
    find = func.steward_match_assets if everything else func.steward_find_assets
    return found_by(typed, find, key=Asset.id, vector=Asset.search)
