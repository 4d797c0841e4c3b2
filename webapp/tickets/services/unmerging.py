"""Undoing a merge: everything goes back to where it was, and what came to the target since stays there."""

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.tickets.models import Merge, Message, Status, Ticket, TimeEntry
from webapp.tickets.queries import common
from webapp.tickets.queries import merging as queries
from webapp.tickets.services import base, snapshots, tying
from webapp.tickets.services.merging import PERMISSION, touch

UNDOING = "undoing a merge"  # the reason in the log; ``audit.reasons`` has it translated


def reasons(merge: Merge, source: Ticket, target: Ticket | None) -> list[str]:
    """Return why a merge cannot be undone; nothing if it can."""
    if target is None:
        return [_("The ticket that it was merged into is out of your sight.")]
    found: list[str] = []
    if queries.ended(merge):
        found.append(_("It was merged more than %(days)s days ago.", days=queries.DAYS))
    if source.merged_into_id != target.id or source.status != Status.CLOSED:
        found.append(_("It was opened again or merged elsewhere since."))
    if target.merged_into_id is not None:
        number = f"#{target.number}"
        found.append(
            _("%(number)s was itself merged into another ticket. Undo that first.", number=number)
        )
    elif gone := _gone_on(merge, target):
        numbers = ", ".join(f"#{number}" for number in gone) or "?"
        found.append(
            _("Some of its messages went on to another ticket: %(numbers)s.", numbers=numbers)
        )
    if _hidden_links(merge):
        found.append(_("It has links to tickets out of your sight. Ask somebody who sees them."))
    return found


def _gone_on(merge: Merge, target: Ticket) -> list[int]:
    """Return the numbers of other tickets that messages of the merge went to."""
    ids = [number for number, _origin in merge.moved["messages"]]
    elsewhere = {one.ticket_id for one in queries.rows_by_id(Message, ids)} - {target.id}
    return queries.numbers_of(elsewhere) or [0] * len(elsewhere)


def _hidden_links(merge: Merge) -> bool:
    """Tell whether links were moved that the reader does not see: not all would go back."""
    ids = {number for number, _end in merge.moved["links"]}
    missing = ids - {one.id for one in queries.links_of(merge.source_id, merge.target_id)}
    if not missing:
        return False
    return bool(missing - queries.removed_links(missing, since=merge.merged_at))


def undo(actor: SignedIn | None, source: Ticket) -> Ticket:
    """Take the merge of a ticket back; return what it had been merged into.

    Raises:
        Denied: if the actor may not merge both.
        DomainError: if it cannot be undone any more, with the reasons.
    """
    queries.take_turns(source.client_id)
    merge = queries.merge_of(source.id, lock=True)
    if merge is None:
        raise DomainError(_("This ticket is not merged into another one."))
    rows = queries.lock_tickets([merge.source_id, merge.target_id])
    target = rows.get(merge.target_id)
    if why := reasons(merge, source, target):
        raise DomainError(" ".join(str(one) for one in why))
    assert target is not None  # noqa: S101 # nosec B101 - one of the reasons
    for ticket in (source, target):
        base.require_on(actor, PERMISSION, ticket)
    trail.because(UNDOING)
    with base.saying():
        _give_back(merge, source, target)
        trail.tell(source, "ticket.merge_undone", changes={"from": f"#{target.number}"})
        snapshots.set_back(source, merge.moved["before"], merge.moved["after"])
        db.session.flush()
        merge.undone_at = queries.now()
        touch(target)
    trail.note(
        "ticket.merged_out",
        object_type="ticket",
        object_id=target.id,
        object_label=target.audit_label,
        client_id=target.client_id,
        changes={"to": f"#{source.number}"},
    )
    return target


def _give_back(merge: Merge, source: Ticket, target: Ticket) -> None:
    tying.part(merge)
    for note in queries.rows_by_id(Message, [merge.moved["note"]]):
        if note.ticket_id == target.id:
            db.session.delete(note)
    db.session.flush()
    origins = dict(merge.moved["messages"])
    messages = queries.rows_by_id(Message, origins)
    for message in messages:
        message.origin_id = origins[message.id]
    entries = [
        one
        for one in queries.rows_by_id(TimeEntry, merge.moved["entries"])
        if one.ticket_id == target.id
    ]
    for row in (*messages, *queries.files_of(origins), *entries):
        trail.tell(row, f"{row.audit_type}.moved", changes={"to": f"#{source.number}"})
        row.ticket_id = source.id
    db.session.flush()


def find_merge(source: Ticket) -> tuple[Merge, Ticket | None] | None:
    """Return the merge of a ticket with what it was merged into (None: out of sight), if there is one."""
    merge = queries.merge_of(source.id)
    if merge is None:
        return None
    return merge, common.get_by_id(merge.target_id)
