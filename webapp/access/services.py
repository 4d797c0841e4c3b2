"""Giving and taking roles: nobody can raise themselves, or anybody beyond themselves."""

from collections.abc import Iterable, Sequence

from webapp.access import queries
from webapp.access.grants import Grant, Place
from webapp.access.identity import SignedIn
from webapp.access.models import Role, UserRole
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.registry import find_entry


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
                f"This person holds the role “{grant.role}”, which gives more than you hold yourself."
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
        raise DomainError("This place does not exist.", field="scope") from None
    if actor is not None:
        _require_may_grant(actor, user_id=user_id, role=role, place=place)
    scope = {"location_id": location_id, "client_id": client_id, "project_id": project_id}
    if db.session.query(UserRole.id).filter_by(user_id=user_id, role_id=role.id, **scope).first():
        raise DomainError(f"{user_name} holds this role there already.", field="role_id")
    grant = UserRole(user_id=user_id, role_id=role.id, **scope)
    db.session.add(grant)
    trail.because(reason)
    db.session.flush()
    _note(grant, "role.assigned", user_name=user_name, role_name=role.name)
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
    _note(grant, "role.revoked", user_name=user_name, role_name=role.name)
    db.session.delete(grant)
    db.session.flush()


def _require_may_grant(actor: SignedIn, *, user_id: int, role: Role, place: Place | None) -> None:
    if actor.id == user_id:
        raise Denied("Nobody edits their own roles. Ask another administrator.", key="roles.assign")
    if not actor.can("roles.assign", on=place):
        raise Denied("You may not give or take roles there.", key="roles.assign")
    (contents,) = queries.contents_of([role.id])
    if missing := missing_for(
        actor.grants, pages=contents.pages, permissions=contents.permissions, place=place
    ):
        raise Denied(
            f"The role “{role.name}” gives more than you hold there yourself: {_titles(missing)}."
        )


def _titles(keys: Sequence[str]) -> str:
    return ", ".join(entry.title if (entry := find_entry(key)) else key for key in keys)


def _place_of(grant: Grant) -> Place | None:
    try:
        return queries.place_of(
            location_id=grant.location_id, client_id=grant.client_id, project_id=grant.project_id
        )
    except LookupError:  # out of the actor's sight, so not covered by it
        return Place()


def _note(grant: UserRole, action: str, *, user_name: str, role_name: str) -> None:
    """Say in the person's own history which role came or went."""
    trail.note(
        action,
        category="access",
        object_type="user",
        object_id=grant.user_id,
        object_label=user_name,
        client_id=grant.client_id,
        changes={"role": [None, role_name] if action == "role.assigned" else [role_name, None]},
    )
