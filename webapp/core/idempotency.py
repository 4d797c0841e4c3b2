"""One-time keys at the edge: the field ``_key`` of a form, or the header ``Idempotency-Key``."""

import hashlib
import re
from http import HTTPStatus
from io import SEEK_END

from flask import Flask, Response, g, make_response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest

from webapp.core import request_keys
from webapp.core.errors import DomainError
from webapp.core.language import _

FIELD = "_key"
HEADER = "Idempotency-Key"
QUOTED = re.compile(r'"(?:[ !#-\[\]-~]|\\["\\])*"')
KEPT_HEADERS = ("Location", "Content-Type", "HX-Redirect", "HX-Retarget", "HX-Reswap", "HX-Trigger")


class KeyReused(DomainError):
    """The one-time key belongs to a different form."""


def init_app(app: Flask) -> None:
    """Store the reply with its key, in the transaction of the change."""
    app.after_request(_keep)


def enter(owner: str) -> ResponseReturnValue | None:
    """Claim the request's key, if it carries one; return the first reply if it was used before.

    Raises:
        KeyReused: if the key was used for something else.
    """
    key = _sent_key()
    if key is None:
        return None
    if not key or len(key) > request_keys.MAX_KEY or not key.isascii() or not key.isprintable():
        raise BadRequest(_("The one-time key of this form is malformed."))
    first = request_keys.claim(owner=owner, key=key, fingerprint=_fingerprint())
    if first is None:
        g.claimed_key = (owner, key)
        return None
    if not first.same:
        raise KeyReused(_("This form was sent before with other contents. Open it again."))
    response = make_response(first.body, first.status)
    response.headers.update(first.headers)
    response.headers["Idempotency-Replayed"] = "true"
    return response


def _sent_key() -> str | None:
    """Read the key: bare, or quoted as the IETF draft has it (a string of RFC 8941)."""
    header = request.headers.get(HEADER, "").strip()
    if not header:
        return request.form.get(FIELD) or None
    if QUOTED.fullmatch(header):
        return re.sub(r"\\(.)", r"\1", header[1:-1])
    if '"' in header or "," in header:  # a server joins two headers with a comma
        raise BadRequest(_("There must be one Idempotency-Key."))
    return header


def _fingerprint() -> bytes:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    for name, value in sorted(request.form.items(multi=True)):
        if name not in (FIELD, "csrf_token"):
            digest.update(f"{name}={value}\n".encode("utf-8", "surrogatepass"))
    for name, file in sorted(request.files.items(multi=True), key=lambda pair: pair[0]):
        size = file.stream.seek(0, SEEK_END)
        file.stream.seek(0)
        digest.update(f"{name}={file.filename} {size}\n".encode("utf-8", "surrogatepass"))
    if request.is_json:
        digest.update(request.get_data(cache=True))
    return digest.digest()


def _keep(response: Response) -> Response:
    claimed = g.pop("claimed_key", None)
    if claimed and response.status_code < HTTPStatus.BAD_REQUEST and not g.get("failed"):
        owner, key = claimed
        request_keys.store(
            owner=owner,
            key=key,
            status=response.status_code,
            headers={
                name: response.headers[name] for name in KEPT_HEADERS if name in response.headers
            },
            body=b"" if response.direct_passthrough else response.get_data(),
        )
    return response
