"""What the pages of assets share."""

from typing import Any

from flask import Blueprint, abort, request, url_for

from webapp.access.identity import SignedIn
from webapp.assets.models import Asset
from webapp.assets.queries import common as queries
from webapp.core.identity import signed_in_person

bp = Blueprint("assets", __name__, url_prefix="/assets")


def me() -> SignedIn:
    """Return who acts, with what they hold."""
    who = signed_in_person()
    assert isinstance(who, SignedIn)  # noqa: S101 # nosec B101 - for the type checker
    return who


def asset_url(asset: Any, endpoint: str = "assets.show", **values: Any) -> str:
    """Return the address of a page of an asset (anything with a ``tag``)."""
    return url_for(endpoint, tag=asset.tag, **values)


def asset_or_404(tag: str, *, lock: bool = False) -> Asset:
    """Return the asset with a tag, or end the request.

    Of several clients' assets with one tag, ``?client=CODE`` names one; without it the first is meant.
    """
    return queries.get_asset(tag, client=request.args.get("client"), lock=lock) or abort(404)
