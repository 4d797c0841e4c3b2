"""The forms that ask for access, and how to be told."""

from typing import ClassVar

from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _
from webapp.notifications import schemas


class AskForm(SchemaForm[schemas.AskForAccess]):
    """What is missing, and what for?"""

    schema: ClassVar = schemas.AskForAccess
    key = HiddenField(default="")
    path = HiddenField(default="")
    reason = TextAreaField("What do you need it for?", default="", render_kw={"rows": 3})


class PreferencesForm(SchemaForm[schemas.Preferences]):
    """A box for each kind and channel, quiet hours, and how long mails gather."""

    schema: ClassVar = schemas.Preferences
    in_app = SelectMultipleField("In the app", choices=[], validate_choice=False, default=[])
    email = SelectMultipleField("By e-mail", choices=[], validate_choice=False, default=[])
    quiet_from = StringField("From", default="", render_kw={"type": "time"})
    quiet_until = StringField("Until", default="", render_kw={"type": "time"})
    mail_every = SelectField(
        "Gather e-mails",
        choices=[SelectChoice(str(minutes), _(title)) for minutes, title in schemas.EVERY.items()],
        default="10",
        validate_choice=False,
    )
