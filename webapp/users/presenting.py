"""Turns what is stored about people into words and rows of a page."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from webapp.access.grants import Grant
from webapp.core import registry
from webapp.core.language import _, gettext
from webapp.core.registry import Entry

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


def device(user_agent: str) -> str:
    """Name a browser and its system, as far as it says so."""
    browser = next(
        (name for sign, name in BROWSERS if sign in user_agent), gettext("Unknown browser")
    )
    system = next((name for sign, name in SYSTEMS if re.search(sign, user_agent)), None)
    return (
        gettext("%(browser)s on %(system)s", browser=browser, system=system) if system else browser
    )


def where(grant: Grant) -> str:
    """Name where a grant holds."""
    if grant.everywhere:
        return gettext("Everywhere")
    name = grant.scope_label or gettext("one that you may not see")
    if grant.location_id:
        return gettext("Location: %(name)s", name=name)
    if grant.client_id:
        return gettext("Client: %(name)s", name=name)
    return gettext("Project: %(name)s", name=name)


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
        for title, kind in (
            (_("Pages"), registry.PAGES),
            (_("Permissions"), registry.PERMISSIONS),
        )
    }
