"""What a person may say about many assets at once."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from webapp.assets.models import Status
from webapp.assets.schemas import Day, Id
from webapp.core.bulk import MAX_QUERY
from webapp.core.forms import BlankIsNone, CommandModel, Line, Paragraphs
from webapp.core.language import _

MAX_IDS = 100
CLEARABLE = ("warranty_until", "purchased_on", "manufacturer", "model")
Place = Annotated[Line, Field(max_length=40, pattern=r"^(client|project):[1-9]\d{0,17}$")]


def _none_is_empty(value: object) -> object:
    return () if value is None else value


class BulkChange(CommandModel):
    """Which assets, each or all that match a filter; what changes about them; and why.

    What is left empty stays as it is; ``clear`` names what is emptied.
    """

    ids: Annotated[tuple[Id, ...], Field(max_length=MAX_IDS)] = ()
    matching: Annotated[str | None, Field(max_length=MAX_QUERY)] = None
    seen: Annotated[str, Field(max_length=64)] = ""
    status: Annotated[Status | None, BlankIsNone] = None
    place: Annotated[Place | None, BlankIsNone] = None
    warranty_until: Day = None
    purchased_on: Day = None
    manufacturer: Annotated[Annotated[Line, Field(max_length=120)] | None, BlankIsNone] = None
    model: Annotated[Annotated[Line, Field(max_length=160)] | None, BlankIsNone] = None
    clear: Annotated[tuple[Literal[CLEARABLE], ...], BeforeValidator(_none_is_empty)] = ()  # type: ignore[valid-type]
    reason: Annotated[Paragraphs, Field(min_length=1, max_length=500)]

    @model_validator(mode="after")
    def _something(self) -> "BulkChange":
        if not self.ids and self.matching is None:
            raise ValueError(str(_("Choose some assets.")))
        wanted = [self.status, self.place, *(getattr(self, name) for name in CLEARABLE)]
        if not any(wanted) and not self.clear:
            raise ValueError(str(_("Say what shall change.")))
        return self
