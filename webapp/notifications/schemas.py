"""What people send about notifications."""

from typing import Annotated

from pydantic import AfterValidator, Field

from webapp.core.forms import CommandModel, Line, Paragraphs
from webapp.core.language import _
from webapp.core.registry import find_entry


def _known(key: str) -> str:
    if find_entry(key) is None:
        raise ValueError(_("There is no such page or permission."))
    return key


class AskForAccess(CommandModel):
    """Somebody lacks a page or permission, and says what for."""

    key: Annotated[Line, Field(max_length=64), AfterValidator(_known)]
    reason: Annotated[Paragraphs, Field(min_length=1, max_length=1000)]
    path: Annotated[Line, Field(max_length=300)] = ""
