"""How the desk works: teams and who is in them, canned replies, contacts, service levels, the workflow; and files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_

from webapp.assets.models import Asset
from webapp.attachments import services as files
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.oversight.undoing.kinds.base import (
    GONE,
    NOT_AS_LEFT,
    OUT_OF_REACH,
    THERE,
    Context,
    Kind,
    command_of,
)
from webapp.oversight.undoing.steps import Step
from webapp.tickets.desk_schemas import MemberAdd, ReplyEdit, TeamEdit
from webapp.tickets.life_schemas import ContactEdit, Workflow
from webapp.tickets.models import (
    CannedReply,
    Contact,
    SlaPolicy,
    Team,
    TeamMember,
    TeamShift,
    Ticket,
    Transition,
    TransitionRole,
)
from webapp.tickets.queries import workflow as workflow_queries
from webapp.tickets.services import canned, contacts, policies, teams, workflow
from webapp.users.models import User

CONFIGURE = teams.PERMISSION


class Teams(Kind):
    """Teams."""

    name, model, edit = "team", Team, CONFIGURE

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        command = command_of(TeamEdit, step.record, wanted)
        teams.save(ctx.actor, step.record, command, version=None)

    def remove(self, ctx: Context, step: Step) -> None:
        teams.delete(ctx.actor, step.record, version=None)

    def restore(self, ctx: Context, step: Step) -> None:
        teams.restore(ctx.actor, step.record)


class Members(Kind):
    """Who joined leaves, who left joins again."""

    name, edit = "team_member", CONFIGURE

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        keys = [step.key for step in steps]
        both = tuple_(TeamMember.team_id, TeamMember.user_id)
        rows = db.session.scalars(select(TeamMember).where(both.in_(keys)))
        _find(steps, {(row.team_id, row.user_id): row for row in rows})

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if step.context["team"] is None:
            return GONE
        if not ctx.can(self.edit):
            return OUT_OF_REACH
        if step.verb == "bring_back":
            return THERE if step.record is not None else None
        return NOT_AS_LEFT if step.record is None else None

    def place(self, ctx: Context, step: Step) -> None:
        return None

    def remove(self, ctx: Context, step: Step) -> None:
        teams.remove_member(ctx.actor, step.context["team"], step.record)

    def bring_back(self, ctx: Context, step: Step) -> None:
        lead = bool(step.fields["is_lead"][0])
        command = MemberAdd(user_id=step.key[1], is_lead=lead)
        teams.add_member(ctx.actor, step.context["team"], command)


class Leads(Members):
    """Who leads a team."""

    name = "team_lead"

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        """By name, which is what the log has; of two of a name nobody knows which."""
        teams_of = {step.key[0] for step in steps}
        rows = db.session.execute(
            select(TeamMember, User.name)
            .join(User, User.id == TeamMember.user_id)
            .where(TeamMember.team_id.in_(teams_of))
        ).all()
        found: dict[Any, Any] = {}
        for row in rows:
            key = (row.TeamMember.team_id, row.name)
            found[key] = None if key in found else row.TeamMember
        _find(steps, found)

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if why := super().why_not(ctx, step):
            return why
        return None if step.record.is_lead == step.fields["is_lead"][1] else NOT_AS_LEFT

    def apply(self, ctx: Context, step: Step) -> None:
        lead = bool(step.fields["is_lead"][0])
        teams.set_lead(ctx.actor, step.context["team"], step.record, lead=lead)


class Shifts(Members):
    """Who was put on duty is taken off the rota."""

    name = "team_shift"

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        keys = {(k[0], k[1], datetime.fromisoformat(k[2])): k for k in (s.key for s in steps)}
        three = tuple_(TeamShift.team_id, TeamShift.user_id, TeamShift.starts_at)
        rows = db.session.scalars(select(TeamShift).where(three.in_(keys)))
        _find(steps, {keys[row.team_id, row.user_id, row.starts_at]: row for row in rows})

    def remove(self, ctx: Context, step: Step) -> None:
        teams.remove_shift(ctx.actor, step.context["team"], step.record)


def _find(steps: Sequence[Step], found: Mapping[Any, Any]) -> None:
    ids = {step.key[0] for step in steps}
    live = {row.id: row for row in db.session.scalars(select(Team).where(Team.id.in_(ids)))}
    for step in steps:
        step.record, step.context["team"] = found.get(step.key), live.get(step.key[0])


class Replies(Kind):
    """Canned replies."""

    name, model = "canned_reply", CannedReply

    def may(self, ctx: Context, step: Step) -> bool:
        return canned.may_change(ctx.actor, step.record)

    def place(self, ctx: Context, step: Step) -> None:
        return None

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        reply = step.record
        owner = wanted.get("owner_id", reply.owner_id)
        team = wanted.get("team_id", reply.team_id)
        if owner is not None and owner != ctx.actor.id:
            raise DomainError(_("It was somebody else's own, and only they can have it so again."))
        whose = "mine" if owner else (f"team:{team}" if team else "all")
        command = command_of(ReplyEdit, reply, wanted, whose=whose)
        canned.save(ctx.actor, reply, command, version=None)

    def remove(self, ctx: Context, step: Step) -> None:
        canned.delete(ctx.actor, step.record, version=None)

    def restore(self, ctx: Context, step: Step) -> None:
        canned.restore(ctx.actor, step.record)


class Contacts(Kind):
    """People of a client who have no account."""

    name, model, edit = "contact", Contact, "tickets.edit"
    removable = False

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        command = command_of(ContactEdit, step.record, wanted)
        contacts.save(ctx.actor, step.record, command, version=None)


class Levels(Kind):
    """Service levels: made, deleted and restored; their targets are told in words only."""

    name, model, edit = "sla_policy", SlaPolicy, CONFIGURE

    def place(self, ctx: Context, step: Step) -> None:
        return None

    def why_not_changed(self, step: Step) -> str | None:
        if step.fields.keys() != {"deleted_at"}:
            return _("The log tells this in words only. Change it on its own page.")
        return super().why_not_changed(step)

    def remove(self, ctx: Context, step: Step) -> None:
        policies.delete(ctx.actor, step.record, version=None)

    def restore(self, ctx: Context, step: Step) -> None:
        policies.restore(ctx.actor, step.record)


class Ways(Kind):
    """Which status may follow which."""

    name, model, edit = "ticket_transition", Transition, CONFIGURE

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        allowed = {row.id for row in workflow_queries.transitions() if row.is_allowed}
        (allowed.add if wanted["is_allowed"] else allowed.discard)(step.key)
        _save_workflow(ctx, allowed, _named())


class WaysOfRoles(Kind):
    """Whom a change of status is kept for."""

    name, model, edit = "ticket_transition_role", TransitionRole, CONFIGURE

    def why_not_back(self, ctx: Context, step: Step) -> str | None:
        if not self.may(ctx, step):
            return OUT_OF_REACH
        return THERE if self._pair(step) in _named() else None

    @staticmethod
    def _pair(step: Step) -> tuple[int, int]:
        return step.fields["transition_id"][0], step.fields["role_id"][0]

    def remove(self, ctx: Context, step: Step) -> None:
        row = step.record
        _save_workflow(ctx, None, _named() - {(row.transition_id, row.role_id)})

    def bring_back(self, ctx: Context, step: Step) -> None:
        _save_workflow(ctx, None, _named() | {self._pair(step)})


def _named() -> set[tuple[int, int]]:
    return {(row.transition_id, row.role_id) for row in workflow_queries.transition_roles()}


def _save_workflow(ctx: Context, allowed: set[int] | None, who: set[tuple[int, int]]) -> None:
    if allowed is None:
        allowed = {row.id for row in workflow_queries.transitions() if row.is_allowed}
    pairs = tuple(f"{way}:{role}" for way, role in sorted(who))
    workflow.save(ctx.actor, Workflow(allowed=tuple(sorted(allowed)), who=pairs))


class Files(Kind):
    """Files of assets and tickets: renamed, deleted, restored."""

    name, model = "attachment", Attachment

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        super().load(steps, lock=lock)
        owners: tuple[tuple[str, Any], ...] = (("asset_id", Asset), ("ticket_id", Ticket))
        for owner, model in owners:
            ids = {getattr(step.record, owner) for step in steps if step.record} - {None}
            rows = db.session.scalars(select(model).where(model.id.in_(ids))) if ids else ()
            found = {row.id: row for row in rows}
            for step in steps:
                if step.record is not None and getattr(step.record, owner) is not None:
                    step.context["owner"] = found.get(getattr(step.record, owner))

    def place(self, ctx: Context, step: Step) -> Any:
        owner = step.context.get("owner")
        return ctx.place(owner.client_id, owner.project_id) if owner else super().place(ctx, step)

    def why_not(self, ctx: Context, step: Step) -> str | None:
        owner = step.context.get("owner")
        if step.record is None or owner is None:
            return GONE
        if isinstance(owner, Asset) and owner.deleted_at is not None:
            return _("This is archived. Restore it first.")
        if "is_main" in step.fields and "deleted_at" not in step.fields:
            return _("Choose the main photo on the page of the asset.")
        return super().why_not(ctx, step)

    def may(self, ctx: Context, step: Step) -> bool:
        owner = step.context["owner"]
        key = "assets.edit" if isinstance(owner, Asset) else "tickets.edit"
        return ctx.can(key, ctx.place(owner.client_id, owner.project_id))

    def why_not_changed(self, step: Step) -> str | None:
        if step.fields.keys() - {"name", "deleted_at", "is_main"}:
            return _("Where a file belongs is not changed here.")
        return super().why_not_changed(step)

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        if "name" in wanted:
            files.rename(step.record, wanted["name"])
        if wanted.get("is_main"):
            files.make_main(step.record)

    def remove(self, ctx: Context, step: Step) -> None:
        files.delete(step.record)

    def restore(self, ctx: Context, step: Step) -> None:
        files.restore(step.record)
