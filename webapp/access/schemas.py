"""What the pages of access take."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from webapp.core.forms import BlankIsNone, CommandModel, Line
from webapp.core.moments import past_from
from webapp.core.registry import find_entry

LARGEST_ID = 2**63 - 1
Id = Annotated[int, Field(ge=1, le=LARGEST_ID)]
Kind = Literal["location", "client", "project"]


class Question(CommandModel):
    """Who, what, and on which object; what is None is not chosen yet."""

    person: Annotated[Id | None, BlankIsNone] = None
    key: Annotated[Line | None, BlankIsNone] = None
    kind: Kind | None = None
    place: Id | None = None
    at: datetime | None = None  # None is now


def question_from(args: dict[str, str], *, timezone: str) -> Question:
    """Read a question from a query string; its moment is one of the person's zone.

    Raises:
        ValueError: if a part of it cannot be anything that exists.
        DomainError: if its moment is none that has passed.
    """
    kind, _, place = args.get("object", "").partition(":")
    question = Question.model_validate(
        {
            "person": args.get("person") or None,
            "key": args.get("key") or None,
            "kind": kind or None,
            "place": place or None,
            "at": past_from(args.get("at", ""), timezone),
        }
    )
    if question.key and find_entry(question.key) is None:
        raise ValueError("there is no such page or permission")
    if (question.kind is None) != (question.place is None):
        raise ValueError("half an object")
    return question
