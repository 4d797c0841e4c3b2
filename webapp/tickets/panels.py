"""What people see of tickets on the page of a person."""

from collections.abc import Iterable, Sequence

from flask import url_for

from webapp.core import panels
from webapp.core.identity import Person
from webapp.core.language import _, ngettext
from webapp.core.panels import Panel, Thing
from webapp.organisation.tree import reach_of
from webapp.tickets.queries import around as queries

PAGE = "tickets"


def _things(who: Person, user_id: int) -> Sequence[Thing]:
    return [
        Thing(title=f"#{row.number} {row.subject}", url=url_for("tickets.show", number=row.number))
        for row in queries.held_by(user_id, reach=reach_of(who, PAGE))
    ]


def _counts(who: Person, user_ids: Iterable[int]) -> dict[int, int]:
    return queries.held_counts(user_ids, reach=reach_of(who, PAGE))


panels.register(
    Panel(
        key="tickets",
        title=_("Open tickets"),
        page=PAGE,
        url=lambda user_id: url_for("tickets.worked_by", user_id=user_id),
        things=_things,
        counts=_counts,
        counted=lambda count: str(ngettext("%(num)s open ticket", "%(num)s open tickets", count)),
    )
)
