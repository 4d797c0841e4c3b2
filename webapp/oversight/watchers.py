"""Who is told that the log needs somebody: those who may check all of it."""

from collections.abc import Mapping
from typing import Any

from webapp.access.queries import everywhere_with
from webapp.audit import faults
from webapp.core.language import N_, _, ngettext
from webapp.notifications import kinds
from webapp.notifications.announcing import announce
from webapp.notifications.kinds import Words

PAGE = "/audit/integrity"
FOUND = kinds.declare(
    kinds.Kind(
        key="audit.found",
        title=N_("A check of the log found something"),
        hint=N_("A row or a seal is not what it was when it was sealed."),
        icon="alert-triangle",
        page="audit",
    )
).key
LATE = kinds.declare(
    kinds.Kind(
        key="audit.late",
        title=N_("The log is not being sealed"),
        hint=N_("Rows have waited for their seal for more than ten minutes."),
        icon="alert-triangle",
        page="audit",
    )
).key


def tell_found(count: int, first: Mapping[str, Any]) -> None:
    """Tell them that a check found ``count`` faults, the ``first`` of them in their language."""

    def words() -> Words:
        title = ngettext(
            "A check of the log found %(num)s fault",
            "A check of the log found %(num)s faults",
            count,
        )
        return title, faults.told(first).words

    announce(
        everywhere_with("audit.verify"), kind=FOUND, words=words, url=PAGE, group="audit.found"
    )


def tell_contradiction(seal: str) -> None:
    """Tell them that the file of heads holds what the log does not."""

    def words() -> Words:
        title = _("The log contradicts a head that was kept outside the database")
        return str(title), _("Seal %(n)s is not the one that the file holds.", n=seal)

    announce(everywhere_with("audit.verify"), kind=FOUND, words=words, url=PAGE, group="audit.head")


def tell_late(minutes: int, why: str) -> None:
    """Tell them that rows wait for their seal, and why if it is known."""

    def words() -> Words:
        title = _("The log has not been sealed for %(n)s minutes", n=minutes)
        return str(title), why

    announce(everywhere_with("audit.verify"), kind=LATE, words=words, url=PAGE, group="audit.late")
