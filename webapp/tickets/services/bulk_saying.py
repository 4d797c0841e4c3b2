"""Saying the same on many tickets, with variables filled in for each."""

from collections.abc import Sequence

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _, listed
from webapp.organisation import tree
from webapp.tickets import filling, mailing, mentioning, telling
from webapp.tickets.bulk_schemas import BulkChange
from webapp.tickets.models import Message, Status, Ticket, Watcher
from webapp.tickets.models.conversation import Via
from webapp.tickets.queries import bulk as queries
from webapp.tickets.queries import canned, mentions, workflow
from webapp.tickets.queries import mailing as contacts
from webapp.tickets.services import sla
from webapp.tickets.services import status as statuses
from webapp.tickets.services.bulk_rules import Task

# Not by the ORM, as with single messages: it is no change of what people edit.
_TOUCH = text(
    "UPDATE tickets SET last_message_at = now(), updated_at = now() WHERE id = ANY (:ids)"
)


def text_of(actor: SignedIn, command: BulkChange) -> BulkChange:
    """Return the change with the text of the canned reply that was chosen, if none was typed.

    Raises:
        DomainError: if there is no such reply for this person, or the text names what nothing stands for.
    """
    if command.body is not None and (unknown := filling.unknown_in(command.body)):
        names = listed(f"{{{{{name}}}}}" for name in unknown)
        raise DomainError(_("There is no variable %(names)s.", names=names), field="body")
    if command.body is not None or command.canned is None:
        return command
    reply = canned.get_usable(actor.id, command.canned)
    if reply is None:
        raise DomainError(_("Choose one of the list."), field="canned")
    return command.model_copy(update={"body": reply.body, "canned": None})


def example_of(actor: SignedIn, ticket_id: int, body: str) -> filling.Filled:
    """Return what a text says on a ticket."""
    return filling.fill(body, canned.values_of([ticket_id], agent=actor.name).get(ticket_id, {}))


def refuse_holes(actor: SignedIn, tasks: Sequence[Task], command: BulkChange) -> None:
    """Leave tickets alone on which a variable of the text stands for nothing."""
    if command.body is None or not filling.unfilled_in(command.body):
        return
    fine = [task for task in tasks if task.why is None and task.says]
    values = canned.values_of([task.ticket.id for task in fine], agent=actor.name)
    for task in fine:
        filled = filling.fill(command.body, values.get(task.ticket.id, {}))
        if filled.missing:
            names = listed(f"{{{{{name}}}}}" for name in filled.missing)
            task.why = _("On this ticket nothing stands for %(names)s.", names=names)


class Saying:
    """One text for many tickets: what its variables stand for is read once, messages are written in lots."""

    def __init__(self, actor: SignedIn, command: BulkChange, ids: Sequence[int]) -> None:
        assert command.body is not None  # noqa: S101 # nosec B101 - for the type checker
        self.actor, self.body, self.is_note = actor, command.body, command.is_note
        self.resolves = command.status in statuses.DONE
        self.opens = command.status is None and not command.is_note
        self.values = canned.values_of(ids, agent=actor.name) if "{{" in command.body else {}
        self.watched = queries.watched_by(actor.id, ids)
        self.mentioned = mentioning.mentioned(command.body)
        self.seeing: dict[tuple[int, int | None], dict[int, str]] = {}
        self.moves = queries.transitions() if self.opens else {}
        self.roles: dict[tuple[int, int | None], frozenset[int]] = {}

    def write(self, tickets: Sequence[Ticket]) -> None:
        """Add a message to each ticket; whoever answers follows it, and contacts get it by mail."""
        messages = [self._message(ticket) for ticket in tickets]
        if not self.is_note:
            emails = contacts.addresses(one.requester_contact_id for one in tickets)
            for ticket, message in zip(tickets, messages, strict=True):
                mailing.address(message, emails.get(ticket.requester_contact_id or 0))
        db.session.add_all(messages)
        db.session.add_all(
            Watcher(client_id=one.client_id, ticket_id=one.id, user_id=self.actor.id)
            for one in tickets
            if one.id not in self.watched
        )
        db.session.flush()
        ids = [one.id for one in tickets]
        db.session.execute(_TOUCH, {"ids": ids})
        for ticket, message in zip(tickets, messages, strict=True):
            self._settle(ticket)
            named = mentioning.mentioned(message.body)
            telling.replied(ticket, message, self.actor, mentioned=named)
        mailing.send(zip(tickets, messages, strict=True), resolved=self.resolves)
        db.session.flush()

    def _message(self, ticket: Ticket) -> Message:
        values = self.values.get(ticket.id, {})
        message = Message(
            client_id=ticket.client_id,
            ticket_id=ticket.id,
            is_note=self.is_note,
            author_id=self.actor.id,
            body=mentioning.named(filling.fill(self.body, values).text, self._names(ticket)),
            via=Via.WEB,
        )
        trail.tell(message, "ticket.noted" if self.is_note else "ticket.replied")
        return message

    def _names(self, ticket: Ticket) -> dict[int, str]:
        """Whom the text mentions and who can see the ticket; what fills its variables mentions nobody."""
        if not self.mentioned:
            return {}
        place = (ticket.client_id, ticket.project_id)
        if place not in self.seeing:
            rows = mentions.who_see(ticket, ids=self.mentioned)
            self.seeing[place] = {row.id: row.name for row in rows}
        return self.seeing[place]

    def _settle(self, ticket: Ticket) -> None:
        """Note the desk's first reply; it opens what was new, where the workflow lets it."""
        if self.is_note or ticket.requester_user_id == self.actor.id:
            return
        sla.responded(ticket)
        if self.opens and ticket.status == Status.NEW and self._may_open(ticket):
            trail.tell(ticket, "ticket.updated")
            statuses.write(ticket, Status.OPEN, "")
            sla.status_changed(ticket)

    def _may_open(self, ticket: Ticket) -> bool:
        needed = self.moves.get((ticket.status, Status.OPEN))
        if not needed:
            return needed is not None
        spot = ticket.client_id, ticket.project_id
        if spot not in self.roles:
            self.roles[spot] = workflow.roles_at(self.actor, tree.place_of(*spot))
        return bool(needed & self.roles[spot])
