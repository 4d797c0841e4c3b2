"""Reads for telling people about tickets: many tickets at once, so that a bulk change costs no more than one."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text

from webapp.core.db import db
from webapp.tickets.models import TeamMember, TeamShift, Ticket, Watcher

# Which of these people may see which of these tickets now: as the policies have it, but for somebody else.
_CAN_SEE = text("""
WITH RECURSIVE asked AS (
  SELECT t.id, t.client_id, t.project_id, a.user_id
    FROM unnest(CAST(:tickets AS bigint[]), CAST(:users AS bigint[])) AS a (ticket_id, user_id)
    JOIN tickets t ON t.id = a.ticket_id JOIN users u ON u.id = a.user_id AND u.is_active
), up AS (
  SELECT c.id AS client_id, c.location_id FROM clients c WHERE c.id IN (SELECT client_id FROM asked)
  UNION SELECT up.client_id, l.parent_id FROM up JOIN locations l ON l.id = up.location_id
   WHERE l.parent_id IS NOT NULL
), held AS (
  SELECT ur.user_id, ur.location_id, ur.client_id, ur.project_id FROM user_roles ur
   WHERE ur.user_id IN (SELECT user_id FROM asked) AND EXISTS (
     SELECT FROM page_roles pr JOIN pages p ON p.id = pr.page_id WHERE pr.role_id = ur.role_id AND p.key = 'tickets')
)
SELECT DISTINCT asked.id, asked.user_id FROM asked JOIN held ON held.user_id = asked.user_id
 WHERE num_nonnulls(held.location_id, held.client_id, held.project_id) = 0
    OR held.client_id = asked.client_id OR held.project_id = asked.project_id
    OR held.location_id IN (SELECT up.location_id FROM up WHERE up.client_id = asked.client_id)
""")


def who_sees(pairs: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """Return those pairs of ticket and person that go together: active, and in sight."""
    wanted = sorted(set(pairs))
    if not wanted:
        return set()
    values = {"tickets": [one for one, _ in wanted], "users": [one for _, one in wanted]}
    return {(row.id, row.user_id) for row in db.session.execute(_CAN_SEE, values)}


def watchers(ticket_ids: Iterable[int]) -> list[Any]:
    """Who follows some tickets: rows (ticket_id, user_id)."""
    ids = list(set(ticket_ids))
    if not ids:
        return []
    found = select(Watcher.ticket_id, Watcher.user_id).where(Watcher.ticket_id.in_(ids))
    return list(db.session.execute(found))


def members(team_ids: Iterable[int]) -> list[Any]:
    """Who is in some teams: rows (team_id, user_id, is_lead)."""
    ids = list(set(team_ids))
    if not ids:
        return []
    found = select(TeamMember.team_id, TeamMember.user_id, TeamMember.is_lead)
    return list(db.session.execute(found.where(TeamMember.team_id.in_(ids))))


def on_duty(team_ids: Iterable[int], at: datetime | None = None) -> list[Any]:
    """Who of some teams is on duty: rows (team_id, user_id)."""
    ids = list(set(team_ids))
    if not ids:
        return []
    now = at or func.now()
    found = select(TeamShift.team_id, TeamShift.user_id).where(
        TeamShift.team_id.in_(ids), TeamShift.starts_at <= now, TeamShift.ends_at > now
    )
    return list(db.session.execute(found))


def in_sight(ids: list[int]) -> set[int]:
    """Return those tickets that whoever asks can see."""
    return set(db.session.scalars(select(Ticket.id).where(Ticket.id.in_(ids))))
