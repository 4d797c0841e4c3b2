"""The roles that a new installation starts with."""

from sqlalchemy import select

from webapp.access import queries
from webapp.access.models import Role
from webapp.access.services import fill_role
from webapp.core.db import db
from webapp.core.registry import SEED_ROLES


def ensure_seed_roles() -> dict[str, Role]:
    """Create those of the roles that are missing, and return all of them by name; existing ones stay as they are."""
    rows = db.session.scalars(select(Role).where(Role.name.in_(list(SEED_ROLES))))
    roles = {role.name: role for role in rows}
    for name, (description, pages, permissions) in SEED_ROLES.items():
        if name not in roles:
            roles[name] = _create(name, description, pages, permissions)
    return roles


def complete_administrator() -> Role:
    """Have the role Administrator give everything again, whatever was taken out of it; return it.

    For the command line: whoever has that can repair what nobody in the app can.
    """
    role = ensure_seed_roles()["Administrator"]
    (contents,) = queries.contents_of([role.id])
    _, pages, permissions = SEED_ROLES["Administrator"]
    fill_role(role, set(pages) - contents.pages, set(permissions) - contents.permissions)
    db.session.flush()
    return role


def _create(
    name: str, description: str, pages: tuple[str, ...], permissions: tuple[str, ...]
) -> Role:
    role = Role(name=name, description=description)
    db.session.add(role)
    db.session.flush()
    fill_role(role, pages, permissions)
    db.session.flush()
    return role
