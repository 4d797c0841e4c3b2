"""The form that asks for access."""

from typing import ClassVar

from wtforms import HiddenField, TextAreaField

from webapp.core.forms import SchemaForm
from webapp.notifications import schemas


class AskForm(SchemaForm[schemas.AskForAccess]):
    """What is missing, and what for?"""

    schema: ClassVar = schemas.AskForAccess
    key = HiddenField(default="")
    path = HiddenField(default="")
    reason = TextAreaField("What do you need it for?", default="", render_kw={"rows": 3})
