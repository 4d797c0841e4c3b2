"""What a check found, told in the reader's language.

A finding is stored in English, with the numbers that it has: evidence does not change with who reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import get_locale

from webapp.core.language import N_, gettext

KINDS = {
    "chain": N_("Seal %(seal)s is not chained to the one before."),
    "seal_missing": N_("Seal %(seal)s is missing, or more from there on."),
    "seal_altered": N_("Seal %(seal)s was altered."),
    "signature": N_("Seal %(seal)s carries no valid signature."),
    "key": N_("Seal %(seal)s was signed by a strange key."),
    "form": N_("Seal %(seal)s has a form of rows that this version does not know."),
    "window": N_("Seal %(seal)s does not begin where the one before ends."),
    "head": N_("Seal %(seal)s differs from the head that was kept outside the database."),
    "heads": N_("The file of heads cannot be read, or does not hold what was put into it."),
    "tail": N_("The chain ends before seal %(seal)s, which is known: its end was cut off."),
    "retired": N_("Seal %(seal)s says that a month was taken out, but the log does not fit that."),
    "month_missing": N_("All rows of a month are gone, those of seal %(seal)s among them."),
    "misdated": N_("Row %(row)s does not fit the time of seal %(seal)s: it was slipped in."),
    "row_altered": N_("Row %(row)s is not what was sealed (seal %(seal)s)."),
    "row_missing": N_("Row %(row)s is gone (seal %(seal)s)."),
    "row_added": N_("Row %(row)s was not there when seal %(seal)s was made."),
    "row_unsealed": N_("Row %(row)s lies where no seal covers it: it was slipped in."),
    "seal_broken": N_("Rows under seal %(seal)s are not what was sealed."),
    "guard": N_("Something that guards the log in the database is not what Steward makes."),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in the reader's language; ``stored`` are the words of the check, where they say more."""

    words: str
    stored: str = ""


def told(finding: Mapping[str, Any]) -> Told:
    """Tell a finding by its kind, or in its own words: to who reads those, and of kinds that are not known here."""
    stored = str(finding.get("words") or "")
    message = KINDS.get(str(finding.get("kind")))
    if message is None or str(get_locale() or "en").startswith("en"):
        return Told(stored)
    values = {name: finding.get(name) for name in ("seal", "row")}
    if any(f"%({name})s" in message and value is None for name, value in values.items()):
        return Told(stored)  # so many more of the same
    return Told(gettext(message, **values), stored)
