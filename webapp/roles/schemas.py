"""What people send about roles."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from webapp.core.forms import CommandModel, Line, Paragraphs
from webapp.core.language import _
from webapp.core.registry import PAGE_BY_KEY, PERMISSION_BY_KEY, find_entry


def _known(keys: frozenset[str]) -> frozenset[str]:
    if any(find_entry(key) is None for key in keys):
        raise ValueError(_("Choose pages and permissions of the list."))
    return keys


Keys = Annotated[frozenset[str], AfterValidator(_known)]


class DeleteRole(CommandModel):
    """Why a role goes."""

    reason: Annotated[Paragraphs, Field(min_length=1, max_length=1000)]


class RoleDraft(CommandModel):
    """A role as it should be: its name and what it gives."""

    name: Annotated[Line, Field(min_length=1, max_length=200)]
    description: Annotated[Paragraphs, Field(max_length=500)] = ""
    keys: Keys = frozenset()

    @property
    def pages(self) -> frozenset[str]:
        """The pages among the keys."""
        return self.keys & PAGE_BY_KEY.keys()

    @property
    def permissions(self) -> frozenset[str]:
        """The permissions among the keys."""
        return self.keys & PERMISSION_BY_KEY.keys()


class EditRole(RoleDraft):
    """The same for a role that exists, with the version it was read in and a reason."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1)]
    step: Literal["edit", "preview", "apply"] = "preview"
    reason: Annotated[Paragraphs, Field(max_length=1000)] = ""
