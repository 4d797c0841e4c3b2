"""Business hours: what people change about calendars. Open tickets get their times anew by a job."""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import text

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError, check_version
from webapp.core.language import _
from webapp.tickets.models import BusinessHours, BusinessSpan, Holiday
from webapp.tickets.queries import levels as queries
from webapp.tickets.queries import sla as current
from webapp.tickets.services.base import saying
from webapp.tickets.services.policies import require
from webapp.tickets.sla_schemas import WEEKDAYS, HolidaysAdd, HoursEdit, typed_spans
from webapp.tickets.sla_tasks import defer_recalculation

MAX_HOLIDAYS = 2000
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_business_hours_name": (_("There are business hours of this name."), "name"),
    "fk_sla_policies_hours_id_business_hours": (
        _("Service levels count by these hours, perhaps deleted ones. Give them others first."),
        None,
    ),
}
_CLEAR_DAY = text("DELETE FROM business_spans WHERE hours_id = :hours AND weekday = :day")


def create(actor: SignedIn | None, command: HoursEdit) -> BusinessHours:
    """Add a calendar.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        DomainError: if the name is taken.
    """
    require(actor)
    hours = BusinessHours(name=command.name, timezone=command.timezone)
    week = _differing((((),) * 7), command)
    trail.tell(hours, "business_hours.created", changes=_told(week))
    with saying(REFUSALS):
        db.session.add(hours)
    _write(hours, week)
    current.forget()
    return hours


def save(
    actor: SignedIn | None, hours: BusinessHours, command: HoursEdit, *, version: int | None
) -> BusinessHours:
    """Change name, zone and week of a calendar.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        StaleVersion: if it was saved since ``version``.
        DomainError: if the name is taken.
    """
    require(actor)
    hours = queries.get_hours(hours.id, lock=True) or hours
    check_version(hours, version)
    week = _differing(queries.weeks_of([hours.id])[hours.id], command)
    own = {name for name in ("name", "timezone") if getattr(hours, name) != getattr(command, name)}
    if own:
        trail.tell(hours, "business_hours.updated", changes=_told(week))
    elif week:
        _note(hours, _told(week))
    with saying(REFUSALS):
        for name in own:
            setattr(hours, name, getattr(command, name))
        if week:
            hours.updated_at = datetime.now(
                UTC
            )  # the week is part of it: who edits it now is behind
    _write(hours, week)
    if week or "timezone" in own:
        _recalculate(actor, hours)
    return hours


def delete(actor: SignedIn | None, hours: BusinessHours, *, version: int | None) -> None:
    """Delete a calendar that no service level uses.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        StaleVersion: if it was saved since ``version``.
        DomainError: if service levels count by it.
    """
    require(actor)
    check_version(hours, version)
    with saying(REFUSALS):
        db.session.delete(hours)
    current.forget()


Week = dict[int, tuple[Any, Any]]  # by weekday: the spans before and now


def _differing(before: Any, command: HoursEdit) -> Week:
    return {
        day: (was, now)
        for day, (was, now) in enumerate(zip(before, command.week, strict=True))
        if tuple(was) != tuple(now)
    }


def _told(week: Week) -> dict[str, Any]:
    return {WEEKDAYS[day]: [typed_spans(was), typed_spans(now)] for day, (was, now) in week.items()}


def _note(hours: BusinessHours, changes: dict[str, Any]) -> None:
    trail.note(
        "business_hours.updated",
        object_type="business_hours",
        object_id=hours.id,
        object_label=hours.name,
        changes=changes,
    )


def _write(hours: BusinessHours, week: Week) -> None:
    """Write spans past the session: the log tells a day, not its parts."""
    for day in week:
        db.session.execute(_CLEAR_DAY, {"hours": hours.id, "day": day})
    rows = [
        {"hours_id": hours.id, "weekday": day, "opens": opens, "closes": closes}
        for day, (_was, now) in week.items()
        for opens, closes in now
    ]
    _insert(BusinessSpan, rows)


def _insert(model: Any, rows: list[dict[str, Any]]) -> None:
    """Insert rows whose ids come by themselves."""
    if rows:
        names = ", ".join(rows[0])
        values = ", ".join(f":{name}" for name in rows[0])
        statement = text(f"INSERT INTO {model.__tablename__} ({names}) VALUES ({values})")  # noqa: S608 - our own names
        db.session.execute(statement, rows)


# --- holidays -----------------------------------------------------------------------------


def add_holidays(
    actor: SignedIn | None, hours: BusinessHours, command: HolidaysAdd
) -> tuple[int, int]:
    """Close a calendar on some days; return how many are new, and how many got another name.

    Raises:
        Denied: if the actor may not run the desk everywhere.
        DomainError: if these are too many.
    """
    require(actor)
    hours = queries.get_hours(hours.id, lock=True) or hours
    known = queries.days_named(hours.id)
    new = {day: name for day, name in command.lines.items() if day not in known}
    if len(known) + len(new) > MAX_HOLIDAYS:
        raise DomainError(_("A calendar holds at most 2,000 holidays."), field="lines")
    if new:
        _insert(Holiday, [{"hours_id": hours.id, "day": day, "name": new[day]} for day in new])
        _note(hours, {"holidays": [None, _listed(new)]})
    renamed = 0
    for day, name in command.lines.items():
        if day in known and known[day].name != name:
            trail.tell(known[day], "business_hours.updated", **_about(hours))
            known[day].name, renamed = name, renamed + 1
    db.session.flush()
    if new:
        _recalculate(actor, hours)
    return len(new), renamed


def remove_holiday(actor: SignedIn | None, hours: BusinessHours, holiday: Holiday) -> None:
    """Open a calendar again on a day.

    Raises:
        Denied: if the actor may not run the desk everywhere.
    """
    require(actor)
    trail.tell(
        holiday,
        "business_hours.updated",
        **_about(hours),
        changes={"holidays": [_listed({holiday.day: holiday.name}), None]},
    )
    db.session.delete(holiday)
    db.session.flush()
    _recalculate(actor, hours)


def _about(hours: BusinessHours) -> dict[str, Any]:
    return {
        "object_type": "business_hours",
        "object_id": hours.id,
        "object_label": hours.name,
    }


def _listed(days: dict[date, str]) -> str:
    return ", ".join(f"{day} {name}" for day, name in sorted(days.items()))


def _recalculate(actor: SignedIn | None, hours: BusinessHours) -> None:
    """Have the times set anew of tickets whose service levels count by these hours."""
    current.forget()
    used = queries.policies_using(hours.id)
    if used:
        defer_recalculation(
            actor,
            scopes=[],
            policy_ids=[row.id for row in used],
            url=f"/tickets/desk/hours/{hours.id}",
            reason=f"Business hours “{hours.name}” were changed",
        )
