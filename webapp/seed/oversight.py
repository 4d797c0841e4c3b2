"""The lists of the log that auditors ask for again and again."""

from webapp.core.db import db
from webapp.saved_views.models import SavedView
from webapp.seed.demo import Demo

AUDITOR = 5  # of the demo's people
# By actions, since all that the demo did is of the category of imports.
RIGHTS = "&".join(f"action=role.{verb}" for verb in ("assigned", "revoked", "permissions_changed"))
VIEWS = {
    "Rights changed this quarter": f"{RIGHTS}&period=quarter&sort=-occurred_at",
    "Refused or failed, last 7 days": "outcome=not-ok&period=7&sort=-occurred_at",
    "Taken out of Steward": "action=user.exported&action=audit.exported&sort=-occurred_at",
    "Who became inactive": "field=is_active&became=false&sort=-occurred_at",
    "What the system did": "actor=system:",
}


def keep_views(demo: Demo) -> None:
    """Share them."""
    auditor = demo.people[AUDITOR].id
    demo.now = demo.base
    with demo.step(demo.people[AUDITOR]):
        db.session.add_all(
            SavedView(user_id=auditor, page="audit", name=name, query=f"?{query}", is_shared=True)
            for name, query in VIEWS.items()
        )
