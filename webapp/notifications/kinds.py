"""The kinds of things people are told, and how they are told unless they say otherwise.

A domain declares its own at import: ``declare(Kind(key="ticket.assigned", …))``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from webapp.core.language import N_

Words = tuple[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """One row of the page of preferences; ``page``: only those who open it are told such things.

    ``many`` says in one title that there are so many, where one change tells of more than a few.
    """

    key: str
    title: str
    hint: str = ""
    page: str = ""
    in_app: bool = True
    email: bool = True
    icon: str = "bell"
    many: Callable[[int], str] | None = None
    many_url: str = ""


KINDS: dict[str, Kind] = {}


def declare(kind: Kind) -> Kind:
    """Make a kind known; declaring it twice does no harm."""
    KINDS[kind.key] = kind
    return kind


def kind_of(key: str) -> Kind:
    """Return a kind; one that is not known any more is told in the app alone."""
    return KINDS.get(key) or Kind(key=key, title=key, email=False)


declare(
    Kind(
        key="access.asked",
        title=N_("Somebody asks for access"),
        hint=N_("You are among those who could give it."),
        icon="key",
    )
)
