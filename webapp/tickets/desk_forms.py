"""The forms of the desk; their rules are in ``desk_schemas``."""

from typing import ClassVar

from wtforms import StringField
from wtforms.widgets import DateInput

from webapp.core.forms import SchemaForm
from webapp.tickets import desk_schemas as schemas


class TimeForm(SchemaForm[schemas.TimeSpent]):
    """Time spent on a ticket."""

    schema: ClassVar = schemas.TimeSpent
    minutes = StringField("How long", description="45, 1h 30m or 1:30", render_kw={"maxlength": 20})
    note = StringField("What for")
    spent_on = StringField("Day", widget=DateInput())
