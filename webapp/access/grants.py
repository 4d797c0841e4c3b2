"""What a grant is and what it covers. Plain values, no database."""

from dataclasses import dataclass
from typing import Any

from webapp.organisation.tree import Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Grant:
    """A role that a person holds, and where: everywhere, or in one location, client or project."""

    id: int
    role_id: int
    role: str
    pages: frozenset[str]
    permissions: frozenset[str]
    location_id: int | None = None
    client_id: int | None = None
    project_id: int | None = None
    location_ids: frozenset[int] = frozenset()  # the location and all below it
    scope_label: str | None = None

    @property
    def everywhere(self) -> bool:
        """True if the grant has no scope."""
        return self.location_id is None and self.client_id is None and self.project_id is None

    def covers(self, place: Place | None) -> bool:
        """Tell whether the grant reaches ``place``; None stands for everywhere."""
        if self.everywhere:
            return True
        if place is None:
            return False
        if self.location_id is not None:
            return place.location_id in self.location_ids
        if self.client_id is not None:
            return place.client_id == self.client_id
        return place.project_id == self.project_id

    @property
    def place(self) -> Place | None:
        """The scope as a place, None if everywhere (a project's client is not known here)."""
        if self.everywhere:
            return None
        return Place(
            location_id=self.location_id, client_id=self.client_id, project_id=self.project_id
        )


def grant_from(row: dict[str, Any]) -> Grant:
    """Build a grant from a row of ``queries.GRANTS``."""
    return Grant(
        id=row["id"],
        role_id=row["role_id"],
        role=row["role"],
        pages=frozenset(row["pages"]),
        permissions=frozenset(row["permissions"]),
        location_id=row["location_id"],
        client_id=row["client_id"],
        project_id=row["project_id"],
        location_ids=frozenset(row["location_ids"] or ()),
        scope_label=row.get("scope_label"),
    )
