"""What may be asked of a check of the log."""

from typing import Annotated

from pydantic import Field

from webapp.core.forms import BlankIsNone, CommandModel

MOST_DAYS = 366


class CheckLog(CommandModel):
    """Check what was sealed in the last days; without a number all of it."""

    days: Annotated[Annotated[int, Field(ge=1, le=MOST_DAYS)] | None, BlankIsNone] = None
