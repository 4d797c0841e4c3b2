"""What a domain above people adds to the page of a person: a tab, and what they would leave behind.

A domain registers at import; people are shown without knowing who did.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from webapp.core.identity import Person, person


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One thing that a person holds."""

    title: str
    url: str
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Holding:
    """What a person holds of one kind: how many, and the first of them."""

    title: str
    url: str
    count: int
    things: Sequence[Thing]


@dataclass(frozen=True, kw_only=True, slots=True)
class Panel:
    """A tab on the page of a person, for those who may open ``page``.

    ``things`` and ``counts`` take who asks, because they show no more to them than ``page`` would.
    """

    key: str
    title: str
    page: str
    url: Callable[[int], str]
    things: Callable[[Person, int], Sequence[Thing]]
    counts: Callable[[Person, Iterable[int]], dict[int, int]]
    counted: Callable[[int], str]


_panels: dict[str, Panel] = {}


def register(panel: Panel) -> None:
    """Add a panel; one of the same key is replaced."""
    _panels[panel.key] = panel


def _shown() -> list[Panel]:
    who = person()
    return [panel for panel in _panels.values() if who and who.opens(panel.page)]


def tabs(user_id: int) -> list[tuple[str, str, str, int | None]]:
    """Return the tabs of a person's page, as the macro ``tabs`` takes them."""
    return [(panel.key, str(panel.title), panel.url(user_id), None) for panel in _shown()]


def holdings(who: Person, user_id: int) -> list[Holding]:
    """Return what a person holds, as far as ``who`` may see it."""
    found = []
    for panel in _shown():
        if count := panel.counts(who, [user_id]).get(user_id, 0):
            things = panel.things(who, user_id)
            url = panel.url(user_id)
            found.append(Holding(title=str(panel.title), url=url, count=count, things=things))
    return found


def counted(who: Person, user_ids: Sequence[int]) -> dict[int, str]:
    """Say of each person who holds something how much it is: “3 assets”."""
    said: dict[int, list[str]] = {}
    for panel in _shown():
        for user_id, count in panel.counts(who, user_ids).items():
            said.setdefault(user_id, []).append(panel.counted(count))
    return {user_id: ", ".join(parts) for user_id, parts in said.items()}
