"""Text search: what was typed becomes prefix terms for a tsvector."""

import re

from werkzeug.exceptions import BadRequest

from webapp.core.language import _

MAX_TERMS = 8
_WORD = re.compile(r"\w+", re.UNICODE)


class UnknownFilter(BadRequest):
    """A list was asked for with a filter that does not exist; to leave it out would show more than was asked."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(_("There is no such filter."))


def prefix_query(typed: str) -> str | None:
    """Turn ``typed`` into a tsquery whose words may be beginnings; None if it holds no word."""
    words = _WORD.findall(typed.replace("_", " ")[:200])[:MAX_TERMS]
    return " & ".join(f"'{word}':*" for word in words) or None


def cleaned(typed: str | None, *, at_most: int = 200) -> str:
    """Return what a person typed into a search box without control characters."""
    return "".join(c for c in (typed or "") if c.isprintable())[:at_most].strip()
