"""How the log tells who got an asset and who brought it back."""

from collections.abc import Callable

from webapp.audit.changing import change_told
from webapp.audit.sentences import SPECIAL, Event, day_text, field_title, label, pair, shown
from webapp.core.language import N_, format_number, gettext, ngettext

BACK = {
    "good": N_("took %(label)s back from %(holder)s in good condition"),
    "worn": N_("took %(label)s back from %(holder)s, worn"),
    "damaged": N_("took %(label)s back from %(holder)s, damaged"),
}


def _until(now: str, later: str) -> Callable[[Event], str]:
    """Tell it with the day of return, if there is one."""

    def made(event: Event) -> str:
        old, new = pair(event.changes.get("holder"))
        values = {"label": label(event), "holder": shown(new), "before": shown(old)}
        due = pair(event.changes.get("due_on"))[1]
        if not due:
            return gettext(now, **values)
        return gettext(later, day=day_text(due), **values)

    return made


def _back(event: Event) -> str:
    if getattr(event, "covered", False):
        return gettext("took %(label)s back", label=label(event))
    holder = shown(pair(event.changes.get("holder"))[0])
    said = BACK.get(str(pair(event.changes.get("condition"))[1]), BACK["good"])
    return gettext(said, label=label(event), holder=holder)


def _followed(event: Event) -> str:
    if told := change_told(event, label(event)):
        return told
    listed = ", ".join(field_title(name) for name in event.changes)
    return gettext("changed %(fields)s of %(label)s with it", fields=listed, label=label(event))


def _count(event: Event) -> tuple[int, str]:
    count = pair(event.changes.get("assets"))[1]
    count = count if isinstance(count, int) else 0
    return count, format_number(count)


def _many_changed(event: Event) -> str:
    count, n = _count(event)
    said = ngettext("changed %(n)s asset at once", "changed %(n)s assets at once", count, n=n)
    return str(said)


def _many_undone(event: Event) -> str:
    count, n = _count(event)
    said = ngettext("undid a change of %(n)s asset", "undid a change of %(n)s assets", count, n=n)
    return str(said)


def _left(event: Event) -> str:
    """Tell those whom an asset left; where it went is not theirs to know."""
    count, n = _count(event)
    what = label(event)
    if count <= 1:
        return gettext("moved %(label)s to another client", label=what)
    return gettext("moved %(label)s to another client, with %(n)s assets in all", label=what, n=n)


def _project_left(event: Event) -> str:
    count, n = _count(event)
    said = ngettext(
        "gave the project %(label)s with %(n)s asset to another client",
        "gave the project %(label)s with %(n)s assets to another client",
        count,
        label=label(event),
        n=n,
    )
    return str(said)


def _exported(event: Event) -> str:
    rows = pair(event.changes.get("rows"))[1]
    count = rows if isinstance(rows, int) else 0
    n = format_number(count)
    said = ngettext("exported assets (%(n)s row)", "exported assets (%(n)s rows)", count, n=n)
    return str(said)


SPECIAL |= {
    "asset.exported": _exported,
    "asset.bulk_changed": _many_changed,
    "asset.bulk_undone": _many_undone,
    "asset.left": _left,
    "project.left": _project_left,
    "asset.followed": _followed,
    "custody.followed": _followed,
    "asset.checked_out": _until(
        N_("handed %(label)s to %(holder)s"), N_("handed %(label)s to %(holder)s until %(day)s")
    ),
    "asset.transferred": _until(
        N_("passed %(label)s on from %(before)s to %(holder)s"),
        N_("passed %(label)s on from %(before)s to %(holder)s until %(day)s"),
    ),
    "asset.extended": _until(
        N_("let %(holder)s keep %(label)s without end"),
        N_("let %(holder)s keep %(label)s until %(day)s"),
    ),
    "asset.checked_in": _back,
}
