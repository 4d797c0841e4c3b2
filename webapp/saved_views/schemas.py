"""What a person may say about a saved view."""

from typing import Annotated

from pydantic import Field

from webapp.core.forms import CommandModel, Line


class Rename(CommandModel):
    """What a view is called, and whether everybody gets it offered."""

    name: Annotated[Line, Field(min_length=1, max_length=80)]
    shared: bool = False


class Save(Rename):
    """A list as it is filtered, sorted and laid out now, under a name."""

    page: Annotated[Line, Field(min_length=1, max_length=64)]
    query: Annotated[Line, Field(max_length=2000)] = ""
