"""Reads for labels."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select

from webapp.assets.models import Asset
from webapp.core.db import db
from webapp.organisation.models import Client


def for_labels(ids: Sequence[int]) -> Sequence[Any]:
    """Return what labels say about those of the assets that are in sight, by tag."""
    return db.session.execute(
        select(
            Asset.id, Asset.tag, Asset.tag_key, Asset.name, Client.name.label("client"), Client.code
        )
        .outerjoin(Client, Client.id == Asset.client_id)
        .where(Asset.id.in_(ids))
        .order_by(Asset.tag, Asset.id)
    ).all()


def shared_tags(keys: Sequence[str]) -> set[str]:
    """Return those of the tags, in lower case, that several clients' assets in sight carry."""
    return set(
        db.session.scalars(
            select(Asset.tag_key)
            .where(Asset.tag_key.in_(keys))
            .group_by(Asset.tag_key)
            .having(func.count() > 1)
        )
    )
