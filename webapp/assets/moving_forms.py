"""The form that moves a node of the tree."""

from typing import Annotated, ClassVar

from pydantic import Field
from wtforms import HiddenField

from webapp.core.forms import CommandModel, Line, SchemaForm
from webapp.core.pickers import PickerField


class NodeMove(CommandModel):
    """Where a node goes: ``location:3``, ``client:4``, ``project:5``, ``asset:6`` or ``top``."""

    target: Annotated[
        Line,
        Field(min_length=1, pattern=r"^(top|(location|client|project|asset):[1-9][0-9]{0,17})$"),
    ]


class MoveForm(SchemaForm[NodeMove]):
    """Where to; ``version`` is that of what moves, as the person saw it."""

    schema: ClassVar = NodeMove
    shown_by: ClassVar = dict.fromkeys(
        ("parent_id", "location_id", "client_id", "project_id", "name", "tag"), "target"
    )
    target = PickerField("Move to")
    version = HiddenField()
