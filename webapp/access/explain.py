"""Why somebody may or may not do something, and what would change that. Plain values, no database."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from webapp.access.grants import Grant
from webapp.access.queries import RoleContents
from webapp.organisation.tree import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Suggestion:
    """A role that would turn a no into a yes, and what it would give besides."""

    role_id: int
    role: str
    extra: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """Yes or no; the grants that say yes, those that hold the key elsewhere, and what would help."""

    allowed: bool
    active: bool
    by: tuple[Grant, ...]
    elsewhere: tuple[Grant, ...]
    suggestions: tuple[Suggestion, ...]


def explain(
    *,
    active: bool,
    grants: Sequence[Grant],
    roles: Iterable[RoleContents],
    key: str,
    place: Place | None,
) -> Answer:
    """Say whether ``grants`` give the page or permission ``key`` on ``place``; None asks for anywhere at all."""
    holding = [grant for grant in grants if key in grant.pages | grant.permissions]
    by = [grant for grant in holding if place is None or grant.covers(place)]
    elsewhere = [grant for grant in holding if grant not in by]
    return Answer(
        allowed=active and bool(by),
        active=active,
        by=tuple(by),
        elsewhere=tuple(elsewhere),
        suggestions=() if by else tuple(smallest(grants, roles, key=key, place=place)),
    )


def smallest(
    grants: Iterable[Grant], roles: Iterable[RoleContents], *, key: str, place: Place | None
) -> list[Suggestion]:
    """Return the roles that would give ``key`` on ``place``, those that give least besides first."""
    reaching = [grant for grant in grants if place is None or grant.covers(place)]
    held = frozenset[str]().union(*(grant.pages | grant.permissions for grant in reaching))
    found = [
        Suggestion(
            role_id=role.id,
            role=role.name,
            extra=tuple(sorted((role.pages | role.permissions) - held - {key})),
        )
        for role in roles
        if key in role.pages | role.permissions
    ]
    return sorted(found, key=lambda one: (len(one.extra), one.role.lower()))
