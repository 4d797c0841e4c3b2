"""Service levels: what is promised for which tickets, and when that would be due."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from flask import abort, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.audit.timeline import timeline_of
from webapp.core import htmx, pickers
from webapp.core.guards import page, permission
from webapp.core.search import UnknownFilter, cleaned
from webapp.core.typed import number_of
from webapp.organisation import choices
from webapp.organisation.tree import reach_of
from webapp.tickets import lengths
from webapp.tickets.business_time import Calendar, add_business
from webapp.tickets.models import Priority, SlaPolicy
from webapp.tickets.queries import levels as queries
from webapp.tickets.queries import sla as current
from webapp.tickets.services import policies as services
from webapp.tickets.services.policies import PERMISSION, may_configure
from webapp.tickets.sla_forms import PolicyForm, filled_policy
from webapp.tickets.sla_schemas import WHATS
from webapp.tickets.views import settings
from webapp.tickets.views.common import bp, me
from webapp.tickets.words import KIND, PRIORITY


def _get(policy_id: int) -> SlaPolicy:
    return queries.get_policy(policy_id) or abort(404)


def _url(policy_id: int) -> str:
    return url_for("tickets.show_policy", policy_id=policy_id)


def _crumbs(*more: tuple[str, str | None]) -> list[tuple[str, str | None]]:
    return [
        (gettext("Support desk"), url_for("tickets.desk")),
        (gettext("Service levels"), url_for("tickets.policies")),
        *more,
    ]


@bp.get("/desk/service-levels")
@page("tickets.desk")
def policies() -> ResponseReturnValue:
    """List the service levels in sight."""
    deleted = request.args.get("deleted", "")
    if deleted not in ("", "1"):
        raise UnknownFilter
    q = cleaned(request.args.get("q"))
    rows = queries.list_policies(request.args, q=q, deleted=deleted == "1")
    targets = queries.targets_of(row.id for row in rows.rows)
    days = {key: one.day_minutes for key, one in current.policies().calendars.items()}
    return htmx.render(
        "tickets/policies.html",
        partial="tickets/_policies.html",
        page=rows,
        told={row.id: _told(targets[row.id], days[row.hours_id]) for row in rows.rows},
        kinds=KIND,
        priorities=PRIORITY,
        q=q,
        deleted=deleted,
        crumbs=_crumbs(),
        may_edit=may_configure(me()),
    )


def _told(targets: Mapping[str, Any], day: int) -> dict[str, tuple[str, str]]:
    """The targets by priority as pages say them: answer, solution."""
    return {
        priority: (lengths.said(row.response, day), lengths.said(row.resolution, day))
        for priority, row in targets.items()
    }


@bp.get("/desk/service-levels/<id:policy_id>")
@page("tickets.desk")
def show_policy(policy_id: int) -> ResponseReturnValue:
    """Show a service level: its targets, when they would be due now, its history."""
    return _show(_get(policy_id))


def _show(record: SlaPolicy, problem: str | None = None) -> str:
    targets = queries.targets_of([record.id])[record.id]
    named = queries.names_in(record)
    desk = current.policies().calendars[record.hours_id]
    now = datetime.now(UTC)
    return render_template(
        "tickets/policy.html",
        record=record,
        hours=SimpleNamespace(id=record.hours_id, name=named.hours),
        client=named.client,
        told=_told(targets, desk.day_minutes),
        rows=_worked(desk, targets, now),
        now=now,
        kinds=KIND,
        priorities=PRIORITY,
        tickets=queries.open_tickets(record.id),
        problem=problem,
        job=queries.recalculation(),
        crumbs=_crumbs((record.name, None)),
        may_edit=may_configure(me()),
        history=timeline_of("sla_policy", record.id, named=False),
    )


def _worked(desk: Calendar, targets: Mapping[str, Any], now: datetime) -> list[Any]:
    """For each priority that has targets: when they would be due if a ticket were opened now."""
    return [
        (priority, *(_due(desk, getattr(targets[priority], what), now) for what in WHATS))
        for priority in Priority
        if priority in targets
    ]


def _due(desk: Calendar, minutes: int | None, now: datetime) -> datetime | None:
    return None if minutes is None else add_business(desk, now, minutes)


@bp.get("/desk/service-levels/preview")
@page("tickets.desk")
def preview_policy() -> ResponseReturnValue:
    """Show when the targets that are being typed would be due; what cannot be read is left out."""
    hours_id = number_of(request.args.get("hours_id"))
    hours = queries.get_hours(hours_id) if hours_id is not None else None
    rows: list[Any] = []
    now = datetime.now(UTC)
    if hours is not None:
        desk = current.policies().calendars[hours.id]
        typed = {priority: _typed(priority, desk.day_minutes) for priority in Priority}
        rows = _worked(desk, {key: row for key, row in typed.items() if row}, now)
    return render_template(
        "tickets/_policy_preview.html", rows=rows, hours=hours, now=now, priorities=PRIORITY
    )


def _typed(priority: Priority, day: int) -> Any:
    """The targets of a priority as they were typed so far; None if there are none."""
    found = {}
    for what in WHATS:
        length = lengths.read(request.args.get(f"{priority.value}_{what}", "")[:40])
        minutes = length.in_minutes(day) if length else 0
        found[what] = minutes if 1 <= minutes <= lengths.MOST else None
    return SimpleNamespace(**found) if any(found.values()) else None


@bp.get("/desk/recalculation")
@page("tickets.desk")
def recalculation() -> ResponseReturnValue:
    """Show how far the job is that sets due times anew; the fragment asks for itself until it is done."""
    job = queries.recalculation(number_of(request.args.get("job")))
    return render_template("tickets/_recalculation.html", job=job)


# --- the form ---------------------------------------------------------------------


def _draw(form: PolicyForm, *, record: SlaPolicy | None = None, **context: Any) -> str:
    if record is None:
        title, back, here = gettext("New service level"), url_for("tickets.policies"), []
    else:
        title, back = gettext("Edit %(name)s", name=record.name), _url(record.id)
        here = [(record.name, back)]
    hours = queries.list_hours()
    form.offer(hours)
    client = queries.client_named(number_of(form.client_id.data))
    form.client_id.offer(
        url_for("tickets.pick_policy_client"),
        present=client.name if client else None,
        fixed=[("", gettext("All clients"))],
    )
    values = {"conflict": None, "version": None} | context
    return render_template(
        "tickets/policy_form.html",
        form=form,
        hours=hours,
        title=title,
        back=back,
        crumbs=_crumbs(*here, (gettext("Edit") if record else title, None)),
        priorities=PRIORITY,
        **values,
    )


@bp.get("/desk/pickers/clients")
@page("tickets.desk")
@permission(PERMISSION)
def pick_policy_client() -> ResponseReturnValue:
    """Find clients in sight."""
    seen = reach_of(me(), "tickets.desk")
    rows, more = choices.find_places(pickers.typed(), kinds=("client",), seen=seen)
    return pickers.answer(choices.options(rows), more=more)


@bp.get("/desk/service-levels/new")
@page("tickets.desk")
@permission(PERMISSION)
def new_policy() -> ResponseReturnValue:
    """Ask for a new service level."""
    form = PolicyForm(formdata=None)
    hours = queries.list_hours()
    if len(hours) == 1:
        form.hours_id.data = str(hours[0].id)
    return _draw(form)


@bp.post("/desk/service-levels/new")
@page("tickets.desk")
@permission(PERMISSION)
def create_policy() -> ResponseReturnValue:
    """Add a service level."""
    return settings.answer(
        PolicyForm(),
        draw=_draw,
        work=lambda command: services.create(me(), command),
        there=lambda policy: _url(policy.id),
        said=gettext("The service level was added."),
    )


@bp.get("/desk/service-levels/<id:policy_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def edit_policy(policy_id: int) -> ResponseReturnValue:
    """Ask what to change about a service level."""
    record = _get(policy_id)
    day = current.policies().calendars[record.hours_id].day_minutes
    form = filled_policy(record, queries.targets_of([policy_id])[policy_id], day)
    return _draw(form, record=record, version=record.version)


@bp.post("/desk/service-levels/<id:policy_id>/edit")
@page("tickets.desk")
@permission(PERMISSION)
def save_policy(policy_id: int) -> ResponseReturnValue:
    """Change a service level."""
    record, form, seen = _get(policy_id), PolicyForm(), settings.version()

    def draw(form: PolicyForm, **context: Any) -> str:
        return _draw(form, record=record, **({"version": seen} | context))

    return settings.answer(
        form,
        draw=draw,
        work=lambda command: services.save(me(), record, command, version=seen),
        compare=partial(_compare, form),
        there=lambda _: _url(policy_id),
        said=gettext("The service level was saved."),
    )


def _compare(form: PolicyForm, record: SlaPolicy) -> dict[str, Any]:
    """Both versions side by side, as their forms show them."""
    calendars = queries.list_hours()
    day = current.policies().calendars[record.hours_id].day_minutes
    theirs = filled_policy(record, queries.targets_of([record.id])[record.id], day)
    for one in (form, theirs):
        one.offer(calendars)
    rows = [
        (str(field.label.text), _shown(field), _shown(theirs[field.name]))
        for field in form
        if field.name in form.schema.model_fields
    ]
    titles = [(gettext(title), mine, other) for title, mine, other in rows]
    return settings.conflict("sla_policy", record, titles)


def _shown(field: Any) -> str:
    """What a field holds, as people read it."""
    value = "" if field.data is None else str(field.data)
    if field.name == "client_id":
        client = queries.client_named(number_of(value))
        return str(client.name) if client else gettext("All clients")
    if choices_ := getattr(field, "choices", None):
        options = choices_() if callable(choices_) else choices_
        return next((str(one.label) for one in options if str(one.value) == value), value)
    return value


@bp.post("/desk/service-levels/<id:policy_id>/delete")
@page("tickets.desk")
@permission(PERMISSION)
def delete_policy(policy_id: int) -> ResponseReturnValue:
    """Hide a service level."""
    record = _get(policy_id)
    return settings.settle(
        lambda: services.delete(me(), record, version=settings.version()),
        url=_url(policy_id),
        show=lambda problem: _show(record, problem),
        said=gettext("The service level was deleted."),
    )


@bp.post("/desk/service-levels/<id:policy_id>/restore")
@page("tickets.desk")
@permission(PERMISSION)
def restore_policy(policy_id: int) -> ResponseReturnValue:
    """Bring a deleted service level back."""
    record = _get(policy_id)
    return settings.settle(
        lambda: services.restore(me(), record),
        url=_url(policy_id),
        show=lambda problem: _show(record, problem),
        said=gettext("The service level was restored."),
    )
