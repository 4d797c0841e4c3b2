"""Giving and taking roles: nobody can raise themselves, or anybody beyond themselves."""

from collections.abc import Iterable

from webapp.access import queries
from webapp.access.grants import Grant
from webapp.access.identity import SignedIn
from webapp.access.models import Page, PageRole, Permission, Role, RolePermission, UserRole
from webapp.access.queries import RoleContents
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import Text, _, listed
from webapp.core.registry import find_entry
from webapp.organisation.tree import Place


def missing_for(
    actor_grants: Iterable[Grant],
    *,
    pages: Iterable[str],
    permissions: Iterable[str],
    place: Place | None,
) -> list[str]:
    """Return the pages and permissions that the actor does not hold with at least the scope ``place``."""
    covering = [grant for grant in actor_grants if grant.covers(place)]
    held = frozenset[str]().union(*(grant.pages | grant.permissions for grant in covering))
    return sorted(key for key in {*pages, *permissions} if key not in held)


def givable(actor: SignedIn) -> tuple[list[RoleContents], list[RoleContents]]:
    """Return the roles that the actor could give somewhere, and the others.

    Scopes form a tree: what covers any place covers the narrowest scope around it as well, so that the scopes of the
    actor's own grants are all the places to look at.
    """
    places = [None, *queries.places_of(actor.grants)]
    there = [place for place in places if actor.can("roles.assign", on=place)]
    can: list[RoleContents] = []
    cannot: list[RoleContents] = []
    for role in queries.contents_of():
        needs = {"pages": role.pages, "permissions": role.permissions}
        fine = any(not missing_for(actor.grants, place=place, **needs) for place in there)
        (can if fine else cannot).append(role)
    return can, cannot


def require_not_above(actor: SignedIn, *, target_id: int) -> None:
    """Refuse to act on the account of a person who holds something that the actor lacks.

    Whoever may change an address or reset a password could otherwise take that account over.

    Raises:
        Denied: if the person holds more than the actor.
    """
    if actor.id == target_id:
        return
    for grant in queries.grants_of([target_id])[target_id]:
        if missing_for(
            actor.grants, pages=grant.pages, permissions=grant.permissions, place=_place_of(grant)
        ):
            raise Denied(
                _(
                    "This person holds the role “%(role)s”, which gives more than you hold yourself.",
                    role=grant.role,
                )
            )


def assign_role(
    actor: SignedIn | None,
    *,
    user_id: int,
    user_name: str,
    role: Role,
    location_id: int | None = None,
    client_id: int | None = None,
    project_id: int | None = None,
    reason: str | None = None,
) -> UserRole:
    """Give a person a role; ``actor`` None is a command of the system.

    Raises:
        Denied: if the actor lacks part of the role, or it is their own account.
        DomainError: if the scope does not exist, or the person has exactly this grant.
    """
    try:
        place = queries.place_of(
            location_id=location_id, client_id=client_id, project_id=project_id
        )
    except LookupError:
        raise DomainError(_("This place does not exist."), field="scope") from None
    if actor is not None:
        _require_may_grant(actor, user_id=user_id, role=role, place=place)
    scope = {"location_id": location_id, "client_id": client_id, "project_id": project_id}
    if db.session.query(UserRole.id).filter_by(user_id=user_id, role_id=role.id, **scope).first():
        raise DomainError(
            _("%(name)s holds this role there already.", name=user_name), field="role_id"
        )
    grant = UserRole(user_id=user_id, role_id=role.id, **scope)
    db.session.add(grant)
    trail.because(reason)
    _tell(grant, "role.assigned", user_name=user_name, change=[None, role.name])
    db.session.flush()
    return grant


def revoke_role(
    actor: SignedIn | None,
    *,
    grant: UserRole,
    user_name: str,
    role: Role,
    reason: str | None = None,
) -> None:
    """Take a role from a person.

    Raises:
        Denied: if the actor lacks part of the role, or it is their own account.
    """
    if actor is not None:
        place = queries.place_of(
            location_id=grant.location_id, client_id=grant.client_id, project_id=grant.project_id
        )
        _require_may_grant(actor, user_id=grant.user_id, role=role, place=place)
    trail.because(reason)
    _tell(grant, "role.revoked", user_name=user_name, change=[role.name, None])
    db.session.delete(grant)
    db.session.flush()


def _require_may_grant(actor: SignedIn, *, user_id: int, role: Role, place: Place | None) -> None:
    if actor.id == user_id:
        raise Denied(
            _("Nobody edits their own roles. Ask another administrator."), key="roles.assign"
        )
    if not actor.can("roles.assign", on=place):
        raise Denied(_("You may not give or take roles there."), key="roles.assign")
    (contents,) = queries.contents_of([role.id])
    if missing := missing_for(
        actor.grants, pages=contents.pages, permissions=contents.permissions, place=place
    ):
        raise Denied(
            _(
                "The role “%(role)s” gives more than you hold there yourself: %(what)s.",
                role=role.name,
                what=titles(missing),
            )
        )


def titles(keys: Iterable[str]) -> Text:
    """Return pages and permissions by their titles."""
    return listed(entry.title if (entry := find_entry(key)) else key for key in keys)


def _place_of(grant: Grant) -> Place | None:
    try:
        return queries.place_of(
            location_id=grant.location_id, client_id=grant.client_id, project_id=grant.project_id
        )
    except LookupError:  # out of the actor's sight, so not covered by it
        return Place()


def _tell(grant: UserRole, action: str, *, user_name: str, change: list[str | None]) -> None:
    """Tell in the person's own history which role came or went."""
    trail.tell(
        grant,
        action,
        category="access",
        object_type="user",
        object_id=grant.user_id,
        object_label=user_name,
        changes={"role": change},
    )


def fill_role(role: Role, pages: Iterable[str], permissions: Iterable[str]) -> None:
    """Put pages and permissions into a role, each told by its key: its number may mean nothing one day."""
    rows: list[PageRole | RolePermission] = []
    for key, page_id in queries.ids_of(Page, sorted(pages)).items():
        rows.append(PageRole(role_id=role.id, page_id=page_id))
        trail.tell(rows[-1], "page_role.created", changes={"page": [None, key]})
    for key, permission_id in queries.ids_of(Permission, sorted(permissions)).items():
        rows.append(RolePermission(role_id=role.id, permission_id=permission_id))
        trail.tell(rows[-1], "role_permission.created", changes={"permission": [None, key]})
    db.session.add_all(rows)
