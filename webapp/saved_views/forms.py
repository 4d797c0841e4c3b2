"""Forms of saved views."""

from typing import ClassVar

from wtforms import BooleanField, HiddenField, StringField

from webapp.core.forms import SchemaForm
from webapp.core.language import N_
from webapp.saved_views import schemas

NAME = N_("Name")
SHARED = N_("Share with everybody who opens this page")


class RenameForm(SchemaForm[schemas.Rename]):
    """Another name, shared or not."""

    schema: ClassVar = schemas.Rename
    name = StringField(NAME)
    shared = BooleanField(SHARED)


class SaveForm(SchemaForm[schemas.Save]):
    """The list as it is now, under a name."""

    schema: ClassVar = schemas.Save
    name = StringField(NAME)
    shared = BooleanField(SHARED)
    page = HiddenField()
    query = HiddenField(default="")
