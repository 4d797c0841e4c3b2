"""The form that asks for a check of the log."""

from typing import ClassVar

from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _
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
