"""A person's own notifications, and asking for access."""

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.core.errors import DomainError
from webapp.core.guards import signed_in
from webapp.core.htmx import redirect_to
from webapp.core.identity import person, signed_in_person
from webapp.core.registry import find_entry
from webapp.core.search import UnknownFilter
from webapp.core.security import limiter, local_path
from webapp.core.templating import when_text
from webapp.notifications import queries, services
from webapp.notifications.forms import AskForm

bp = Blueprint("notifications", __name__)
SHOWN_QUESTIONS = 10


def _asker() -> str:
    who = person()
    return f"user:{who.id}" if who else request.remote_addr or ""


@bp.get("/notifications")
@signed_in
def index() -> ResponseReturnValue:
    """Show what the person was told, newest first."""
    shown = request.args.get("show", "all")
    if shown not in ("all", "unread"):
        raise UnknownFilter
    unread_only = shown == "unread"
    page = queries.list_own(signed_in_person().id, request.args, unread_only=unread_only)
    return render_template(
        "notifications/index.html",
        page=page,
        unread_only=unread_only,
        asked=[
            (find_entry(row.key), row)
            for row in queries.asked_by(signed_in_person().id, limit=SHOWN_QUESTIONS)
        ],
    )


@bp.post("/notifications/read")
@signed_in
def read_all() -> ResponseReturnValue:
    """Mark everything as read."""
    count = services.mark_all_read(signed_in_person().id)
    flash(
        ngettext(
            "%(num)s notification marked as read.", "%(num)s notifications marked as read.", count
        ),
        "success",
    )
    return redirect_to(url_for("notifications.index"))


@bp.post("/notifications/<id:notification_id>/open")
@signed_in
def follow(notification_id: int) -> ResponseReturnValue:
    """Mark one as read and go where it leads."""
    notification = queries.get_own(signed_in_person().id, notification_id)
    if notification is None:
        abort(404)
    services.mark_read(notification)
    return redirect_to(local_path(notification.url) or url_for("notifications.index"))


@bp.post("/access/ask")
@signed_in
@limiter.limit("5 per hour", key_func=_asker)
def ask() -> ResponseReturnValue:
    """Tell those who may grant it that the person asks for access."""
    form = AskForm()
    if not form.validate():
        return render_template("notifications/ask.html", form=form), 422
    command = form.command
    try:
        count = services.ask_for_access(
            signed_in_person(),
            key=command.key,
            reason=command.reason,
            path=local_path(command.path) or "",
        )
    except services.AskedAlready as error:
        at = when_text(error.at)
        flash(
            gettext("You asked for this already, at %(at)s. It was passed on then.", at=at), "info"
        )
        return redirect_to(url_for("notifications.index"))
    except DomainError as error:
        form.refuse(error)
        return render_template("notifications/ask.html", form=form), 422
    flash(
        ngettext("%(num)s person was told.", "%(num)s people were told.", count)
        + " "
        + gettext("You will have access as soon as one of them gives you a role."),
        "success",
    )
    return redirect_to(url_for("notifications.index"))
