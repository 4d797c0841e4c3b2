"""What the pages of the log share."""

from collections import Counter
from typing import Any

from flask import Blueprint

from webapp.audit import reasons, sentences
from webapp.audit.actions import action_title
from webapp.core.identity import signed_in_person
from webapp.core.language import _

bp = Blueprint("audit", __name__, url_prefix="/audit")
MOST_KINDS = 4  # of the others of a request, that are named
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


def others(group: Any) -> str:
    """Name what else a request did, the most telling first: “Ticket: answered, Role: changed …”."""
    counted = Counter(map(action_title, group.actions))
    said = [title if n == 1 else f"{title} ({n})" for title, n in counted.items()]
    shown = ", ".join(said[:MOST_KINDS])
    whole = len(said) <= MOST_KINDS and len(group.actions) == group.count - 1
    return shown if whole else f"{shown} …"


def sees_everything() -> bool:
    """Tell whether a role without a scope opens the log."""
    grants = getattr(signed_in_person(), "grants", ())
    return any(grant.everywhere and "audit" in grant.pages for grant in grants)


@bp.app_template_filter("log_address")
def address_of(event: Any, log: str) -> str:
    """Return where a row of the log is read: with its time it lies in one month."""
    return f"{log}/{event.id}?at={event.recorded_at.isoformat().replace('+00:00', 'Z')}"
