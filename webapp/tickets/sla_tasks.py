"""What is done about service levels while nobody looks: warnings, missed targets, closing, times set anew."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.errors import DomainError
from webapp.core.language import N_, gettext
from webapp.jobs import queue
from webapp.tickets import telling
from webapp.tickets.clocks import STANDING
from webapp.tickets.models import Status, Ticket
from webapp.tickets.queries import watching
from webapp.tickets.queries.sla import policies
from webapp.tickets.services import sla, status

log = structlog.get_logger(__name__)
LOT = 500  # tickets that one transaction takes
CLOSE_AFTER_DAYS = 7
LOCK = "tickets.recalculate"
TITLE = N_("Service levels: set due times anew")
TELL = {"warned": telling.sla_warned, "breached": telling.sla_breached}
Changes = dict[str, datetime | None]


# --- each minute ------------------------------------------------------------------------


@queue.periodic("tickets.watch_service_levels", cron="* * * * *")
def watch_service_levels() -> None:
    """Warn of targets that are near, and tell of those that were missed."""
    while True:
        with queue.part():
            looked = watch(LOT)
        if looked < LOT:
            return


def watch(limit: int) -> int:
    """Look at tickets of which something is to be told by now; return at how many.

    Their rows are held, and what was told is written with them: nobody is told twice, and what is undone was told
    to nobody.
    """
    now = policies().now
    tickets = watching.to_watch(limit)
    found = [(ticket, _news(ticket, now)) for ticket in tickets]
    watching.write([(ticket, _told(news) | _next_look(ticket, news)) for ticket, news in found])
    for ticket, news in found:
        for (what, event), at in news.items():
            _note(ticket, what, event, at)
            TELL[event](ticket, what)
    return len(tickets)


def _news(ticket: Ticket, now: datetime) -> dict[tuple[str, str], datetime]:
    """What is to be told of a ticket: of a target that was missed, not that it was near."""
    if ticket.status in STANDING:
        return {}
    news = {}
    for what in sla.WHATS:
        if sla.settled(ticket, what):
            continue
        due, warn = getattr(ticket, f"{what}_due_at"), getattr(ticket, f"{what}_warn_at")
        if due is not None and due <= now:
            news[what, "breached"] = due
        elif getattr(ticket, f"{what}_warned_at") is None and warn is not None and warn <= now:
            news[what, "warned"] = now
    return news


def _told(news: Mapping[tuple[str, str], datetime]) -> Changes:
    return {f"{what}_{event}_at": at for (what, event), at in news.items()}


def _next_look(ticket: Ticket, news: Mapping[tuple[str, str], datetime]) -> Changes:
    if ticket.status in STANDING:
        return {"sla_check_at": None}
    looks = []
    for what in sla.WHATS:
        if sla.settled(ticket, what) or (what, "breached") in news:
            continue
        warned = (what, "warned") in news or getattr(ticket, f"{what}_warned_at") is not None
        due, warn = getattr(ticket, f"{what}_due_at"), getattr(ticket, f"{what}_warn_at")
        looks.append(due if warned else warn or due)
    return {"sla_check_at": min((one for one in looks if one is not None), default=None)}


def _note(ticket: Ticket, what: str, event: str, at: datetime) -> None:
    trail.note(
        f"ticket.sla_{event}",
        object_type="ticket",
        object_id=ticket.id,
        object_label=ticket.audit_label,
        client_id=ticket.client_id,
        changes={f"{what}_{event}_at": [None, at.isoformat()]},
    )


# --- each hour --------------------------------------------------------------------------


@queue.periodic("tickets.close_resolved", cron="23 * * * *")
def close_resolved() -> None:
    """Close what was resolved a week ago and not opened again."""
    while True:
        with queue.part(reason=f"Resolved {CLOSE_AFTER_DAYS} days ago"):
            if not watching.may_close():
                return
            closed, looked = close_old(LOT)
        if looked < LOT or not closed:
            return


def close_old(limit: int) -> tuple[int, int]:
    """Close tickets that were resolved a week ago; return how many of how many."""
    before = policies().now - timedelta(days=CLOSE_AFTER_DAYS)
    tickets = watching.resolved_before(before, limit)
    closed = 0
    for ticket in tickets:
        try:
            status.change(None, ticket, Status.CLOSED)
            closed += 1
        except DomainError as error:
            log.warning("ticket_not_closed", ticket_id=ticket.id, error=str(error))
    return closed, len(tickets)


# --- after a change of policies or hours -----------------------------------------------------


def defer_recalculation(
    actor: SignedIn | None,
    *,
    scopes: Iterable[tuple[int | None, str | None]],
    policy_ids: Iterable[int],
    url: str = "",
    reason: str,
) -> int:
    """Have the times of open tickets set anew when this transaction commits; return the job.

    The system does it, so that it is done whatever becomes of the person; ``url`` is where the change was made.
    """
    return queue.defer(
        recalculate,
        title=gettext(TITLE),
        asked_by=actor.id if actor else None,
        url=url,
        lock=LOCK,
        scopes=[list(scope) for scope in scopes],
        policy_ids=list(policy_ids),
        reason=reason,
    )


@queue.task("tickets.recalculate", minutes=2)
def recalculate(
    progress: queue.Progress, *, scopes: list[list[Any]], policy_ids: list[int], reason: str
) -> None:
    """Set the times of open tickets anew, in parts, so that nobody waits for the whole."""
    rule = watching.covered([(client_id, kind) for client_id, kind in scopes], policy_ids)
    total, done, last = watching.count_covered(rule), 0, 0
    while True:
        progress.tell(done, max(total, done))
        with queue.part(reason=reason):
            rows = watching.next_covered(rule, after=last, limit=LOT)
            set_anew(rows)
        if not rows:
            return
        done, last = done + len(rows), rows[-1].id


def set_anew(rows: Iterable[Any]) -> int:
    """Write the times of tickets as they have to be now; return how many had others."""
    levels = policies()
    changed = []
    for row in rows:
        values = sla.planned(row, levels)
        values = {name: value for name, value in values.items() if getattr(row, name) != value}
        if values:
            changed.append((row, values))
    watching.write(changed)
    for row, values in changed:
        if told := {
            name: [_plain(getattr(row, name)), _plain(value)]
            for name, value in values.items()
            if name not in Ticket.audit_ignored
        }:
            trail.note(
                "ticket.updated",
                object_type="ticket",
                object_id=row.id,
                object_label=f"#{row.number} {row.subject}"[:300],
                client_id=row.client_id,
                changes=told,
            )
    return len(changed)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
