"""Handing out and taking back many assets by scanning their tags, one after the other."""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from flask import flash, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext

from webapp.assets.custody_forms import ScanInForm, ScanOutForm
from webapp.assets.services import custody as services
from webapp.assets.services.custody import Look, SomeRefused
from webapp.assets.views.common import bp, me
from webapp.assets.views.custody import CUSTODY, offer_holders
from webapp.core.errors import Denied, DomainError
from webapp.core.forms import SchemaForm
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_partial

OUT, BACK = "out", "in"


def _way() -> str:
    return BACK if request.args.get("way") == BACK else OUT


@bp.get("/scan")
@page("assets")
@permission(CUSTODY, scoped=True)
def scan() -> ResponseReturnValue:
    """Show an empty list, and the field that takes one tag after the other."""
    return _draw(_empty(_way()), [])


@bp.post("/scan/rows")
@page("assets")
@permission(CUSTODY, scoped=True)
def scan_rows() -> ResponseReturnValue:
    """Say of what was scanned or pasted whether it is ready; changes nothing."""
    way = _way()
    try:
        tags = services.tags_in(request.form.get("scanned", "").replace("\0", ""))
    except DomainError as error:
        if wants_partial():
            raise
        form = _empty(way)
        form.refuse(error)
        return _draw(form, []), 422
    looks = services.look_up(me(), tags, back=way == BACK)
    if wants_partial():
        return render_template("assets/_scan_rows.html", looks=looks, way=way)
    return _draw(_empty(way), looks)


@bp.post("/scan")
@page("assets")
@permission(CUSTODY, scoped=True)
def do_scan() -> ResponseReturnValue:
    """Hand all of it to one person or place, or take all of it back."""
    if _way() == BACK:
        return _do(ScanInForm(), services.check_in_many, _taken_back)
    return _do(ScanOutForm(), services.check_out_many, _handed_out)


def _do(form: Any, work: Callable[..., int], said: Callable[[int], str]) -> ResponseReturnValue:
    tags = _known(form.tags.data)
    if not form.validate():
        return _draw(form, _look(tags)), 422
    try:
        done = work(me(), tags, form.command, agreed=form.command.agreed)
    except Denied:
        raise
    except SomeRefused as refused:
        form.refuse(refused)  # who reads JSON sends the rest again
        form.tags.errors = [f"{one.tag}: {one.problem!s}" for one in refused.looks if one.problem]
        return _draw(form, refused.looks, asking=True), HTTPStatus.CONFLICT
    except DomainError as error:
        form.refuse(error)
        return _draw(form, _look(tags)), 422
    flash(said(done), "success")
    kept_as = form.command.kept_as or None
    return redirect_to(url_for("assets.scan", way=_way(), done=kept_as))


def _known(typed: Any) -> list[str]:
    """Return each tag once, however often it was scanned."""
    tags = {str(tag).strip().lower(): str(tag).strip() for tag in typed or []}
    return [tag for tag in tags.values() if tag.isprintable() and tag][: services.MOST]


def _look(tags: Sequence[str]) -> list[Look]:
    return services.look_up(me(), tags, back=_way() == BACK)


def _empty(way: str) -> SchemaForm[Any]:
    return ScanInForm(formdata=None) if way == BACK else ScanOutForm(formdata=None)


def _draw(form: Any, looks: Sequence[Look], *, asking: bool = False) -> str:
    """Show the list and what shall be done with it; ``asking`` whether to leave the refused ones out."""
    if "holder" in form:
        offer_holders(form)
    refused = [look for look in looks if look.problem]
    return render_template(
        "assets/scan.html",
        way=_way(),
        form=form,
        looks=looks,
        refused=refused,
        ready=len(looks) - len(refused),
        asking=asking,
        agreed=services.seal(looks) if asking else "",
        most=services.MOST,
    )


def _handed_out(done: int) -> str:
    return str(ngettext("%(num)s asset was handed out.", "%(num)s assets were handed out.", done))


def _taken_back(done: int) -> str:
    return str(ngettext("%(num)s asset was taken back.", "%(num)s assets were taken back.", done))
