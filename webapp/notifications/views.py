"""A person's own notifications, how they want to be told, and asking for access."""

from collections.abc import Sequence
from contextlib import nullcontext
from datetime import time
from typing import Any

from flask import Blueprint, abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from webapp.core import trail
from webapp.core.errors import DomainError
from webapp.core.guards import public, signed_in
from webapp.core.htmx import redirect_to, wants_partial
from webapp.core.identity import person, signed_in_person
from webapp.core.language import speaking
from webapp.core.registry import find_entry
from webapp.core.search import UnknownFilter
from webapp.core.security import csrf, limiter, local_path
from webapp.core.templating import when_text
from webapp.notifications import mailing, queries, services
from webapp.notifications.forms import AskForm, PreferencesForm
from webapp.notifications.kinds import KINDS
from webapp.notifications.schemas import USUAL_EVERY
from webapp.notifications.sights import SIGHTS, out_of_sight

bp = Blueprint("notifications", __name__)
SHOWN_QUESTIONS = 10
BELL_ROWS = 10


def _asker() -> str:
    who = person()
    return f"user:{who.id}" if who else request.remote_addr or ""


@bp.get("/notifications")
@signed_in
def index() -> ResponseReturnValue:
    """Show what the person was told, newest first."""
    who = signed_in_person()
    shown, kind = request.args.get("show", "all"), request.args.get("kind", "")
    if shown not in ("all", "unread") or (kind and kind not in KINDS):
        raise UnknownFilter
    page = queries.list_own(who.id, request.args, unread_only=shown == "unread", kind=kind)
    return render_template(
        "notifications/index.html",
        page=page,
        hidden=_hidden(page.rows),
        unread_only=shown == "unread",
        kind=kind,
        kinds=services.kinds_for(who),
        asked=[
            (find_entry(row.key), row) for row in queries.asked_by(who.id, limit=SHOWN_QUESTIONS)
        ],
    )


def _hidden(rows: Sequence[Any]) -> set[int]:
    """The notices about what the person cannot see any more; whoever sees everything is not asked for."""
    who = signed_in_person()
    asked = [
        row
        for row in rows
        if row.object_type in SIGHTS
        and not any(
            grant.everywhere and SIGHTS[row.object_type].page in grant.pages for grant in who.grants
        )
    ]
    return out_of_sight(who.id, asked) if asked else set()


@bp.get("/notifications/bell")
@signed_in
def bell() -> ResponseReturnValue:
    """Show the newest, for the list beneath the bell."""
    return _bell()


def _bell() -> str:
    who = signed_in_person()
    rows = queries.newest(who.id, limit=BELL_ROWS)
    unread = queries.unread_count(who.id)
    return render_template(
        "notifications/_bell_list.html", rows=rows, hidden=_hidden(rows), unread=unread
    )


@bp.post("/notifications/read")
@signed_in
def read_all() -> ResponseReturnValue:
    """Mark everything as read."""
    count = services.mark_all_read(signed_in_person().id)
    if wants_partial():
        return _bell()
    flash(
        ngettext(
            "%(num)s notification marked as read.", "%(num)s notifications marked as read.", count
        ),
        "success",
    )
    return redirect_to(url_for("notifications.index"))


@bp.post("/notifications/<id:notification_id>/read")
@signed_in
def read(notification_id: int) -> ResponseReturnValue:
    """Mark one as read and stay."""
    _mark(notification_id)
    return _bell() if wants_partial() else redirect_to(url_for("notifications.index"))


@bp.post("/notifications/<id:notification_id>/open")
@signed_in
def follow(notification_id: int) -> ResponseReturnValue:
    """Mark one as read and go where it leads."""
    notification = _mark(notification_id)
    return redirect_to(local_path(notification.url) or url_for("notifications.index"))


def _mark(notification_id: int) -> Any:
    who = signed_in_person()
    notification = queries.get_own(who.id, notification_id)
    if notification is None:
        abort(404)
    services.mark_read(who.id, notification_id)
    return notification


@bp.get("/account/notifications")
@signed_in
def preferences() -> ResponseReturnValue:
    """Show how the person wants to be told."""
    who = signed_in_person()
    kinds = services.kinds_for(who)
    chosen, settings = queries.preferences_of(who.id), queries.settings_of(who.id)
    form = PreferencesForm(
        formdata=None,
        data={
            "in_app": [kind.key for kind in kinds if chosen.get(kind.key, kind).in_app],
            "email": [kind.key for kind in kinds if chosen.get(kind.key, kind).email],
            "quiet_from": _clock(settings.quiet_from if settings else None),
            "quiet_until": _clock(settings.quiet_until if settings else None),
            "mail_every": str(settings.mail_every if settings else USUAL_EVERY),
        },
    )
    return _draw(form)


def _clock(moment: time | None) -> str:
    return f"{moment:%H:%M}" if moment else ""


def _draw(form: PreferencesForm) -> str:
    who = signed_in_person()
    return render_template(
        "notifications/preferences.html",
        tab="notifications",
        form=form,
        kinds=services.kinds_for(who),
        mail_possible=mailing.is_possible(),
    )


@bp.post("/account/notifications")
@signed_in
def save_preferences() -> ResponseReturnValue:
    """Keep how the person wants to be told."""
    form = PreferencesForm()
    if not form.validate():
        return _draw(form), 422
    services.save_preferences(signed_in_person(), form.command)
    flash(gettext("Your notifications are set."), "success")
    return redirect_to(url_for("notifications.preferences"))


@bp.get("/notifications/unsubscribe/<token>")
@public
def unsubscribe(token: str) -> ResponseReturnValue:
    """Ask whether mails are to end: who only looks at a link changes nothing."""
    return _unsubscribing(token, done=False)


# Mail programs send it on one click (RFC 8058), without cookies and without a token of ours: the link is signed.
@bp.post("/notifications/unsubscribe/<token>")
@public
@limiter.limit("60 per minute", key_func=_asker)
def stop_mail(token: str) -> ResponseReturnValue:
    """End the mails that the link names, whoever clicks."""
    found = mailing.read_unsubscribe(token)
    if found is None:
        abort(400)
    user_id, kind = found
    who = queries.addressee(user_id)
    if who is not None:
        trail.act_as(who.name, user_id=user_id)
        trail.because("unsubscribed by a link in a mail")
        services.stop_mail(user_id, KINDS if kind == mailing.ALL else [kind])
    return _unsubscribing(token, done=True)


csrf.exempt(f"{__name__}.stop_mail")


def _unsubscribing(token: str, *, done: bool) -> str:
    found = mailing.read_unsubscribe(token)
    if found is None:
        abort(400)
    user_id, kind = found
    who = queries.addressee(user_id)
    with speaking(who.locale) if who else nullcontext():
        return render_template(
            "notifications/unsubscribe.html",
            token=token,
            done=done,
            what="" if kind == mailing.ALL else gettext(KINDS[kind].title),
        )


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
