"""What domains above add to the page of a location, client, project or asset: a card that says what they keep."""

from collections.abc import Callable
from dataclasses import dataclass

from webapp.core.identity import person


@dataclass(frozen=True, kw_only=True, slots=True)
class Related:
    """A card for those who may open ``page``.

    ``url`` takes the kind and number of the place and returns the address of the card's content. That is asked for on
    its own, because the database shows what each page's roles reach, and this page's may reach something else.
    """

    page: str
    title: str
    url: Callable[[str, int], str]
    kinds: frozenset[str] = frozenset({"location", "client", "project"})


RELATED: list[Related] = []


def cards(kind: str, number: int) -> list[tuple[str, str]]:
    """Return title and address of the cards that the signed-in person may see."""
    who = person()
    return [
        (str(one.title), one.url(kind, number))
        for one in RELATED
        if kind in one.kinds and who and who.opens(one.page)
    ]
