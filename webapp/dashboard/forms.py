"""The form of the style guide: every kind of field once."""

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    DateField,
    EmailField,
    IntegerField,
    PasswordField,
    RadioField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.core.forms import SelectField
from webapp.core.language import _
from webapp.core.pickers import PickerField

ROLES = [
    SelectChoice("agent", "Support agent"),
    SelectChoice("lead", "Support lead"),
    SelectChoice("auditor", "Auditor"),
]
THEMES = [SelectChoice("light", _("Light")), SelectChoice("dark", _("Dark"))]


class SampleForm(FlaskForm):
    """Nothing is done with it."""

    name = StringField("Name", render_kw={"required": True, "maxlength": 200})
    email = EmailField("E-mail address", description="Where the invitation goes.")
    password = PasswordField("Password", description="At least 12 characters.")
    role = SelectField("Role", choices=ROLES)
    zone = PickerField("Time zone", default="Europe/Madrid", description="Type to search.")
    theme = RadioField("Theme", choices=THEMES, default="light")
    starts_on = DateField("Starts on")
    seats = IntegerField("Seats", default=3)
    notes = TextAreaField("Notes", description="Only colleagues read this.")
    agreed = BooleanField("Send an e-mail as well")


def with_errors() -> SampleForm:
    """The same form after a failed save."""
    form = SampleForm(formdata=None, prefix="failed-", data={"email": "not an address"})
    for field in form:
        if field.type != "CSRFTokenField":
            field.errors = [_("This needs another look.") if field.data else _("Fill this in.")]
    form.form_errors = [_("Nothing was saved. Please check the marked fields.")]
    return form
