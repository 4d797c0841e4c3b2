"""Photos and documents of an asset."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import abort, flash, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from webapp.assets.models import Asset
from webapp.assets.services import records
from webapp.assets.views import record
from webapp.assets.views.common import asked_client, bp, find, link, me
from webapp.attachments import images, media, queries, sending, services
from webapp.attachments.forms import RenameForm
from webapp.attachments.models import Attachment
from webapp.core import storage
from webapp.core.errors import DomainError
from webapp.core.guards import page, permission
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.organisation import tree

EDIT = "assets.edit"


@dataclass(frozen=True, kw_only=True, slots=True)
class Files:
    """What the part ``assets/_files.html`` shows."""

    tag: str
    name: str
    images: Sequence[Any]
    documents: Sequence[Any]
    deleted: Sequence[Any]
    photo_id: int | None
    may_edit: bool
    client: str | None
    limit: int
    accept: str
    refused: Sequence[tuple[str, str]] = ()
    problem: str | None = None

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.images) + len(self.documents)


def files_of(asset: Asset, **more: Any) -> Files:
    """Return what ``assets/_files.html`` needs to show the files of an asset."""
    rows = queries.of_asset(asset.id)
    live = [row for row in rows if row.deleted_at is None]
    pictures = [row for row in live if row.is_image]
    may_edit = asset.deleted_at is None and me().can(
        EDIT, on=tree.place_of(asset.client_id, asset.project_id)
    )
    return Files(
        tag=asset.tag,
        name=asset.name,
        images=pictures,
        documents=[row for row in live if not row.is_image],
        deleted=[row for row in rows if row.deleted_at is not None] if may_edit else [],
        photo_id=pictures[0].id if pictures else None,
        may_edit=may_edit,
        client=asked_client(),
        limit=storage.MAX_BYTES,
        accept=",".join(media.SUFFIXES),
        **more,
    )


@bp.get("/<tag>/files")
@page("assets")
def show_files(tag: str) -> ResponseReturnValue:
    """Show photos and documents."""
    return _draw(find(tag))


def _draw(asset: Asset, **more: Any) -> str:
    files = files_of(asset, **more)
    if wants_partial():
        return render_template("assets/_files.html", files=files)
    return record.draw(asset, "files", files=files)


@bp.post("/<tag>/files")
@page("assets")
@permission(EDIT, scoped=True)
def upload_files(tag: str) -> ResponseReturnValue:
    """Add files: all of them, or none."""
    asset = _asset_to_change(tag)
    sent = [(file.filename or "", file.stream) for file in request.files.getlist("files") if file]
    keep = partial(services.add, client_id=asset.client_id, asset_id=asset.id, user_id=me().id)
    try:
        count = len(services.add_all(sent, keep))
    except services.NotAdded as error:
        if wants_json():
            raise
        problem = None if error.refused else str(error)
        return _draw(asset, refused=error.refused, problem=problem), 422
    if wants_json():
        return {"success": True, "data": {"added": count}}, 201
    flash(ngettext("%(num)s file was added.", "%(num)s files were added.", count), "success")
    return redirect_to(_files_url(asset))


@bp.get("/<tag>/files/<id:attachment_id>")
@page("assets")
def download_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Send a file as it was uploaded, to be saved and never to be shown."""
    asset = find(tag)
    return sending.send_whole(_file_or_404(asset, attachment_id), asset=asset.audit_label)


@bp.get("/<tag>/files/<id:attachment_id>/preview")
@page("assets")
def preview_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Show an image as we encoded it."""
    row = _file_or_404(find(tag), attachment_id)
    return sending.send(row.preview_sha256 or abort(404), images.MEDIA_TYPE)


@bp.get("/<tag>/files/<id:attachment_id>/thumb")
@page("assets")
def thumb_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Show an image as we encoded it, small."""
    row = _file_or_404(find(tag), attachment_id)
    return sending.send(row.thumb_sha256 or abort(404), images.MEDIA_TYPE)


@bp.get("/<tag>/files/<id:attachment_id>/rename")
@page("assets")
@permission(EDIT, scoped=True)
def ask_rename_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Ask for a new name."""
    asset = _asset_to_change(tag)
    row = _file_or_404(asset, attachment_id)
    return _rename_page(asset, row, RenameForm(formdata=None, data={"name": row.name}))


@bp.post("/<tag>/files/<id:attachment_id>/rename")
@page("assets")
@permission(EDIT, scoped=True)
def rename_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Call a file something else."""
    asset, form = _asset_to_change(tag), RenameForm()
    row = _file_or_404(asset, attachment_id, lock=True)
    if not form.validate():
        return _rename_page(asset, row, form), 422
    try:
        services.rename(row, form.command.name)
    except DomainError as error:
        form.refuse(error)
        return _rename_page(asset, row, form), 422
    flash(_("The file is called %(name)s now.", name=row.name), "success")
    return redirect_to(_files_url(asset))


def _rename_page(asset: Asset, row: Attachment, form: RenameForm) -> str:
    return render_template(
        "assets/files_rename.html",
        tag=asset.tag,
        file=row,
        form=form,
        back=_files_url(asset),
        action=_files_url(asset, "assets.rename_file", attachment_id=row.id),
    )


@bp.post("/<tag>/files/<id:attachment_id>/delete")
@page("assets")
@permission(EDIT, scoped=True)
def delete_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Hide a file."""
    return _settle(tag, attachment_id, services.delete, said=_("The file was deleted."))


@bp.post("/<tag>/files/<id:attachment_id>/restore")
@page("assets")
@permission(EDIT, scoped=True)
def restore_file(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Show a deleted file again."""
    said = _("The file is back.")
    return _settle(tag, attachment_id, services.restore, said=said, deleted=True)


@bp.post("/<tag>/files/<id:attachment_id>/photo")
@page("assets")
@permission(EDIT, scoped=True)
def make_main_photo(tag: str, attachment_id: int) -> ResponseReturnValue:
    """Let an image stand for the asset."""
    said = _("This is the main photo now.")
    return _settle(tag, attachment_id, services.make_main, said=said)


def _settle(
    tag: str,
    attachment_id: int,
    work: Callable[[Attachment], None],
    *,
    said: str,
    deleted: bool = False,
) -> ResponseReturnValue:
    asset = _asset_to_change(tag)
    work(_file_or_404(asset, attachment_id, lock=True, deleted=deleted))
    flash(said, "success")
    return redirect_to(_files_url(asset))


def _asset_to_change(tag: str) -> Asset:
    asset = find(tag)
    records.require_on(me(), EDIT, asset)
    if asset.deleted_at is not None:
        raise DomainError(_("This is archived. Restore it first."))
    return asset


def _file_or_404(
    asset: Asset, attachment_id: int, *, lock: bool = False, deleted: bool = False
) -> Attachment:
    """Return a file of the asset; a deleted one only to whom restores it."""
    row = queries.get(asset.id, attachment_id, lock=lock)
    if row is None or (row.deleted_at is not None and not deleted):
        abort(404)
    return row


def _files_url(asset: Asset, endpoint: str = "assets.show_files", **values: Any) -> str:
    return link(asset, endpoint, **values)
