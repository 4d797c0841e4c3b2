"""The forms of the organisation; their rules are in ``schemas``."""

from typing import ClassVar

from wtforms import EmailField, SelectField, StringField, TextAreaField
from wtforms.widgets import DateInput

from webapp.core.forms import SchemaForm
from webapp.organisation import schemas


def _choice(label: str, hint: str = "") -> SelectField:
    # What may be chosen is checked by the guards and services: a foreign id is refused like a missing one.
    return SelectField(label, choices=[], validate_choice=False, description=hint)


class LocationForm(SchemaForm[schemas.LocationEdit]):
    """A location."""

    schema: ClassVar = schemas.LocationEdit
    name = StringField("Name")
    parent_id = _choice("Lies in")
    address = TextAreaField("Address", render_kw={"rows": 3})


class ClientForm(SchemaForm[schemas.ClientEdit]):
    """A client."""

    schema: ClassVar = schemas.ClientEdit
    name = StringField("Name")
    code = StringField(
        "Code",
        description="2 to 16 letters, digits or dashes. Short and unmistakable, such as ACME.",
        render_kw={"maxlength": 16, "autocapitalize": "characters", "spellcheck": "false"},
    )
    location_id = _choice("Location")
    contact_email = EmailField("Contact e-mail")
    notes = TextAreaField("Notes", render_kw={"rows": 5})


class ProjectForm(SchemaForm[schemas.ProjectEdit]):
    """A project."""

    schema: ClassVar = schemas.ProjectEdit
    name = StringField("Name")
    client_id = _choice("Client")
    starts_on = StringField("Starts on", widget=DateInput())
    ends_on = StringField("Ends on", widget=DateInput())
    description = TextAreaField("Description", render_kw={"rows": 5})
