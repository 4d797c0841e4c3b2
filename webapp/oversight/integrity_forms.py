"""The forms that ask for a check of the log, and acknowledge what it found."""

from typing import ClassVar

from wtforms import TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, _
from webapp.oversight import integrity_schemas as schemas

RANGES = (
    ("", _("The whole log")),
    ("1", _("What was sealed in the last day")),
    ("30", _("What was sealed in the last 30 days")),
)


class CheckForm(SchemaForm[schemas.CheckLog]):
    """How much of it?"""

    schema: ClassVar = schemas.CheckLog
    days = SelectField(
        "Check",
        choices=[SelectChoice(value, title) for value, title in RANGES],
        default="",
        validate_choice=False,
    )


class AcknowledgeForm(SchemaForm[schemas.Acknowledge]):
    """What was found out about it?"""

    schema: ClassVar = schemas.Acknowledge
    comment = TextAreaField(
        N_("What you know about it"),
        description=N_("What caused it, and what was done. It stays with the check for ever."),
        render_kw={"rows": 3},
    )
