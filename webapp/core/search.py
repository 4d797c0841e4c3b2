"""Text search: what was typed becomes prefix terms for a tsvector."""

import re
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.exceptions import BadRequest

from webapp.core.db import db
from webapp.core.language import _

MAX_TERMS = 8
FEW = 2000  # rows that are sorted in no time
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


def found_by(
    typed: str, find: Any, *, key: InstrumentedAttribute[int], vector: InstrumentedAttribute[Any]
) -> ColumnElement[bool]:
    """Rows whose ``vector`` has words that begin as typed; ``find`` is a function of the database that returns ids.

    It looks into the index, because under a policy full text would scan the table, and without one the planner
    misjudges how rare a word is. What many rows have is found by walking through them in order.
    """
    query = prefix_query(typed)
    if query is None:
        return literal(value=False)
    words = func.to_tsquery("simple", query)
    ids = db.session.scalar(select(find(words, FEW + 1)))
    if ids is not None and len(ids) <= FEW:
        return key == any_(literal(ids, ARRAY(BigInteger)))
    return vector.bool_op("@@")(words)
