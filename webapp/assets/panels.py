"""What people see of assets on the page of a person."""

from collections.abc import Iterable, Sequence

from flask import url_for

from webapp.assets.queries import custody as queries
from webapp.core import panels
from webapp.core.identity import Person
from webapp.core.language import _, format_day, gettext, ngettext
from webapp.core.panels import Panel, Thing
from webapp.organisation.tree import reach_of

PAGE = "assets"


def _things(who: Person, user_id: int) -> Sequence[Thing]:
    return [
        Thing(
            title=f"{row.tag} {row.name}",
            url=url_for("assets.show", tag=row.tag),
            hint=gettext("due %(day)s", day=format_day(row.due_on)) if row.due_on else "",
        )
        for row in queries.held_names(user_id, reach=reach_of(who, PAGE))
    ]


def _counts(who: Person, user_ids: Iterable[int]) -> dict[int, int]:
    return queries.held_counts(user_ids, reach=reach_of(who, PAGE))


panels.register(
    Panel(
        key="assets",
        title=_("Assets"),
        page=PAGE,
        url=lambda user_id: url_for("assets.held_by", user_id=user_id),
        things=_things,
        counts=_counts,
        counted=lambda count: str(ngettext("%(num)s asset", "%(num)s assets", count)),
    )
)
