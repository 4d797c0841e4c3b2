"""How a record was: its versions, any two of them side by side, and who could see it then."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from flask import abort, render_template, request
from flask.typing import ResponseReturnValue

from webapp.access import asof as access
from webapp.audit import asof
from webapp.audit.asof import Snapshot
from webapp.audit.queries.labels import names_of
from webapp.audit.wording import field_title
from webapp.core import object_types, trail
from webapp.core.errors import DomainError
from webapp.core.guards import page
from webapp.core.identity import signed_in_person
from webapp.core.moments import past_from, typed_from
from webapp.core.typed import number_of
from webapp.oversight import history as logic
from webapp.oversight.masking import mask_of, pages_of
from webapp.oversight.views.common import bp, sees_everything


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Which moments of a record; an entry stands for the moment right after it."""

    at: datetime | None
    upto: int | None
    other: datetime | None
    compare: bool
    before: int | None
    problem: str | None = None

    @property
    def past(self) -> bool:
        """True unless the record is asked for as it is."""
        return self.at is not None or self.upto is not None


@bp.get("/record/<kind>/<id:record_id>")
@page("audit", sensitive=True)
def record(kind: str, record_id: int) -> ResponseReturnValue:
    """Show a record as it was at a moment, and all that became of it."""
    asked, who, mask = _asked(), signed_in_person(), mask_of(signed_in_person())
    found = None
    if kind in asof.KINDS:
        found = logic.history_of(kind, record_id, everything=sees_everything())
    if found is None:
        abort(404)
    about = {"object_type": kind, "object_id": record_id}
    trail.note(
        "audit.read", category="read", changes=about | ({"at": asked.at} if asked.at else {})
    )
    now = found.at(None)
    asked, then, other = _in_order(asked, found, now)
    told = [then, other] if asked.compare else [then or now]
    covered = any(mask.hides(kind, (one or now or found).client_id) for one in told)
    lines = logic.page_of(found, mask, before=asked.before, everything=sees_everything())
    made = {} if covered else _changes(found, asked, then, other)
    names = names_of([*lines.rows, *(row for one in made.values() for row in one.rows())])
    shown = {key: one.told(names, _url_of) for key, one in made.items()}
    drawn = render_template(
        "audit/record.html",
        kind=kind,
        title=object_types.title_of(kind),
        field_title=field_title,
        history=found,
        asked=asked,
        then=then,
        covered=covered,
        around=found.around(then),
        lines=lines.told(found, names),
        older=lines.older,
        typed_at=typed_from(_moment(asked, then), who.timezone) if asked.past else "",
        typed_other=typed_from(asked.other, who.timezone),
        record_url=_url_of(kind, record_id),
        sight=_sight(kind, then, asked) if asked.past and not covered else None,
        disagreements=None if asked.past or covered else logic.disagreements(found, now),
        between=found.between(then, other),
        **{"fields": [], "changed": None, **shown},
    )
    return drawn, HTTPStatus.UNPROCESSABLE_ENTITY if asked.problem else HTTPStatus.OK


def _asked() -> Asked:
    """Read the moments; with one that makes no sense, the record is shown as it is."""
    zone, args = signed_in_person().timezone, request.args
    before = number_of(args.get("before", ""))
    try:
        at, other = (past_from(args.get(name, ""), zone) for name in ("at", "other"))
    except DomainError as error:
        said = str(error)
        return Asked(at=None, upto=None, other=None, compare=False, before=before, problem=said)
    return Asked(
        at=at,
        upto=number_of(args.get("upto", "")),
        other=other,
        compare="other" in args and bool(args.get("at") or args.get("upto")),
        before=before,
    )


def _in_order(
    asked: Asked, found: logic.History, now: Snapshot | None
) -> tuple[Asked, Snapshot | None, Snapshot | None]:
    """Return what the record was at both moments, the earlier one first, however they were typed."""
    then = found.at(asked.at, asked.upto)
    if not (asked.compare and asked.other):
        return asked, then, now
    other, here = found.at(asked.other), _moment(asked, then)
    if here is None or asked.other >= here:
        return asked, then, other
    return replace(asked, at=asked.other, upto=None, other=here), other, then


def _moment(asked: Asked, then: Snapshot | None) -> datetime | None:
    return asked.at or (then.at if then else None)


def _changes(
    found: logic.History, asked: Asked, then: Snapshot | None, other: Snapshot | None
) -> dict[str, logic.Change]:
    """What the page tells of the record's values, as rows of the log would."""
    # Right after an entry names are those of when it was recorded.
    moment = asked.at or (then.recorded_at if then and asked.upto is not None else None)
    one = logic.Side(values=_all_of(then, asked.at), moment=moment)
    made = {"fields": logic.change(found.kind, logic.NONE, one)}
    if asked.compare:
        later = _all_of(other, asked.other or datetime.now(UTC))
        two = logic.Side(values=later, moment=asked.other)
        made["changed"] = logic.change(found.kind, one, two)
    return made


def _all_of(then: Snapshot | None, at: datetime | None) -> dict[str, Any]:
    """The record's values; of a role what it gave, too, for those who read the whole log."""
    if then is None:
        return {}
    if then.object_type != "role" or not then.exists or not sees_everything():
        return dict(then.values)
    given = {role.id: role for role in access.contents_at(at or then.at)}
    role = given.get(then.object_id)
    return dict(then.values) | {
        "pages": sorted(role.pages) if role else [],
        "permissions": sorted(role.permissions) if role else [],
    }


def _sight(kind: str, then: Snapshot | None, asked: Asked) -> list[access.Holder] | None:
    """Who could see the record then; for those who read the whole log."""
    at = _moment(asked, then)
    if then is None or at is None or kind == "role" or not sees_everything():
        return None
    return access.holders(at, pages_of(kind), place=_place(kind, then), placed=kind not in _FREE)


_FREE = ("user", "role")  # seen by all who open their page, wherever


def _place(kind: str, then: Snapshot) -> tuple[str, int] | None:
    if kind in {"location", "client", "project"}:
        return kind, then.object_id
    if project := then.values.get("project_id"):
        return "project", project
    client = then.values.get("client_id")
    return ("client", client) if client else None


def _url_of(kind: str | None, number: int | None) -> str | None:
    who = signed_in_person()
    opens = any(map(who.opens, pages_of(kind)))
    return object_types.url_of(kind, number) if opens else None
