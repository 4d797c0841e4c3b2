"""What a person may type about files."""

from typing import Annotated

from pydantic import Field

from webapp.core.forms import CommandModel, Line


class Rename(CommandModel):
    """A new name."""

    name: Annotated[Line, Field(min_length=1, max_length=255)]
