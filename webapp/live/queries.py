"""What a reader of a stream may know."""

from typing import Any

from sqlalchemy import text

from webapp.core.db import db
from webapp.live.hub import Reader

PAGE = "tickets"
_SCOPE = text("SELECT steward_scope('client') AS clients, steward_scope('project') AS projects")


def reader(who: Any) -> Reader:
    """Return what a person may know: tickets where their roles open them, and what is said to themselves."""
    if not who.opens(PAGE):
        return Reader(user_id=who.id)
    if any(grant.everywhere and PAGE in grant.pages for grant in who.grants):
        return Reader(user_id=who.id, opens_tickets=True, everywhere=True)
    db.session.execute(text("SELECT set_config('app.page', :page, true)"), {"page": PAGE})
    row = db.session.execute(_SCOPE).one()
    return Reader(
        user_id=who.id,
        opens_tickets=True,
        clients=frozenset(row.clients),
        projects=frozenset(row.projects),
    )
