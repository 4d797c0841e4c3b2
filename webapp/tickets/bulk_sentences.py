"""How the log tells changes of many tickets."""

from webapp.audit.sentences import SPECIAL, Event, pair
from webapp.core.language import format_number, ngettext


def _count(event: Event) -> tuple[int, str]:
    count = pair(event.changes.get("tickets"))[1]
    count = count if isinstance(count, int) else 0
    return count, format_number(count)


def _changed(event: Event) -> str:
    count, n = _count(event)
    said = ngettext("changed %(n)s ticket at once", "changed %(n)s tickets at once", count, n=n)
    return str(said)


def _undone(event: Event) -> str:
    count, n = _count(event)
    said = ngettext("undid a change of %(n)s ticket", "undid a change of %(n)s tickets", count, n=n)
    return str(said)


def _said(event: Event) -> str:
    count, n = _count(event)
    if pair(event.changes.get("as"))[1] == "note":
        said = ngettext(
            "wrote the same note on %(n)s ticket",
            "wrote the same note on %(n)s tickets",
            count,
            n=n,
        )
    else:
        said = ngettext(
            "sent the same reply on %(n)s ticket",
            "sent the same reply on %(n)s tickets",
            count,
            n=n,
        )
    return str(said)


SPECIAL |= {
    "ticket.bulk_changed": _changed,
    "ticket.bulk_undone": _undone,
    "ticket.bulk_said": _said,
}
