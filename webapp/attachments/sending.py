"""Sending the bytes of a file: to be saved, or, of what we encoded ourselves, to be shown."""

import io

import structlog
from flask import Response, abort, request
from werkzeug.utils import send_file

from webapp.attachments.models import Attachment
from webapp.core import storage, trail

log = structlog.get_logger(__name__)


def send(
    sha256: str, media_type: str, *, name: str | None = None, kept: storage.Storage | None = None
) -> Response:
    """Stream bytes from storage block by block, which lets a gevent worker do other things between them."""
    try:
        file = (kept or storage.files()).open(sha256)
    except FileNotFoundError:
        log.exception("file_missing", sha256=sha256)
        abort(404)
    # An environ of its own: the server's file wrapper would send the whole file in one call.
    response: Response = send_file(  # type: ignore[assignment]
        file,
        {"REQUEST_METHOD": request.method},
        mimetype=media_type,
        as_attachment=name is not None,
        download_name=name,
        response_class=Response,
        etag=False,
    )
    response.content_length = file.seek(0, io.SEEK_END)
    file.seek(0)
    return response


def send_whole(row: Attachment, **owner: str) -> Response:
    """Send a file as it was uploaded, to be saved and never to be shown; the log keeps it.

    ``owner`` says whose file it is: ``ticket="#4711 Printer"``.
    """
    response = send(row.sha256, row.media_type, name=row.name)
    trail.note(
        "attachment.downloaded",
        category="export",
        object_type="attachment",
        object_id=row.id,
        object_label=row.name,
        client_id=row.client_id,
        changes={**owner, "sha256": row.sha256},
    )
    return response
