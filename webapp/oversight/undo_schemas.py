"""What a person says who undoes something."""

from typing import Annotated

from pydantic import Field

from webapp.core.forms import CommandModel, Paragraphs


class Undoing(CommandModel):
    """Why, what was seen, and what may stay behind."""

    reason: Annotated[Paragraphs, Field(min_length=1, max_length=500)]
    part: bool = False
    seen: Annotated[str, Field(max_length=64)] = ""
    agreed: Annotated[str, Field(max_length=64)] = ""
