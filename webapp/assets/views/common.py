"""What the pages of assets share: which asset an address means, and addresses that go on to mean it."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlencode

from flask import Blueprint, abort, jsonify, make_response, render_template, request, url_for

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.assets.queries import record as queries
from webapp.core.errors import DomainError
from webapp.core.htmx import redirect_to, wants_json, wants_partial
from webapp.core.identity import signed_in_person
from webapp.core.language import _
from webapp.core.unit_of_work import SAFE_METHODS

bp = Blueprint("assets", __name__, url_prefix="/assets")


class Ambiguous(DomainError):
    """Several clients' assets in sight carry the tag, and the address does not say whose is meant."""

    code = "ambiguous"

    def __init__(self) -> None:
        """Say what to do about it."""
        super().__init__(
            _(
                "Several clients have an asset with this tag, and nothing was changed. "
                "Open the one you mean from the list, and do it there."
            )
        )


def me() -> SignedIn:
    """Return who acts, with what they hold."""
    who = signed_in_person()
    assert isinstance(who, SignedIn)  # noqa: S101 # nosec B101 - for the type checker
    return who


def asked_client() -> str | None:
    """The client in the address, which tells assets of one tag apart: its code or, where clients share that, ~id."""
    return request.args.get("client") or None


def asset_url(asset: Any, endpoint: str = "assets.show", **values: Any) -> str:
    """Return the address of a page of an asset (anything with a ``tag``)."""
    return url_for(endpoint, tag=asset.tag, **values)


def link(asset: Any, endpoint: str = "assets.show", **values: Any) -> str:
    """Return an address of the asset that stays as unambiguous as the one that was asked for."""
    return asset_url(asset, endpoint, client=asked_client(), **values)


def link_anew(asset: Asset) -> str:
    """Return the address of an asset that may have gone to another client than the one in this address."""
    asked = asked_client()
    if asked is None:
        return asset_url(asset)
    row = None if asked.startswith(queries.BY_ID) else queries.tag_of(asset.id)
    return asset_url(asset, client=row.code if row else f"{queries.BY_ID}{asset.client_id}")


def find(tag: str) -> Asset:
    """Return the one asset that the address means; else end the request.

    Of several clients' assets with one tag ``?client=CODE`` names one. Without it whoever looks is asked which one, and
    whoever changes something is refused.
    """
    rows = queries.candidates(tag, client=asked_client())
    if not rows:
        abort(404)
    if len(rows) > 1:
        _ask_which(rows)
    found: Asset = rows[0].Asset
    return found


def _ask_which(rows: Sequence[Any]) -> NoReturn:
    if request.method not in SAFE_METHODS:
        raise Ambiguous
    if wants_partial():  # no part of a page can ask; the page can
        abort(make_response(redirect_to(request.full_path.rstrip("?"))))
    codes = [row.code for row in rows]
    addresses = [
        _same_page(row.code if codes.count(row.code) == 1 else f"{queries.BY_ID}{row.client_id}")
        for row in rows
    ]
    if wants_json():
        said = {
            "code": Ambiguous.code,
            "message": str(_("Several clients have an asset with this tag.")),
        }
        found = [
            {"tag": row.Asset.tag, "name": row.Asset.name, "client": row.code, "url": url}
            for row, url in zip(rows, addresses, strict=True)
        ]
        reply = jsonify({"success": False, "error": said | {"fields": {}}, "candidates": found})
    else:
        rows_and_urls = list(zip(rows, addresses, strict=True))
        reply = make_response(render_template("assets/candidates.html", rows=rows_and_urls))
    reply.status_code = HTTPStatus.MULTIPLE_CHOICES
    abort(reply)


def _same_page(client: str) -> str:
    """The address that was asked for, of one client's asset."""
    others = [pair for pair in request.args.items(multi=True) if pair[0] != "client"]
    return f"{request.path}?{urlencode([*others, ('client', client)])}"
