"""What the pages of the log share."""

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
