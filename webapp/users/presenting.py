"""Turns what is stored about people into words and rows of a page."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webapp.access.grants import Grant
from webapp.core import registry
from webapp.core.registry import Entry

SENTENCES = {
    "user.created": "created the account",
    "user.updated": "changed the account",
    "user.viewed": "looked at this person",
    "user.joined": "accepted the invitation",
    "user.link_made": "made a link to choose a password",
    "user.password_reset": "chose a new password by link",
    "user.password_changed": "changed the password",
    "user.deactivated": "deactivated the account",
    "user.restored": "restored the account",
    "role.assigned": "gave the role",
    "role.revoked": "took the role",
    "session.opened": "signed in",
    "session.closed": "signed out",
    "session.ended": "ended a session",
    "session.revoked": "ended sessions",
}
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
    ("curl", "curl"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Happening:
    """A line of a timeline."""

    at: datetime
    who: str
    sentence: str
    detail: str | None = None


def happenings(events: Iterable[Any]) -> list[Happening]:
    """Turn rows of the log into lines of a timeline."""
    return [
        Happening(
            at=event.occurred_at,
            who=event.actor_name or "Somebody not signed in",
            sentence=SENTENCES.get(event.action, event.action.replace(".", " ").replace("_", " ")),
            detail=_detail(event),
        )
        for event in events
    ]


def _detail(event: Any) -> str | None:
    parts = []
    for name, change in (event.changes or {}).items():
        if isinstance(change, list) and len(change) == len(("before", "after")):
            parts.append(f"{name.replace('_', ' ')}: {_shown(change[0])} → {_shown(change[1])}")
    if event.reason:
        parts.append(f"“{event.reason}”")
    return " · ".join(parts) or None


def _shown(value: Any) -> str:
    return {None: "nothing", True: "yes", False: "no"}.get(value, str(value))


def device(user_agent: str) -> str:
    """Name a browser and its system, as far as it says so."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "Unknown browser")
    system = next((name for sign, name in SYSTEMS if re.search(sign, user_agent)), None)
    return f"{browser} on {system}" if system else browser


def where(grant: Grant) -> str:
    """Name where a grant holds."""
    if grant.everywhere:
        return "Everywhere"
    kind = "Location" if grant.location_id else "Client" if grant.client_id else "Project"
    return f"{kind}: {grant.scope_label or 'one that you may not see'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """A page or permission, and the roles through which a person has it."""

    entry: Entry
    through: tuple[str, ...]


def reach(grants: Sequence[Grant]) -> dict[str, dict[str, list[Reach]]]:
    """Say of each page and permission, by section, through which roles a person has it."""
    return {
        title: {
            section: [
                Reach(
                    entry=entry,
                    through=tuple(
                        f"{grant.role} ({where(grant)})"
                        for grant in grants
                        if entry.key in grant.pages | grant.permissions
                    ),
                )
                for entry in entries
            ]
            for section, entries in registry.sections(kind).items()
        }
        for title, kind in (("Pages", registry.PAGES), ("Permissions", registry.PERMISSIONS))
    }
