"""What may be taken out of the log, and how."""

from typing import Annotated, Literal

from pydantic import Field

from webapp.core.forms import CommandModel

MAX_QUERY = 2000


class TakeOut(CommandModel):
    """A search of the log, as a file."""

    format: Literal["csv", "jsonl", "bundle"]
    query: Annotated[str, Field(max_length=MAX_QUERY)] = ""
