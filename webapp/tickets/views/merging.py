"""Merging a ticket into another one, seen before it is done; and undoing it."""

from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from webapp.core.errors import Denied, DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to
from webapp.tickets.models import Ticket
from webapp.tickets.queries import merging as queries
from webapp.tickets.queries import relations as others
from webapp.tickets.queries import ticket as ticket_queries
from webapp.tickets.relation_forms import MergeForm
from webapp.tickets.services import base, unmerging
from webapp.tickets.services import merging as services
from webapp.tickets.services.merging import PERMISSION
from webapp.tickets.views.common import bp, find, me, ticket_url
from webapp.tickets.views.relations import name_of
from webapp.tickets.words import KIND, PRIORITY, STATUS

NOTHING = "\N{EN DASH}"


@bp.get("/<id:number>/merge")
@page("tickets")
@permission(PERMISSION, scoped=True)
def ask_merge(number: int) -> ResponseReturnValue:
    """Ask which ticket takes everything; with ``into=<number>``, show what would move and what differs."""
    source = find(number)
    base.require_on(me(), PERMISSION, source)
    typed = request.args.get("into", type=int)
    form = MergeForm(formdata=None, data={"into": typed, "reason": request.args.get("reason", "")})
    if typed is None:
        return _choose(source, form)
    try:
        target = services.find_target(typed)
        services.check(me(), source, target)
    except DomainError as error:
        return _choose(source, form, error), 403 if isinstance(error, Denied) else 422
    return _show(source, target, form)


def _choose(source: Ticket, form: MergeForm, error: DomainError | None = None) -> str:
    if error is not None:
        form.into.errors = [*form.into.errors, str(error)]
    url = url_for("tickets.pick_other", number=source.number, merge=1)
    form.into.offer(url, present=name_of(form.into.data))
    return render_template(
        "tickets/merge.html",
        record=source,
        form=form,
        suggestions=others.suggestions(source) if source.merged_into_id is None else [],
    )


def _show(source: Ticket, target: Ticket, form: MergeForm) -> str:
    return render_template(
        "tickets/merge_preview.html",
        source=source,
        target=target,
        form=form,
        amounts=queries.amounts_of(source.id, target.id),
        differences=_differences(source, target),
        swapped=services.why_not(target, source) is None,
        days=queries.DAYS,
    )


def _differences(source: Ticket, target: Ticket) -> list[tuple[str, str, str]]:
    """Return what the two say differently: the title, what is left behind, what stays."""
    one, two = (_facts(ticket) for ticket in (source, target))
    return [(title, one[title], two[title]) for title in one if one[title] != two[title]]


def _facts(ticket: Ticket) -> dict[str, str]:
    around = ticket_queries.around_of(ticket)
    facts: dict[str, Any] = {
        _("Subject"): ticket.subject,
        _("Kind"): KIND[ticket.kind],
        _("Status"): STATUS[ticket.status],
        _("Priority"): PRIORITY[ticket.priority],
        _("Project"): around.project_name,
        _("Asset"): around.asset_tag and f"{around.asset_tag} {around.asset_name}",
        _("Requester"): around.requester_name,
        _("Assignee"): around.assignee_name,
        _("Team"): around.team_name,
        _("Tags"): ", ".join(ticket.tags),
    }
    return {title: str(value or NOTHING) for title, value in facts.items()}


@bp.post("/<id:number>/merge")
@page("tickets")
@permission(PERMISSION, scoped=True)
def merge(number: int) -> ResponseReturnValue:
    """Merge it."""
    source, form = find(number), MergeForm()
    if not form.validate():
        return _choose(source, form), 422
    try:
        target = services.find_target(form.command.into)
        services.merge(me(), source, target, reason=form.command.reason)
    except Denied:
        raise
    except DomainError as error:
        return _choose(source, form, error), 422
    names = {"one": f"#{source.number}", "two": f"#{target.number}"}
    # The toast draws it: a button that undoes at once, and a link to what that would do.
    said: Any = {
        "text": _("%(one)s was merged into %(two)s.", **names),
        "post": url_for("tickets.unmerge", number=source.number),
        "label": _("Undo"),
        "look": url_for("tickets.ask_unmerge", number=source.number),
    }
    flash(said, "success")
    return redirect_to(ticket_url(target))


@bp.get("/<id:number>/merge/undo")
@page("tickets")
@permission(PERMISSION, scoped=True)
def ask_unmerge(number: int) -> ResponseReturnValue:
    """Show what undoing a merge gives back, or why it cannot be undone."""
    return _unmerge_page(find(number))


def _unmerge_page(source: Ticket) -> str:
    base.require_on(me(), PERMISSION, source)
    found = unmerging.find_merge(source)
    if found is None:
        abort(404)
    merge, target = found
    return render_template(
        "tickets/merge_undo.html",
        source=source,
        target=target,
        moved=merge.moved,
        at=merge.merged_at,
        reasons=unmerging.reasons(merge, source, target),
    )


@bp.post("/<id:number>/merge/undo")
@page("tickets")
@permission(PERMISSION, scoped=True)
def unmerge(number: int) -> ResponseReturnValue:
    """Take the merge back."""
    source = find(number)
    target = unmerging.undo(me(), source)
    names = {"one": f"#{source.number}", "two": f"#{target.number}"}
    flash(_("%(one)s is a ticket of its own again, apart from %(two)s.", **names), "success")
    return redirect_to(ticket_url(source))
