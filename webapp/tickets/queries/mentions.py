"""Who can see a ticket, and so be mentioned on it or have it."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import text

from webapp.core.db import db
from webapp.core.search import prefix_query
from webapp.tickets.models import Ticket

MOST = 200

# Some role opens the page everywhere, in the client or the project, or in a location above the client.
_SEE = """
  WITH RECURSIVE up AS (
    SELECT l.id, l.parent_id FROM locations l JOIN clients c ON c.location_id = l.id WHERE c.id = :client
    UNION SELECT l.id, l.parent_id FROM locations l JOIN up ON l.id = up.parent_id
  ), held AS (
    SELECT DISTINCT r.user_id FROM user_roles r
      JOIN page_roles x ON x.role_id = r.role_id JOIN pages p ON p.id = x.page_id AND p.key = 'tickets'
     WHERE num_nonnulls(r.location_id, r.client_id, r.project_id) = 0 OR r.client_id = :client
        OR r.project_id = :project OR r.location_id IN (SELECT id FROM up)
  )
  SELECT u.id, u.name, u.email FROM users u JOIN held ON held.user_id = u.id
   WHERE u.is_active AND (CAST(:ids AS bigint[]) IS NULL OR u.id = ANY (:ids))
     AND (:q = '' OR u.search @@ to_tsquery('simple', :q))
   ORDER BY u.name, u.id LIMIT :limit
"""


def who_see(
    ticket: Ticket, *, q: str = "", ids: Iterable[int] | None = None, limit: int = MOST
) -> Sequence[Any]:
    """Return active people who can see a ticket: rows (id, name, email); ``q`` is the beginning of their names."""
    words = prefix_query(q) if q else ""
    if words is None:
        return []
    values = {
        "client": ticket.client_id,
        "project": ticket.project_id,
        "ids": None if ids is None else list(ids),
        "q": words,
        "limit": limit,
    }
    return db.session.execute(text(_SEE), values).all()
