"""Tickets: what they say, who has them, their status, merges, links and watchers."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, tuple_

from webapp.audit.many import undoing
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.oversight.undoing.kinds.base import (
    GONE,
    OUT_OF_REACH,
    THERE,
    Context,
    Kind,
    command_of,
)
from webapp.oversight.undoing.steps import Step
from webapp.tickets import telling
from webapp.tickets.life_schemas import TicketEdit
from webapp.tickets.models import Link, LinkKind, Status, Ticket, Watcher
from webapp.tickets.queries import bulk, common, workflow
from webapp.tickets.services import (
    base,
    bulk_undoing,
    linking,
    merging,
    people,
    records,
    sla,
    unmerging,
)
from webapp.tickets.services import status as statuses
from webapp.tickets.services.bulk_rules import Task

GIVEN = frozenset({"assignee_id", "team_id"})
# Set back with the status, never alone.
WITH_STATUS = frozenset({"status", *bulk_undoing.WITH_STATUS})
MERGED = _("This ticket was merged into another one, so it stays as it is.")
CLOSED = _("This ticket is closed. Open it again to change it.")


class Tickets(Kind):
    """Tickets; status, people and the rest go their own ways."""

    name, model, edit = "ticket", Ticket, "tickets.edit"
    removable = False

    def needed(self, step: Step) -> set[str]:
        given = {"tickets.assign"} if GIVEN & step.fields.keys() else set()
        return given | ({self.edit} if step.fields.keys() - GIVEN else set())

    def may(self, ctx: Context, step: Step) -> bool:
        """What goes to another client needs the permission there, too."""
        there = step.fields.get("client_id", (None, None))[0]
        if there is not None and not ctx.can(self.edit, ctx.place(there)):
            return False
        return super().may(ctx, step)

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        super().load(steps, lock=lock)
        states = [step for step in steps if step.verb == "change" and "status" in step.fields]
        ways = bulk.transitions() if states else {}
        for step in states:
            step.context["ways"] = ways

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if why := super().why_not(ctx, step):
            return why
        if step.verb != "change" or "status" not in step.fields or ctx.is_own(step.row):
            return None
        old, new = step.fields["status"]
        needed = step.context["ways"].get((new, old))
        if needed is None:
            return base.REFUSALS["ticket_transition"][0]
        held = workflow.roles_at(
            ctx.actor, ctx.place(step.record.client_id, step.record.project_id)
        )
        return base.REFUSALS["ticket_transition_role"][0] if needed and not needed & held else None

    def why_not_changed(self, step: Step) -> str | None:
        if why := super().why_not_changed(step):
            return why
        ticket, names = step.record, step.fields.keys()
        if ticket.merged_into_id is not None:
            return MERGED
        opens = "status" in names and step.fields["status"][0] not in ("resolved", "closed")
        if names - WITH_STATUS and ticket.status == Status.CLOSED and not opens:
            return CLOSED
        return None

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        opens = wanted.get("status") is not None and step.record.status in statuses.DONE
        if opens:
            self._status(ctx, step, wanted)
        self._fields(ctx, step, wanted)
        if GIVEN & wanted.keys():
            now = {name: getattr(step.record, name) for name in GIVEN}
            people.assign(
                ctx.actor, step.record, **now | {k: wanted[k] for k in GIVEN & wanted.keys()}
            )
        if "status" in wanted and not opens:
            self._status(ctx, step, wanted)

    @staticmethod
    def _fields(ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        rest = {k: v for k, v in wanted.items() if k in TicketEdit.model_fields}
        if not rest:
            return
        ticket = step.record
        if "priority" in rest and "priority_reason" not in rest:
            rest["priority_reason"] = ticket.priority_reason
        reason = rest.get("priority_reason", ticket.priority_reason) or None
        command = command_of(TicketEdit, ticket, rest, priority_reason=reason)
        records.save(ctx.actor, ticket, command, version=None)

    @staticmethod
    def _status(ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        """As undoing a change of many does: with its resolution and its times. The database asks for the way back."""
        ticket = step.record
        was_done = ticket.status in statuses.DONE
        task = Task(ticket=ticket, wanted={"status": wanted["status"]}, back=True)
        task.more = {k: v for k, v in wanted.items() if k in bulk_undoing.WITH_STATUS}
        task.changes = {"status": (ticket.status, wanted["status"])}
        if ctx.request_id:
            undoing(ctx.request_id)
        with base.saying():
            bulk_undoing.set_status_back(ticket, task)
            db.session.flush()
            sla.status_changed(ticket)
        if was_done != (ticket.status in statuses.DONE):
            telling.status_changed(ticket, ctx.actor)


class Merges(Kind):
    """A merge is taken back as its own page does it; what was taken back is merged again."""

    name, model, edit = "merge", Ticket, merging.PERMISSION

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        super().load(steps, lock=False)  # merges of a client take turns before they lock anything

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if step.record is None:
            return GONE
        if not ctx.can(self.edit, self.place(ctx, step)):
            return OUT_OF_REACH
        if step.row.action == "ticket.merged":
            found = unmerging.find_merge(step.record)
            if found is None:
                return _("This ticket is not merged into another one.")
            reasons = unmerging.reasons(found[0], step.record, found[1])
            return " ".join(str(one) for one in reasons) or None
        target = self._target(step)
        return GONE if target is None else merging.why_not(step.record, target)

    def apply(self, ctx: Context, step: Step) -> None:
        if step.row.action == "ticket.merged":
            unmerging.undo(ctx.actor, step.record)
            return
        target = self._target(step)
        if target is None:
            raise DomainError(str(GONE))
        merging.merge(ctx.actor, step.record, target, reason=ctx.reason)

    @staticmethod
    def _target(step: Step) -> Ticket | None:
        number = str(step.fields.get("from", ("", ""))[1] or "").removeprefix("#")
        return common.get_by_number(int(number)) if number.isdigit() else None


class Links(Kind):
    """Links between tickets."""

    name, model, edit = "ticket_link", Link, linking.PERMISSION

    def why_not_back(self, ctx: Context, step: Step) -> str | None:
        ends = self._ends(step)
        if len(ends) < 2:  # noqa: PLR2004 - both
            return GONE
        place = ctx.place(ends[0].client_id, ends[0].project_id)
        return None if ctx.can(self.edit, place) else OUT_OF_REACH

    def remove(self, ctx: Context, step: Step) -> None:
        ticket = common.get_by_id(step.record.ticket_id)
        if ticket is None:
            raise DomainError(str(GONE))
        linking.remove(ctx.actor, ticket, step.key)

    def bring_back(self, ctx: Context, step: Step) -> None:
        one, two = self._ends(step)
        kind = LinkKind(step.fields["kind"][0])
        linking.add(ctx.actor, one, kind=kind, other=two.number)

    @staticmethod
    def _ends(step: Step) -> list[Ticket]:
        ids = [step.fields.get(name, (0, None))[0] for name in ("ticket_id", "other_id")]
        found = {one.id: one for one in common.get_many(ids)}
        return [found[key] for key in ids if key in found]


class Watchers(Kind):
    """Who follows a ticket."""

    name, model, edit = "ticket_watcher", Watcher, "tickets.edit"

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        keys = [step.key for step in steps]
        both = tuple_(Watcher.ticket_id, Watcher.user_id)
        rows = db.session.scalars(select(Watcher).where(both.in_(keys)))
        found = {(row.ticket_id, row.user_id): row for row in rows}
        tickets = {one.id: one for one in common.get_many(key[0] for key in keys)}
        for step in steps:
            step.record = found.get(step.key)
            step.context["ticket"] = tickets.get(step.key[0])

    def why_not(self, ctx: Context, step: Step) -> str | None:
        ticket = step.context["ticket"]
        if ticket is None:
            return GONE
        mine = step.key[1] == ctx.actor.id
        if not mine and not ctx.can(self.edit, ctx.place(ticket.client_id, ticket.project_id)):
            return OUT_OF_REACH
        if (step.record is None) != (step.verb == "bring_back"):
            return THERE if step.record is not None else GONE
        return None

    def place(self, ctx: Context, step: Step) -> Any:
        ticket = step.context["ticket"]
        return ctx.place(ticket.client_id, ticket.project_id) if ticket else None

    def apply(self, ctx: Context, step: Step) -> None:
        on = step.verb == "bring_back"
        people.watch(ctx.actor, step.context["ticket"], user_id=step.key[1], on=on)
