"""The form that takes a search out of the log."""

from typing import ClassVar

from wtforms import HiddenField, RadioField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.core.forms import SchemaForm
from webapp.core.language import N_, _
from webapp.oversight import export_schemas as schemas

FORMATS = (
    ("bundle", _("Bundle of evidence: rows with the proof that nobody has changed them (zip)")),
    ("csv", _("CSV, for spreadsheets")),
    ("jsonl", _("JSON Lines, for programs")),
)


class ExportForm(SchemaForm[schemas.TakeOut]):
    """As what?"""

    schema: ClassVar = schemas.TakeOut
    format = RadioField(
        N_("Format"),
        choices=[SelectChoice(value, title) for value, title in FORMATS],
        default="bundle",
        validate_choice=False,
    )
    query = HiddenField()
