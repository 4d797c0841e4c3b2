"""Assets, their types, who has them, and their files."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from webapp.assets.models import Asset, AssetType, Custody, Status
from webapp.assets.queries import bulk as queries
from webapp.assets.queries import custody as held
from webapp.assets.schemas import AssetEdit, CheckIn, CheckOut, TypeEdit
from webapp.assets.services import custody, moving, records, types
from webapp.audit.many import undoing
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.oversight.undoing.kinds.base import (
    GONE,
    NOT_AS_LEFT,
    OUT_OF_REACH,
    Context,
    Kind,
    command_of,
)
from webapp.oversight.undoing.steps import Step

HERE = frozenset({"client_id", "project_id", "parent_id"})
HELD = _("Somebody has it, so it is in use. Take it back first.")


class Assets(Kind):
    """Assets; the status goes its own way, the rest as one edit."""

    name, model = "asset", Asset
    edit, delete = "assets.edit", "assets.archive"

    def may(self, ctx: Context, step: Step) -> bool:
        """What goes to another client needs the permission there, too."""
        there = step.fields.get("client_id", (None, None))[0]
        if step.verb == "change" and there is not None and not ctx.can(self.edit, ctx.place(there)):
            return False
        return super().may(ctx, step)

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        elsewhere = [step for step in steps if HERE & step.fields.keys() and step.verb == "change"]
        if lock and elsewhere:  # as every move: first these locks, then the rows
            back = {pair for step in elsewhere for pair in step.fields.get("client_id", ())}
            now = queries.clients_of([step.key for step in elsewhere])
            moving.wait_for_moves((back | now) - {None})
        super().load(steps, lock=lock)
        states = [step for step in steps if step.verb == "change" and "status" in step.fields]
        out = queries.handed_out([step.key for step in states]) if states else set()
        ways = queries.transitions() if states else set()
        for step in states:
            step.context |= {"out": step.key in out, "ways": ways}

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if why := super().why_not(ctx, step):
            return why
        if step.verb != "change" or "status" not in step.fields:
            return None
        if step.context["out"]:
            return HELD
        old, new = step.fields["status"]
        if (new, old) in step.context["ways"] or ctx.is_own(step.row):
            return None
        return records.REFUSALS["status_transition"][0]

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        status = wanted.get("status")
        rest = {name: value for name, value in wanted.items() if name != "status"}
        if rest:
            known = AssetEdit.model_fields.keys()
            command = command_of(AssetEdit, step.record, {k: rest[k] for k in rest if k in known})
            records.save(ctx.actor, step.record, command, version=None)
        if status is not None:
            if ctx.request_id:
                undoing(ctx.request_id)  # back on any way, if it is one's own and the last one
            records.change_status(ctx.actor, step.record, Status(status))

    def remove(self, ctx: Context, step: Step) -> None:
        records.archive(ctx.actor, step.record)

    def restore(self, ctx: Context, step: Step) -> None:
        records.restore(ctx.actor, step.record)


class Types(Kind):
    """Types of assets."""

    name, model, edit = "asset_type", AssetType, "assets.configure"

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        command = command_of(TypeEdit, step.record, wanted)
        types.save(ctx.actor, step.record, command, version=None)

    def remove(self, ctx: Context, step: Step) -> None:
        types.delete(ctx.actor, step.record, version=None)

    def restore(self, ctx: Context, step: Step) -> None:
        types.restore(ctx.actor, step.record)


class Hands(Kind):
    """Handing out is taken back, taking back is handed out again, passing on is passed back."""

    name, model, edit = "custody", Asset, custody.PERMISSION

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        super().load(steps, lock=lock)
        ids = [step.key for step in steps if step.record is not None]
        now = held.present(ids) if ids else {}
        for step in steps:
            step.context["now"] = now.get(step.key, (None, None))[0]

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if step.record is None:
            return GONE
        if not ctx.can(self.edit, self.place(ctx, step)):
            return OUT_OF_REACH
        if len(step.rows) > 1:
            return _("It changed hands more than once in this request. Undo each by itself.")
        if step.record.deleted_at is not None:
            return custody.ARCHIVED
        return None if self._is_as_left(step) else NOT_AS_LEFT

    @staticmethod
    def _is_as_left(step: Step) -> bool:
        now, fields = step.context["now"], step.fields
        if step.row.action == "asset.checked_in" or now is None:
            return now is None and step.row.action == "asset.checked_in"
        if step.row.action == "asset.extended":
            return str(now.due_on or "") == str(fields["due_on"][1] or "")
        columns = ("holder_user_id", "holder_location_id")
        return all(getattr(now, n) == fields.get(n, (0, None))[1] for n in columns)

    def apply(self, ctx: Context, step: Step) -> None:
        work = {
            "asset.checked_out": self._take_back,
            "asset.checked_in": self._hand_out,
            "asset.transferred": self._pass_back,
            "asset.extended": self._shorten,
        }
        work[step.row.action](ctx, step)

    def _take_back(self, ctx: Context, step: Step) -> None:
        before = step.context.get("status", Status.IN_USE.value)
        fine = before in (Status.IN_STOCK, Status.IN_REPAIR, Status.RETIRED)
        back = CheckIn(status=before if fine else Status.IN_STOCK.value, note=ctx.reason)
        custody.check_in(ctx.actor, step.record, back)
        if not fine:
            records.change_status(ctx.actor, step.record, Status(before))

    def _hand_out(self, ctx: Context, step: Step) -> None:
        at = step.fields["returned_at"][1]
        row = _ended(step.key, at)
        if step.record.status not in custody.AVAILABLE:
            records.change_status(ctx.actor, step.record, Status.IN_STOCK)
        custody.check_out(ctx.actor, step.record, _again(row, ctx))

    def _pass_back(self, ctx: Context, step: Step) -> None:
        row = _ended(step.key, step.context["now"].taken_at.isoformat())
        custody.transfer(ctx.actor, step.record, _again(row, ctx))

    def _shorten(self, ctx: Context, step: Step) -> None:
        old = step.fields["due_on"][0]
        due_on = datetime.fromisoformat(old).date() if old else None
        custody.extend(ctx.actor, step.record, due_on)


def _ended(asset_id: int, at: str) -> Custody:
    found = select(Custody).where(
        Custody.asset_id == asset_id, Custody.returned_at == datetime.fromisoformat(at)
    )
    row = db.session.scalar(found.order_by(Custody.id.desc()).limit(1))
    if row is None:
        raise DomainError(_("Who had it before is not known any more."))
    return row


def _again(row: Custody, ctx: Context) -> CheckOut:
    kind = "user" if row.holder_user_id else "location"
    due = row.due_on if row.due_on and row.due_on >= held.today_of(ctx.actor) else None
    holder = f"{kind}:{row.holder_user_id or row.holder_location_id}"
    return CheckOut(holder=holder, due_on=due, note=row.note)
