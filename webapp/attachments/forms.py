"""The forms of files; their rules are in ``schemas``."""

from typing import ClassVar

from wtforms import StringField

from webapp.attachments import schemas
from webapp.core.forms import SchemaForm


class RenameForm(SchemaForm[schemas.Rename]):
    """A new name."""

    schema: ClassVar = schemas.Rename
    name = StringField(
        "Name", description="What the file is stays the same, and so does its ending."
    )
