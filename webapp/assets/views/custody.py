"""Who has what: hand out, take back, transfer, extend; what is overdue, and what a person has."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from webapp.assets import panels as _panels  # noqa: F401 - registers the tab of a person
from webapp.assets import sentences as _sentences  # noqa: F401 - teaches the log
from webapp.assets.custody_forms import CheckInForm, CheckOutForm, ExtendForm
from webapp.assets.models import Asset
from webapp.assets.queries import custody as queries
from webapp.assets.services import custody as services
from webapp.assets.services import records
from webapp.assets.views.common import bp, find, link, me
from webapp.assets.words import OUT_OF_SIGHT
from webapp.core import trail
from webapp.core.errors import Denied, DomainError
from webapp.core.forms import SchemaForm
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, render
from webapp.core.language import _
from webapp.core.search import UnknownFilter
from webapp.organisation.tree import reach_of
from webapp.users import queries as user_queries

CUSTODY = "assets.custody"
TITLES = {
    "check_out": _("Check out"),
    "check_in": _("Check in"),
    "transfer": _("Transfer"),
    "extend": _("Extend"),
}


def offer_holders(form: Any) -> None:
    """Let the form's holder be searched for, with the name of the present choice."""
    seen = reach_of(me(), "assets")
    found = queries.find_holder(form.holder.data, seen=seen) if form.holder.data else None
    form.holder.offer(url_for("assets.pick_holder"), present=found and found.name)


@bp.get("/<tag>/check-out")
@page("assets")
@permission(CUSTODY, scoped=True)
def check_out(tag: str) -> ResponseReturnValue:
    """Ask who gets an asset, and until when."""
    return _ask("check_out", _mine(tag), CheckOutForm(formdata=None))


@bp.post("/<tag>/check-out")
@page("assets")
@permission(CUSTODY, scoped=True)
def do_check_out(tag: str) -> ResponseReturnValue:
    """Hand an asset out."""
    return _do("check_out", _mine(tag), CheckOutForm(), services.check_out)


@bp.get("/<tag>/check-in")
@page("assets")
@permission(CUSTODY, scoped=True)
def check_in(tag: str) -> ResponseReturnValue:
    """Ask how an asset came back."""
    return _ask("check_in", _mine(tag), CheckInForm(formdata=None))


@bp.post("/<tag>/check-in")
@page("assets")
@permission(CUSTODY, scoped=True)
def do_check_in(tag: str) -> ResponseReturnValue:
    """Take an asset back."""
    return _do("check_in", _mine(tag), CheckInForm(), services.check_in)


@bp.get("/<tag>/transfer")
@page("assets")
@permission(CUSTODY, scoped=True)
def transfer(tag: str) -> ResponseReturnValue:
    """Ask who gets an asset that somebody else has."""
    return _ask("transfer", _mine(tag), CheckOutForm(formdata=None))


@bp.post("/<tag>/transfer")
@page("assets")
@permission(CUSTODY, scoped=True)
def do_transfer(tag: str) -> ResponseReturnValue:
    """Pass an asset on."""
    return _do("transfer", _mine(tag), CheckOutForm(), services.transfer)


@bp.get("/<tag>/extend")
@page("assets")
@permission(CUSTODY, scoped=True)
def extend(tag: str) -> ResponseReturnValue:
    """Ask until when somebody keeps an asset."""
    return _ask("extend", _mine(tag), ExtendForm(formdata=None))


@bp.post("/<tag>/extend")
@page("assets")
@permission(CUSTODY, scoped=True)
def do_extend(tag: str) -> ResponseReturnValue:
    """Change the day of return."""
    return _do(
        "extend",
        _mine(tag),
        ExtendForm(),
        lambda who, asset, command: services.extend(who, asset, command.due_on),
    )


def _mine(tag: str) -> Asset:
    asset = find(tag)
    records.require_on(me(), CUSTODY, asset)
    return asset


def _ask(way: str, asset: Asset, form: SchemaForm[Any]) -> str:
    """Show the form beside who has the asset; or why there is nothing to ask."""
    seen = reach_of(me(), "assets")
    panel = queries.of_asset(asset.id, seen=seen, today=queries.today_of(me()))
    if way == "check_out":
        now = panel.present
        problem = services.why_not_out(asset, now and (now.holder or str(OUT_OF_SIGHT)))
    else:
        problem = None if panel.present else services.NOBODY
    if way == "extend" and panel.present and request.method == "GET":
        form.due_on.data = panel.present.due_on and panel.present.due_on.isoformat()
    if hasattr(form, "holder"):
        offer_holders(form)
    # A form that was refused keeps what was typed, even if it cannot be sent again.
    problem = problem if request.method == "GET" else None
    return render_template(
        "assets/custody.html",
        record=asset,
        back=link(asset),
        action=link(asset, f"assets.do_{way}"),
        way=way,
        title=TITLES[way],
        form=form,
        custody=panel,
        problem=problem,
    )


def _do(
    way: str, asset: Asset, form: SchemaForm[Any], work: Callable[[Any, Asset, Any], Any]
) -> ResponseReturnValue:
    """Validate, do it, and go back to the record; or show the form again with what is wrong."""
    if not form.validate():
        return _ask(way, asset, form), 422
    try:
        work(me(), asset, form.command)
    except Denied:
        raise
    except DomainError as error:
        form.refuse(error)
        return _ask(way, asset, form), 422
    said = {
        "check_out": gettext("%(tag)s was handed out.", tag=asset.tag),
        "check_in": gettext("%(tag)s was taken back.", tag=asset.tag),
        "transfer": gettext("%(tag)s was passed on.", tag=asset.tag),
        "extend": gettext("The day of return was changed."),
    }
    flash(said[way], "success")
    return redirect_to(link(asset))


@bp.get("/overdue")
@page("assets")
def overdue() -> ResponseReturnValue:
    """List what should be back by now or, in the other tab, within a week."""
    shown = request.args.get("show", "")
    if shown not in ("", "soon"):
        raise UnknownFilter
    today, soon = queries.today_of(me()), shown == "soon"
    late, near = queries.due_counts(today=today)
    return render(
        "assets/overdue.html",
        partial="assets/_overdue.html",
        page=queries.due(
            request.args,
            seen=reach_of(me(), "assets"),
            today=today,
            soon=soon,
            known=near if soon else late,
        ),
        tab="soon" if soon else "overdue",
        counts={"overdue": late, "soon": near},
        today=today,
    )


@bp.get("/held-by/<id:user_id>")
@page("assets")
def held_by(user_id: int) -> ResponseReturnValue:
    """Show what a person has: on their page, or by itself to who may not open that."""
    user = user_queries.get_user(user_id) or abort(404)
    found = queries.held_by(user.id, request.args)
    whole = me().opens("users")
    if whole:
        about = {"object_type": "user", "object_id": user.id, "object_label": user.name}
        trail.note("user.viewed", category="read", **about)
    elif not found.count and not queries.has_held(user.id):
        abort(404)  # so that nobody reads the names of all people here
    return render(
        "assets/held_by.html" if whole else "assets/held_by_alone.html",
        partial="assets/_held_by.html",
        user=user,
        tab="assets",
        page=found,
        today=queries.today_of(me()),
    )
