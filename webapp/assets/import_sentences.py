"""How the log tells of imports."""

from collections.abc import Callable

from webapp.audit.sentences import SPECIAL, Event, label, pair
from webapp.core.language import N_, gettext


def _about(words: str) -> Callable[[Event], str]:
    return lambda event: gettext(words, label=label(event))


def _applied(event: Event) -> str:
    added, updated = (pair(event.changes.get(name))[1] or 0 for name in ("added", "updated"))
    said = N_("applied the import %(label)s: %(added)s added, %(updated)s changed")
    return gettext(said, label=label(event), added=added, updated=updated)


SPECIAL |= {
    "import.uploaded": _about(N_("uploaded %(label)s to import assets")),
    "import.checked": _about(N_("had the import %(label)s checked")),
    "import.applied": _applied,
    "import.removed": _about(N_("removed the import %(label)s")),
    "import.rows_exported": _about(N_("downloaded the wrong rows of the import %(label)s")),
}
