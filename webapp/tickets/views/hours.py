"""Business hours: the calendars by which service levels count."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.audit.timeline import timeline_of
from webapp.core import htmx
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.search import cleaned
from webapp.tickets.business_time import calendar, is_open
from webapp.tickets.desk_forms import WEEKDAYS
from webapp.tickets.models import BusinessHours
from webapp.tickets.queries import levels as queries
from webapp.tickets.services import hours as services
from webapp.tickets.services.policies import PERMISSION, may_configure
from webapp.tickets.sla_forms import HolidaysForm, HoursForm, filled_hours
from webapp.tickets.sla_schemas import typed_spans
from webapp.tickets.views import settings
from webapp.tickets.views.common import bp, me

OFFICE = (((540, 1020),),) * 5 + ((), ())


def _get(hours_id: int) -> BusinessHours:
    return queries.get_hours(hours_id) or abort(404)


def _url(hours_id: int) -> str:
    return url_for("tickets.show_hours", hours_id=hours_id)


def _crumbs(*more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [
        (gettext("Support desk"), url_for("tickets.desk")),
        (gettext("Business hours"), url_for("tickets.hours")),
        *more,
    ]


@bp.get("/desk/hours")
@page("tickets.desk")
def hours() -> ResponseReturnValue:
    """List the calendars."""
    q = cleaned(request.args.get("q"))
    rows = queries.list_hours(q)
    return htmx.render(
        "tickets/hours.html",
        partial="tickets/_hours.html",
        rows=rows,
        weeks={key: told_week(week) for key, week in queries.weeks_of(r.id for r in rows).items()},
        q=q,
        crumbs=_crumbs(),
        may_edit=may_configure(me()),
    )


def told_week(week: Any) -> list[str]:
    """Say a week in few lines: days that follow each other and have the same hours are one."""
    lines: list[str] = []
    first = 0
    for day in range(1, len(week) + 1):
        if day < len(week) and week[day] == week[first]:
            continue
        if week[first]:
            days = str(WEEKDAYS[first])
            if day - 1 > first:
                days = gettext("%(first)s to %(last)s", first=days, last=str(WEEKDAYS[day - 1]))
            lines.append(f"{days} {typed_spans(week[first]).replace('-', chr(0x2013))}")
        first = day
    return lines


@bp.get("/desk/hours/<id:hours_id>")
@page("tickets.desk")
def show_hours(hours_id: int) -> ResponseReturnValue:
    """Show a calendar: its week, its holidays, what counts by it, its history."""
    return _show(_get(hours_id))


def _show(record: BusinessHours, problem: str | None = None, form: Any = None) -> str:
    now = datetime.now(UTC)
    days = queries.holidays_of(record.id)
    week = queries.weeks_of([record.id])[record.id]
    desk = calendar(record.timezone, week, frozenset(row.day for row in days))
    here = now.astimezone(ZoneInfo(record.timezone))
    return render_template(
        "tickets/calendar.html",
        record=record,
        week=[(WEEKDAYS[day], spans, typed_spans(spans)) for day, spans in enumerate(week)],
        never_closes=desk.never_closes,
        open_now=is_open(desk, now),
        here=here,
        coming=[row for row in days if row.day >= here.date()],
        past=[row for row in reversed(days) if row.day < here.date()],
        used=queries.policies_using(record.id),
        form=form or HolidaysForm(formdata=None),
        crumbs=_crumbs((record.name, None)),
        problem=problem,
        job=queries.recalculation(),
        may_edit=may_configure(me()),
        history=timeline_of("business_hours", record.id),
    )


# --- the form ---------------------------------------------------------------------


def _draw(form: HoursForm, *, record: BusinessHours | None = None, **context: Any) -> str:
    if record is None:
        title, back, here = gettext("New business hours"), url_for("tickets.hours"), []
    else:
        title, back = gettext("Edit %(name)s", name=record.name), _url(record.id)
        here = [(record.name, back)]
    last = (gettext("Edit") if record else title, None)
    values = {"conflict": None, "version": None} | context
    return render_template(
        "tickets/hours_form.html",
        form=form,
        title=title,
        back=back,
        crumbs=_crumbs(*here, last),
        **values,
    )


@bp.get("/desk/hours/new")
@page("tickets.desk")
@permission(PERMISSION)
def new_hours() -> ResponseReturnValue:
    """Ask for new business hours."""
    return _draw(filled_hours("", me().timezone, OFFICE))


@bp.post("/desk/hours/new")
@page("tickets.desk")
@permission(PERMISSION)
def create_hours() -> ResponseReturnValue:
    """Add business hours."""
    return settings.answer(
        HoursForm(),
        draw=_draw,
        work=lambda command: services.create(me(), command),
        there=lambda made: _url(made.id),
        said=gettext("The business hours were added."),
    )


@bp.get("/desk/hours/<id:hours_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def edit_hours(hours_id: int) -> ResponseReturnValue:
    """Ask what to change about business hours."""
    record = _get(hours_id)
    form = filled_hours(record.name, record.timezone, queries.weeks_of([hours_id])[hours_id])
    return _draw(form, record=record, version=record.version)


@bp.post("/desk/hours/<id:hours_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def save_hours(hours_id: int) -> ResponseReturnValue:
    """Change business hours."""
    record, form, seen = _get(hours_id), HoursForm(), settings.version()

    def compare(current: BusinessHours) -> dict[str, Any]:
        week = queries.weeks_of([hours_id])[hours_id]
        rows = [
            (gettext("Name"), form.command.name, current.name),
            (gettext("Time zone"), form.command.timezone, current.timezone),
            *(
                (str(name), typed_spans(mine), typed_spans(theirs))
                for name, mine, theirs in zip(WEEKDAYS, form.command.week, week, strict=True)
            ),
        ]
        return settings.conflict("business_hours", current, rows)

    def draw(form: HoursForm, **context: Any) -> str:
        return _draw(form, record=record, **({"version": seen} | context))

    return settings.answer(
        form,
        draw=draw,
        work=lambda command: services.save(me(), record, command, version=seen),
        compare=compare,
        there=lambda _: _url(hours_id),
        said=gettext("The business hours were saved."),
    )


@bp.post("/desk/hours/<id:hours_id>/delete")
@page("tickets.desk")
@permission(PERMISSION)
def delete_hours(hours_id: int) -> ResponseReturnValue:
    """Delete business hours that no service level uses."""
    record = _get(hours_id)
    return settings.settle(
        lambda: services.delete(me(), record, version=settings.version()),
        url=url_for("tickets.hours"),
        show=lambda problem: _show(_get(hours_id), problem),
        said=gettext("The business hours were deleted."),
    )


# --- holidays ---------------------------------------------------------------------


@bp.post("/desk/hours/<id:hours_id>/holidays")
@page("tickets.desk")
@permission(PERMISSION)
def add_holidays(hours_id: int) -> ResponseReturnValue:
    """Close on a day, or on many that were pasted."""
    record, form = _get(hours_id), HolidaysForm()
    if not form.validate():
        return _show(record, form=form), 422
    try:
        new, renamed = services.add_holidays(me(), record, form.command)
    except DomainError as error:
        form.refuse(error)
        return _show(record, form=form), 422
    flash(_told_added(new, renamed), "success")
    return htmx.redirect_to(_url(hours_id))


def _told_added(new: int, renamed: int) -> str:
    said = []
    if new:
        said.append(ngettext("%(num)s holiday was added.", "%(num)s holidays were added.", new))
    if renamed:
        said.append(
            ngettext("%(num)s holiday was renamed.", "%(num)s holidays were renamed.", renamed)
        )
    return " ".join(said) or gettext("All of these were there already.")


@bp.post("/desk/hours/<id:hours_id>/holidays/<id:holiday_id>/remove")
@page("tickets.desk")
@permission(PERMISSION)
def remove_holiday(hours_id: int, holiday_id: int) -> ResponseReturnValue:
    """Open on a day again."""
    record = _get(hours_id)
    holiday = queries.get_holiday(hours_id, holiday_id) or abort(404)
    services.remove_holiday(me(), record, holiday)
    flash(gettext("The holiday was removed."), "success")
    return htmx.redirect_to(_url(hours_id))
