"""Making, changing and deleting roles. Nobody puts in or takes out what they do not hold everywhere themselves."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from webapp.access import queries as access_queries
from webapp.access.identity import SignedIn
from webapp.access.models import Page, PageRole, Permission, Role, RolePermission
from webapp.access.queries import RoleContents
from webapp.access.services import fill_role, missing_for, titles
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _, ngettext
from webapp.core.registry import PAGE_BY_KEY, PERMISSION_BY_KEY
from webapp.roles import queries
from webapp.roles.schemas import EditRole, RoleDraft


def create_role(actor: SignedIn | None, command: RoleDraft) -> Role:
    """Make a role; ``actor`` None is a command of the system.

    Raises:
        Denied: if the actor would give what they lack.
        DomainError: if the name is taken.
    """
    _require_may_add(actor, command.keys)
    _require_free_name(command.name)
    role = Role(name=command.name, description=command.description)
    with _unique_name():
        db.session.add(role)
        db.session.flush()
    fill_role(role, command.pages, command.permissions)
    db.session.flush()
    _note_contents(role, frozenset(), command.keys)
    return role


def check_change(actor: SignedIn, *, role: Role, command: EditRole) -> RoleContents:
    """Refuse a change that the rules forbid; return what the role gives so far.

    Raises:
        StaleVersion: if somebody saved the role meanwhile.
        Denied: if the actor would add what they lack.
        DomainError: if the name is taken or nobody could edit roles any more.
    """
    check_version(role, command.version)
    (before,) = access_queries.contents_of([role.id])
    held = before.pages | before.permissions
    # Who takes out what they lack could not put it back.
    _require_may_add(actor, command.keys ^ held)
    if role.name.lower() != command.name.lower():
        _require_free_name(command.name, besides=role.id)
    _require_somebody_left(role, held - command.keys)
    return before


def _require_somebody_left(role: Role, gone: frozenset[str]) -> None:
    """Try it: the savepoint is always undone."""
    if not gone:
        return
    before = access_queries.administrators()
    trial = db.session.begin_nested()
    try:
        _remove(role, gone)
        db.session.flush()
        after = access_queries.administrators()
    finally:
        trial.rollback()
    if before.outlast(after):
        raise DomainError(
            _(
                "Then nobody could edit roles any more, or nobody would hold what is taken out."
                " Give it to somebody by another role first."
            ),
            field="keys",
        )


def change_role(actor: SignedIn, *, role: Role, command: EditRole) -> None:
    """Save a role as ``command`` says, with its reason. Raises as ``check_change`` does."""
    if not command.reason:
        raise DomainError(_("Say why, for those who read the log."), field="reason")
    before = check_change(actor, role=role, command=command)
    held = before.pages | before.permissions
    if (role.name, role.description, held) == (command.name, command.description, command.keys):
        return  # nothing changes, so nothing is written that the log would not show
    trail.because(command.reason)
    with _unique_name():
        role.name = command.name
        role.description = command.description
        role.updated_at = func.now()  # the version rises even if only the contents change
        db.session.flush()
    _remove(role, held - command.keys)
    fill_role(role, command.pages - before.pages, command.permissions - before.permissions)
    db.session.flush()
    if held != command.keys:
        _note_contents(role, held, command.keys)


def why_not_delete(role: Role) -> str | None:
    """Say why a role cannot go, if somebody holds it."""
    count = queries.count_holders(role.id)
    if not count:
        return None
    return ngettext(
        "%(num)s person holds this role. Take it from them first, then delete it.",
        "%(num)s people hold this role. Take it from them first, then delete it.",
        count,
    )


def delete_role(actor: SignedIn, *, role: Role, reason: str) -> None:
    """Delete a role that nobody has.

    Raises:
        Denied: if the actor may not edit roles everywhere.
        DomainError: if somebody holds it.
    """
    _require_may_add(actor, ())
    if problem := why_not_delete(role):
        raise DomainError(problem)
    (contents,) = access_queries.contents_of([role.id])
    trail.because(reason)
    try:
        with db.session.begin_nested():
            _remove(role, contents.pages | contents.permissions)
            db.session.flush()
            db.session.delete(role)
            db.session.flush()
    except IntegrityError:
        raise DomainError(_("Somebody was given this role just now. It was not deleted.")) from None


def _require_may_add(actor: SignedIn | None, keys: Iterable[str]) -> None:
    """A role reaches wherever it is given, so what goes into it must be held everywhere."""
    if actor is None:
        return
    if not actor.can("roles.edit"):
        raise Denied(
            _("Roles count everywhere, so only those who may edit roles everywhere change them."),
            key="roles.edit",
        )
    missing = missing_for(actor.grants, pages=keys, permissions=(), place=None)
    if missing:
        raise Denied(
            _(
                "You cannot put into a role, or take out of it, what you do not hold everywhere yourself: %(what)s.",
                what=titles(missing),
            ),
            key=missing[0],
        )


def _require_free_name(name: str, *, besides: int | None = None) -> None:
    if queries.name_is_taken(name, besides=besides):
        raise DomainError(_("Another role has this name."), field="name")


class _unique_name:  # noqa: N801 - reads as a verb in a with statement
    """Turns a name that was taken in the same moment into a message beside its field."""

    def __enter__(self) -> None:
        self.savepoint = db.session.begin_nested()

    def __exit__(self, _type: object, error: BaseException | None, _trace: object) -> None:
        if error is None:
            self.savepoint.commit()
            return
        self.savepoint.rollback()
        if isinstance(error, IntegrityError) and "uq_roles_lower_name" in str(error.orig):
            raise DomainError(_("Another role has this name."), field="name") from None


def _remove(role: Role, keys: Iterable[str]) -> None:
    """Delete row by row, so that each leaves its line in the log."""
    gone = list(keys)
    pages = select(PageRole, Page.key).join(Page, Page.id == PageRole.page_id)
    permissions = select(RolePermission, Permission.key).join(
        Permission, Permission.id == RolePermission.permission_id
    )
    for page, key in db.session.execute(
        pages.where(PageRole.role_id == role.id, Page.key.in_(gone))
    ):
        trail.tell(page, "page_role.deleted", changes={"page": [key, None]})
        db.session.delete(page)
    held = permissions.where(RolePermission.role_id == role.id, Permission.key.in_(gone))
    for permission, key in db.session.execute(held):
        trail.tell(permission, "role_permission.deleted", changes={"permission": [key, None]})
        db.session.delete(permission)


def _note_contents(role: Role, old: frozenset[str], new: frozenset[str]) -> None:
    """Say in one line what all the rows together mean."""
    changes = {
        name: [sorted(old & known.keys()), sorted(new & known.keys())]
        for name, known in (("pages", PAGE_BY_KEY), ("permissions", PERMISSION_BY_KEY))
        if old & known.keys() != new & known.keys()
    }
    trail.note(
        "role.permissions_changed",
        category="access",
        object_type="role",
        object_id=role.id,
        object_label=role.name,
        changes=changes,
    )
