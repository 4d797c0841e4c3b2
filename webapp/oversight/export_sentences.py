"""How the log tells that it was taken out."""

from webapp.audit.sentences import SIMPLE, SPECIAL, Event, label, pair, short
from webapp.core.language import N_, gettext, ngettext


def _asked(event: Event) -> str:
    filters = pair(event.changes.get("filter"))[1]
    if not filters:
        return gettext("had all of the audit log that they may see made into a file")
    return gettext("had the audit log made into a file (%(filters)s)", filters=short(filters))


def _made(event: Event) -> str:
    rows = pair(event.changes.get("rows"))[1]
    count = rows if isinstance(rows, int) else 0
    said = ngettext(
        "got the export of the log %(label)s with one row",
        "got the export of the log %(label)s with %(num)s rows",
        count,
        label=label(event),
    )
    return str(said)


SPECIAL |= {"audit.exported": _asked, "audit.export_made": _made}
SIMPLE |= {
    "audit.export_downloaded": N_("downloaded the export of the log %(label)s"),
    "audit.evidence_written": N_("wrote rows of the audit log into a file on the server"),
}
