"""People, the roles that they hold, what roles give, and saved views."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select, tuple_

from webapp.access import queries as access
from webapp.access.models import Page, Permission, Role, UserRole
from webapp.core import registry
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.language import _
from webapp.oversight.undoing import stored
from webapp.oversight.undoing.effects import SCOPE
from webapp.oversight.undoing.kinds.base import (
    GONE,
    NOT_AS_LEFT,
    OUT_OF_REACH,
    THERE,
    Context,
    Kind,
    checked,
    command_of,
)
from webapp.oversight.undoing.steps import Step
from webapp.roles import services as roles
from webapp.roles.schemas import EditRole, RoleDraft
from webapp.saved_views import schemas as view_schemas
from webapp.saved_views import services as views
from webapp.saved_views.models import SavedView
from webapp.users import services as users
from webapp.users.models import User
from webapp.users.schemas import EditPerson, Profile

OWN = {"name", "locale", "timezone"}


class People(Kind):
    """People: who came is deactivated, who was shut out is let in."""

    name, model, edit = "user", User, "users.edit"

    def needed(self, step: Step) -> set[str]:
        if step.verb != "change":
            return {"users.deactivate"}
        names = step.fields.keys() - {"theme"}
        gate = {"users.deactivate"} if "is_active" in names else set()
        return gate | ({self.edit} if names - {"is_active"} else set())

    def may(self, ctx: Context, step: Step) -> bool:
        """Everybody changes what they say about themselves."""
        mine = ctx.actor.id == step.key and step.verb == "change"
        return (mine and step.fields.keys() <= {*OWN, "theme"}) or super().may(ctx, step)

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if why := super().why_not(ctx, step):
            return why
        if "theme" in step.fields and ctx.actor.id != step.key:
            return _("How pages look is everybody's own choice.")
        if self._leaves(step) and ctx.actor.id == step.key:
            return _("Nobody deactivates themselves.")
        return None

    @staticmethod
    def _leaves(step: Step) -> bool:
        return step.verb == "remove" or step.fields.get("is_active", (True, None))[0] is False

    def why_not_removed(self, step: Step) -> str | None:
        return None if step.record.is_active else _("Deactivated already.")

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        user = step.record
        if "theme" in wanted:
            users.choose_theme(user, str(wanted["theme"]))
        if wanted.get("is_active") is True:
            users.restore(ctx.actor, user, reason=ctx.reason)
        told = {k: v for k, v in wanted.items() if k not in ("theme", "is_active")}
        if told and ctx.actor.id == user.id and told.keys() <= OWN:
            users.edit_profile(user, command_of(Profile, user, told))
        elif told:
            users.edit(ctx.actor, user, command_of(EditPerson, user, told, version=user.version))
        if wanted.get("is_active") is False:
            users.deactivate(ctx.actor, user, reason=ctx.reason)

    def remove(self, ctx: Context, step: Step) -> None:
        users.deactivate(ctx.actor, step.record, reason=ctx.reason)


class Grants(Kind):
    """A role that was given is taken, one that was taken is given; nobody gives more than they hold."""

    name, model, edit = "user_role", UserRole, "roles.assign"

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        keys = [step.key for step in steps]
        pairs = select(UserRole).where(
            tuple_(UserRole.user_id, UserRole.role_id).in_([key[:2] for key in keys])
        )
        found = {
            (row.user_id, row.role_id, *(getattr(row, name) for name in SCOPE)): row
            for row in db.session.scalars(pairs)
        }
        for step in steps:
            step.record = found.get(step.key)

    def place(self, ctx: Context, step: Step) -> Any:
        """Return where the role holds; None: everywhere."""
        location_id, client_id, project_id = step.key[2:]
        if location_id is None and client_id is None and project_id is None:
            return None
        try:
            return access.place_of(
                location_id=location_id, client_id=client_id, project_id=project_id
            )
        except LookupError:
            return ctx.place(0)

    def why_not(self, ctx: Context, step: Step) -> str | None:
        if ctx.actor.id == step.key[0]:
            return _("Nobody edits their own roles. Ask another administrator.")
        if not self.may(ctx, step):
            step.missing = self.edit
            return _("You may not give or take roles there.")
        if step.verb == "remove" and step.record is None:
            return NOT_AS_LEFT
        return THERE if step.verb == "bring_back" and step.record is not None else None

    def needed(self, step: Step) -> set[str]:
        return {self.edit}

    def remove(self, ctx: Context, step: Step) -> None:
        user = _person(step.key[0])
        users.take_role(ctx.actor, user=user, grant=step.record, reason=ctx.reason)

    def bring_back(self, ctx: Context, step: Step) -> None:
        user_id, role_id, *places = step.key
        scope = next(
            (f"{n.removesuffix('_id')}:{key}" for n, key in zip(SCOPE, places, strict=True) if key),
            "everywhere",
        )
        user = _person(user_id)
        if not user.is_active:
            raise DomainError(_("Restore this person first."))
        users.give_role(ctx.actor, user=user, role_id=role_id, scope=scope, reason=ctx.reason)


def _person(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise DomainError(str(GONE))
    return user


class Roles(Kind):
    """Roles and what they give; one that was deleted is made anew, with what it gave."""

    name, model, edit = "role", Role, "roles.edit"

    def load(self, steps: Sequence[Step], *, lock: bool) -> None:
        super().load(steps, lock=lock)
        held = {row.id: row for row in access.contents_of({step.key for step in steps})}
        names = _keys({name for step in steps for name in step.fields if ":" in name})
        for step in steps:
            row = held.get(step.key)
            step.context["held"] = row.pages | row.permissions if row else frozenset()
            step.context["keys"] = {n: names.get(n) for n in step.fields if ":" in n}

    def why_not_back(self, ctx: Context, step: Step) -> str | None:
        if step.record is not None:
            return THERE
        return None if self.may(ctx, step) else OUT_OF_REACH

    def why_not_changed(self, step: Step) -> str | None:
        for name, key in step.context["keys"].items():
            if key is None:
                return _("A page or permission of that time does not exist any more.")
            if (key in step.context["held"]) != step.fields[name][1]:
                return NOT_AS_LEFT
        own = {name: pair for name, pair in step.fields.items() if ":" not in name}
        plain = Step(kind="role", key=step.key, verb="change", fields=own, rows=step.rows)
        plain.record = step.record
        return super().why_not_changed(plain)

    def apply(self, ctx: Context, step: Step) -> None:
        if step.verb == "remove":
            roles.delete_role(ctx.actor, role=step.record, reason=ctx.reason)
            return
        keys = set(step.context["held"])
        for name, key in step.context["keys"].items():
            (keys.add if step.fields[name][0] else keys.discard)(key)
        keys -= {None}
        own = {n: stored.read(Role, n, p[0]) for n, p in step.fields.items() if stored.has(Role, n)}
        if step.verb == "bring_back":
            own = {name: own.get(name) or "" for name in ("name", "description")}
            roles.create_role(ctx.actor, checked(RoleDraft, own | {"keys": frozenset(keys)}))
            return
        role = step.record
        more = {"keys": frozenset(keys), "version": role.version, "reason": ctx.reason}
        command = command_of(EditRole, role, own, **more)
        roles.change_role(ctx.actor, role=role, command=command)


def _keys(names: set[str]) -> dict[str, str]:
    """Return the keys of pages and permissions by ``page:3``; what the program has no more is left out."""
    found: dict[str, str] = {}
    for kind, model in (("page", Page), ("permission", Permission)):
        ids = {int(name.partition(":")[2]) for name in names if name.startswith(f"{kind}:")}
        if ids:
            for row in db.session.execute(select(model.id, model.key).where(model.id.in_(ids))):
                if registry.find_entry(row.key):
                    found[f"{kind}:{row.id}"] = row.key
    return found


class Views(Kind):
    """Saved views: one's own, and what others share."""

    name, model = "saved_view", SavedView

    def may(self, ctx: Context, step: Step) -> bool:
        view = step.record
        mine: bool = view.user_id == ctx.actor.id
        return mine or (step.verb == "remove" and view.is_shared and ctx.can(views.SHARE))

    def why_not_back(self, ctx: Context, step: Step) -> str | None:
        if step.fields.get("user_id", (None, None))[0] != ctx.actor.id:
            return _("This view belongs to somebody else.")
        return THERE if step.record is not None else None

    def change(self, ctx: Context, step: Step, wanted: Mapping[str, Any]) -> None:
        view = step.record
        if wanted.keys() - {"name", "is_shared"}:
            raise DomainError(_("Only its name and whether it is shared can be changed."))
        shared = wanted.get("is_shared", view.is_shared)
        command = command_of(view_schemas.Rename, view, wanted, shared=shared)
        views.rename(ctx.actor, view, command)

    def remove(self, ctx: Context, step: Step) -> None:
        views.delete(ctx.actor, step.record)

    def bring_back(self, ctx: Context, step: Step) -> None:
        was = {name: pair[0] for name, pair in step.fields.items()}
        values = was | {"shared": bool(was.get("is_shared"))}
        views.save(ctx.actor, checked(view_schemas.Save, values))
