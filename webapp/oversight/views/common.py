"""What the pages of the log share."""

from typing import Any

from flask import Blueprint

from webapp.audit import reasons, sentences
from webapp.audit.actions import action_title
from webapp.core.identity import signed_in_person
from webapp.core.language import _

bp = Blueprint("audit", __name__, url_prefix="/audit")
PARTS = {
    "who": sentences.who,
    "predicate": sentences.predicate,
    "why": reasons.why,
    "action_title": action_title,
    "field_title": sentences.field_title,
    "categories": sentences.CATEGORY_TITLES,
}
LOOKS = {"ok": "success", "denied": "warning", "failed": "danger"}
WORDS = {"ok": _("Done"), "denied": _("Refused"), "failed": _("Failed")}


def sees_everything() -> bool:
    """Tell whether a role without a scope opens the log."""
    grants = getattr(signed_in_person(), "grants", ())
    return any(grant.everywhere and "audit" in grant.pages for grant in grants)


@bp.app_template_filter("log_address")
def address_of(event: Any, log: str) -> str:
    """Return where a row of the log is read: with its time it lies in one month."""
    return f"{log}/{event.id}?at={event.recorded_at.isoformat().replace('+00:00', 'Z')}"
