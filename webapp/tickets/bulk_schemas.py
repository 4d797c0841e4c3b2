"""What a person may say about many tickets at once."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from webapp.core.bulk import MAX_QUERY
from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _
from webapp.tickets.life_schemas import Resolution
from webapp.tickets.models import Priority, Status
from webapp.tickets.schemas import MAX_BODY, Id, MaybeId, Reason, Tags

MAX_IDS = 500
NOBODY = "none"
Choice = Annotated[
    Annotated[Line, Field(pattern=r"^(none|[1-9]\d{0,17})$")] | None, BlankIsNone
]  # an id, "none", or as it is


class BulkChange(CommandModel):
    """Which tickets, each or all that match a filter; what changes about them; what is said; and why.

    What is left empty stays as it is.
    """

    ids: Annotated[tuple[Id, ...], Field(max_length=MAX_IDS)] = ()
    matching: Annotated[str | None, Field(max_length=MAX_QUERY)] = None
    seen: Annotated[str, Field(max_length=64)] = ""
    status: Annotated[Status | None, BlankIsNone] = None
    resolution: Resolution = None
    priority: Annotated[Priority | None, BlankIsNone] = None
    priority_reason: Reason = None
    assignee: Choice = None
    team: Choice = None
    add_tags: Tags = ()
    remove_tags: Tags = ()
    body: Annotated[Annotated[Paragraphs, Field(max_length=MAX_BODY)] | None, BlankIsNone] = None
    canned: MaybeId = None  # a reply whose text is said where none is typed
    said_as: Literal["reply", "note"] = "reply"
    reason: Reason = None

    @property
    def is_note(self) -> bool:
        """True if what is said is an internal note."""
        return self.said_as == "note"

    @model_validator(mode="after")
    def _something(self) -> "BulkChange":
        if not self.ids and self.matching is None:
            raise ValueError(str(_("Choose some tickets.")))
        wanted = (self.status, self.priority, self.assignee, self.team, self.body, self.canned)
        if not (any(wanted) or self.add_tags or self.remove_tags):
            raise ValueError(str(_("Say what shall change.")))
        return self
