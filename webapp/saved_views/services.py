"""Keeping, sharing and dropping views of lists."""

from typing import Any

from sqlalchemy import func, select

from webapp.core import registry
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError
from webapp.core.language import _
from webapp.saved_views import queries, schemas
from webapp.saved_views.models import SavedView

SHARE = "views.share"
NAMED = _("You have a view of this name.")


def save(actor: Any, command: schemas.Save) -> SavedView:
    """Keep a list under a name.

    Raises:
        Denied: if the actor may not open the page, or not share.
        DomainError: if they have a view of this name, or too many.
    """
    if command.page not in registry.PAGE_BY_KEY or not actor.opens(command.page):
        raise Denied(_("None of your roles opens this page."), key=command.page)
    _require_sharing(actor, command.shared)
    mine = SavedView.user_id == actor.id, SavedView.page == command.page
    if (db.session.scalar(select(func.count()).where(*mine)) or 0) >= queries.MOST:
        raise DomainError(_("You have a hundred views of this page. Delete one first."))
    _refuse_taken(actor, command.page, command.name, but=0)
    view = SavedView(
        user_id=actor.id,
        page=command.page,
        name=command.name,
        query=queries.tidy(command.query),
        is_shared=command.shared,
    )
    db.session.add(view)
    db.session.flush()
    return view


def rename(actor: Any, view: SavedView, command: schemas.Rename) -> None:
    """Call one's own view otherwise, share it or not.

    Raises:
        Denied: if it is somebody else's, or the actor may not share.
        DomainError: if they have another of this name.
    """
    if view.user_id != actor.id:
        raise Denied(_("This view belongs to somebody else."))
    if not view.is_shared:
        _require_sharing(actor, command.shared)
    _refuse_taken(actor, view.page, command.name, but=view.id)
    view.name, view.is_shared = command.name, command.shared
    db.session.flush()


def delete(actor: Any, view: SavedView) -> None:
    """Drop one's own view; who may share everywhere may drop what others share.

    Raises:
        Denied: if it is somebody else's.
    """
    if view.user_id != actor.id and not (view.is_shared and actor.can(SHARE)):
        raise Denied(_("This view belongs to somebody else."), key=SHARE)
    db.session.delete(view)
    db.session.flush()


def _require_sharing(actor: Any, shared: bool) -> None:
    if shared and not actor.holds(SHARE):
        raise Denied(_("You may not share views."), key=SHARE)


def _refuse_taken(actor: Any, page: str, name: str, *, but: int) -> None:
    taken = select(SavedView.id).where(
        SavedView.user_id == actor.id,
        SavedView.page == page,
        func.lower(SavedView.name) == name.lower(),
        SavedView.id != but,
    )
    if db.session.scalar(taken) is not None:
        raise DomainError(NAMED, field="name")
