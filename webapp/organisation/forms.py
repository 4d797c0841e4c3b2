"""The forms of the organisation; their rules are in ``schemas``."""

from typing import ClassVar

from wtforms import EmailField, StringField, TextAreaField
from wtforms.widgets import DateInput

from webapp.core.forms import SchemaForm
from webapp.core.pickers import PickerField
from webapp.organisation import schemas


class LocationForm(SchemaForm[schemas.LocationEdit]):
    """A location."""

    schema: ClassVar = schemas.LocationEdit
    name = StringField("Name")
    parent_id = PickerField("Lies in")
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
    location_id = PickerField("Location")
    contact_email = EmailField("Contact e-mail")
    notes = TextAreaField("Notes", render_kw={"rows": 5})


class ProjectForm(SchemaForm[schemas.ProjectEdit]):
    """A project."""

    schema: ClassVar = schemas.ProjectEdit
    name = StringField("Name")
    client_id = PickerField("Client")
    starts_on = StringField("Starts on", widget=DateInput())
    ends_on = StringField("Ends on", widget=DateInput())
    description = TextAreaField("Description", render_kw={"rows": 5})
