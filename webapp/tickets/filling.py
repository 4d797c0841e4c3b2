"""Canned replies: what stands in {{double braces}} is filled in. Names are looked up in a list; nothing is run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from webapp.core.language import _

# What may stand in a reply, and what it stands for.
VARIABLES = {
    "ticket.number": _("The number of the ticket, such as #1234"),
    "ticket.subject": _("The subject of the ticket"),
    "requester.name": _("Who asked"),
    "requester.first_name": _("The first name of who asked"),
    "agent.name": _("Who answers"),
    "client.name": _("The client"),
    "asset.tag": _("The tag of the asset that it is about"),
}
_PLACE = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Filled:
    """A text with its variables filled in, and the names of those that had no value."""

    text: str
    missing: tuple[str, ...]


def unknown_in(body: str) -> list[str]:
    """Return what stands in double braces and is no variable, in order and once."""
    return list(dict.fromkeys(name for name in _PLACE.findall(body) if name not in VARIABLES))


def unfilled_in(body: str) -> list[str]:
    """Return the variables that stand in a text still, in order and once."""
    return list(dict.fromkeys(name for name in _PLACE.findall(body) if name in VARIABLES))


def fill(body: str, values: Mapping[str, str]) -> Filled:
    """Put values in the place of variables. What a value itself holds is not looked at again.

    Where there is nothing to fill in the variable stays, for whoever writes to see; it is not sent like that.
    """
    missing: dict[str, None] = {}

    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in VARIABLES:
            return found[0]
        if not values.get(name):
            missing[name] = None
            return f"{{{{{name}}}}}"
        return values[name]

    return Filled(text=_PLACE.sub(value, body), missing=tuple(missing))
