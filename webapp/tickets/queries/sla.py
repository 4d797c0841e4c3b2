"""Service levels as they count now: read once a transaction, however many tickets it changes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import text

from webapp.core.db import db
from webapp.tickets.business_time import Calendar, calendar
from webapp.tickets.models import Kind, Priority

KEPT = "sla_policies"  # in the session's info, which is emptied when the transaction ends
Scope = tuple[int | None, str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """Business minutes until an answer and a solution; None: no such target."""

    response: int | None
    resolution: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """A service level: its targets by priority, and the hours that count."""

    id: int
    name: str
    client_id: int | None
    kind: str | None
    warn_percent: int
    hours: Calendar
    targets: Mapping[str, Target] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Policies:
    """All live policies in sight, and when they were read: the beginning of the transaction."""

    now: datetime
    by_scope: Mapping[Scope, Policy]
    calendars: Mapping[int, Calendar]

    def for_ticket(self, *, client_id: int | None, kind: str, priority: str) -> Policy | None:
        """Return the most particular policy that has a target for the priority.

        The client's for this kind, the client's for all kinds, everybody's for this kind, everybody's for all.
        """
        for policy in self.of_ticket(client_id=client_id, kind=kind):
            if priority in policy.targets:
                return policy
        return None

    def of_ticket(self, *, client_id: int | None, kind: str) -> Iterator[Policy]:
        """Every policy that covers such a ticket, the most particular one first."""
        for scope in ((client_id, kind), (client_id, None), (None, kind), (None, None)):
            if scope in self.by_scope and (client_id is not None or scope[0] is None):
                yield self.by_scope[scope]


_HOURS = """
SELECT h.id, h.timezone,
  (SELECT coalesce(json_agg(json_build_array(s.weekday, s.opens, s.closes)), '[]')
     FROM business_spans s WHERE s.hours_id = h.id) AS spans,
  (SELECT coalesce(json_agg(d.day), '[]') FROM holidays d WHERE d.hours_id = h.id) AS holidays
FROM business_hours h
"""
_LOAD = text(f"""
SELECT now() AS now,
  (SELECT coalesce(json_agg(h), '[]') FROM ({_HOURS}) AS h) AS hours,
  (SELECT coalesce(json_agg(p), '[]') FROM (
    SELECT p.id, p.name, p.client_id, p.kind, p.warn_percent, p.hours_id,
      (SELECT coalesce(json_agg(json_build_array(t.priority, t.response, t.resolution)), '[]')
         FROM sla_targets t WHERE t.policy_id = p.id) AS targets
    FROM sla_policies p WHERE p.deleted_at IS NULL) AS p) AS policies
""")  # noqa: S608 - our own text


def policies() -> Policies:
    """Return the live policies in sight."""
    kept = db.session.info.get(KEPT)
    if not isinstance(kept, Policies):
        kept = db.session.info[KEPT] = _read()
    return kept


def forget() -> None:
    """Have them read anew: after a change of a policy or of business hours in this transaction."""
    db.session.info.pop(KEPT, None)


def _read() -> Policies:
    with (
        db.session.no_autoflush
    ):  # else a ticket that is being changed would be written, and told, twice
        row = db.session.execute(_LOAD).one()
    calendars = {one["id"]: _calendar(one) for one in row.hours}
    return Policies(
        now=row.now,
        by_scope={(one["client_id"], one["kind"]): _policy(one, calendars) for one in row.policies},
        calendars=calendars,
    )


def _calendar(row: Mapping[str, Any]) -> Calendar:
    days: list[list[tuple[int, int]]] = [[] for _ in range(7)]
    for weekday, opens, closes in row["spans"]:
        days[weekday].append((opens, closes))
    return calendar(
        row["timezone"],
        tuple(tuple(sorted(day)) for day in days),
        frozenset(date.fromisoformat(day) for day in row["holidays"]),
    )


def _policy(row: Mapping[str, Any], calendars: Mapping[int, Calendar]) -> Policy:
    return Policy(
        id=row["id"],
        name=row["name"],
        client_id=row["client_id"],
        kind=row["kind"] and Kind(row["kind"]),
        warn_percent=row["warn_percent"],
        hours=calendars[row["hours_id"]],
        targets={
            Priority(priority): Target(response=response, resolution=resolution)
            for priority, response, resolution in row["targets"]
        },
    )
