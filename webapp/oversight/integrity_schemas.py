"""What may be asked of a check of the log."""

from typing import Annotated

from pydantic import Field

from webapp.core.forms import BlankIsNone, CommandModel, Paragraphs

MOST_DAYS = 366


class CheckLog(CommandModel):
    """Check what was sealed in the last days; without a number all of it."""

    days: Annotated[Annotated[int, Field(ge=1, le=MOST_DAYS)] | None, BlankIsNone] = None


class Acknowledge(CommandModel):
    """What somebody says who has looked at what a check found."""

    comment: Annotated[Paragraphs, Field(min_length=1, max_length=2000)]
