"""What every kind of thing needs to be undone: finding it, asking whether it may change, and changing it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ValidationError
from sqlalchemy import select

from webapp.access.identity import SignedIn
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.organisation.models import Client
from webapp.organisation.tree import Place
from webapp.oversight.undoing import stored
from webapp.oversight.undoing.steps import Step

Schema = TypeVar("Schema", bound=BaseModel)
GONE = _("It is not there any more, or out of your sight.")
THERE = _("It is there again already.")
OUT_OF_REACH = _("Your permission to make this change does not reach it.")
NOT_AS_LEFT = _("It is not any more as this change left it.")
DELETED = _("It is deleted. Restore it first.")
NOT_REMOVED = _("Such a thing is never deleted.")


@dataclass(kw_only=True)
class Context:
    """Who undoes, what, and where the clients lie."""

    actor: SignedIn
    request_id: str | None
    reason: str = ""
    homes: dict[int, int] = field(default_factory=dict)

    def know(self, client_ids: Iterable[Any]) -> None:
        """Look up where clients lie, in one query."""
        new = {key for key in client_ids if isinstance(key, int)} - self.homes.keys()
        if new:
            found = select(Client.id, Client.location_id).where(Client.id.in_(new))
            self.homes |= {row.id: row.location_id for row in db.session.execute(found)}

    def place(self, client_id: int, project_id: int | None = None) -> Place:
        """Return where something of a client lies; of one out of sight no location is known."""
        return Place(
            location_id=self.homes.get(client_id), client_id=client_id, project_id=project_id
        )

    def is_own(self, row: Any) -> bool:
        """Tell whether the same person did it within the last day: the database lets a status go back any way."""
        recent: bool = row.recorded_at > datetime.now(UTC) - timedelta(days=1)
        return recent and row.actor_id == self.actor.id and row.request_id is not None

    def can(self, permission: str, on: Place | None = None) -> bool:
        """Tell whether who undoes holds a permission there (None: everywhere)."""
        return self.actor.can(permission, on=on)


class Kind:
    """One kind of thing. Those with a table of their own need little more than their model and services."""

    name: ClassVar[str]
    model: ClassVar[Any]
    edit: ClassVar[str] = ""  # the permission to change it
    delete: ClassVar[str] = ""  # to delete and to restore it; "": the same
    removable: ClassVar[bool] = True
    keeps: ClassVar[frozenset[str]] = frozenset()  # columns that no service sets: left as they are

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        """Find the things of all steps in one query."""
        ids = sorted({step.key for step in steps if isinstance(step.key, int)})
        statement = select(self.model).where(self.model.id.in_(ids)).order_by(self.model.id)
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        found = {row.id: row for row in db.session.scalars(statement)}
        for step in steps:
            step.record = found.get(step.key)

    def place(self, ctx: Context, step: Step) -> Place | None:
        """Return where it lies; None where it counts everywhere."""
        client_id = getattr(step.record, "client_id", None) or step.row.client_id
        if client_id is None:
            return None
        return ctx.place(client_id, getattr(step.record, "project_id", None))

    def why_not(self, ctx: Context, step: Step) -> str | None:
        """Say why the change cannot be taken back, as far as that is known before it is tried."""
        if step.verb == "bring_back":
            return self.why_not_back(ctx, step)
        if step.record is None:
            return GONE
        if not self.may(ctx, step):
            return OUT_OF_REACH
        if step.verb == "remove":
            return self.why_not_removed(step)
        return self.why_not_changed(step)

    def may(self, ctx: Context, step: Step) -> bool:
        """Tell whether who undoes may make such a change there."""
        return self.lacking(ctx, step) is None

    def lacking(self, ctx: Context, step: Step) -> str | None:
        """Return a permission that the change needs and who undoes does not hold there, or None."""
        place = self.place(ctx, step)
        return next((key for key in sorted(self.needed(step)) if not ctx.can(key, place)), None)

    def needed(self, step: Step) -> set[str]:
        """The permissions that the change needs."""
        delete = self.delete or self.edit
        if step.verb != "change":
            return {delete}
        names = step.fields.keys()
        return {delete if name == "deleted_at" else self.edit for name in names} - {""}

    def why_not_removed(self, step: Step) -> str | None:
        """Say why what came cannot go, or None."""
        if not self.removable:
            return NOT_REMOVED
        if getattr(step.record, "deleted_at", None) is not None:
            return _("It is deleted already.")
        return None

    def why_not_back(self, ctx: Context, step: Step) -> str | None:
        """Say why what is gone cannot come back, or None."""
        return _("It is gone for good.")

    def why_not_changed(self, step: Step) -> str | None:
        """Say why values cannot be set back, or None."""
        for name, pair in step.fields.items():
            if not stored.has(self.model, name):
                return _("The log tells this in words only. Change it on its own page.")
            if lost := stored.why_lost(name, pair):
                return lost
            if not stored.is_still(step.record, name, pair[1]):
                return NOT_AS_LEFT
        if "deleted_at" not in step.fields and getattr(step.record, "deleted_at", None):
            return DELETED
        return None

    def wanted(self, step: Step) -> dict[str, Any]:
        """Return what the columns were before."""
        return {
            name: stored.read(self.model, name, old)
            for name, (old, _new) in step.fields.items()
            if name not in self.keeps
        }

    def apply(self, ctx: Context, step: Step) -> None:
        """Take the change back by the services; they flush.

        Raises:
            DomainError: if a rule refuses it.
        """
        if step.verb == "remove":
            self.remove(ctx, step)
        elif step.verb == "bring_back":
            self.bring_back(ctx, step)
        else:
            self._set_back(ctx, step)

    def _set_back(self, ctx: Context, step: Step) -> None:
        wanted = self.wanted(step)
        deleted = "deleted_at" in wanted
        to_be_deleted = wanted.pop("deleted_at", None) is not None
        if deleted and not to_be_deleted:
            self.restore(ctx, step)
        wanted = {key: to for key, to in wanted.items() if getattr(step.record, key) != to}
        if wanted:
            self.change(ctx, step, wanted)
        if to_be_deleted:
            self.remove(ctx, step)

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        """Give it these values."""
        raise NotImplementedError

    def remove(self, ctx: Context, step: Step) -> None:
        """Delete or archive it."""
        raise NotImplementedError

    def restore(self, ctx: Context, step: Step) -> None:
        """Show again what was deleted or archived."""
        raise NotImplementedError

    def bring_back(self, ctx: Context, step: Step) -> None:
        """Make what is gone anew."""
        raise NotImplementedError


def command_of(schema: type[Schema], record: Any, wanted: Mapping[str, Any], **more: Any) -> Schema:
    """Return the command that changes a record to what is wanted, and leaves the rest as it is.

    Raises:
        DomainError: if the old values do not fit the rules of today.
    """
    present = {name: getattr(record, name) for name in schema.model_fields if hasattr(record, name)}
    return checked(schema, present | dict(wanted) | more)


def checked(schema: type[Schema], values: Mapping[str, Any]) -> Schema:
    """Return a command with these values.

    Raises:
        DomainError: if they do not fit the rules of today.
    """
    known = {name: value for name, value in values.items() if name in schema.model_fields}
    try:
        return schema.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        why = f"{where}: {first['msg'].removeprefix('Value error, ')}"
        raise DomainError(
            str(_("What it was before does not fit the rules of today: %(why)s", why=why))
        ) from None
