"""Text search: what was typed becomes words, and phrases of words, for a tsvector.

What is no letter or digit separates words, here and in the database's ``steward_terms``, which makes the tsvectors.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, any_, func, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from werkzeug.exceptions import BadRequest

from webapp.core.db import db
from webapp.core.language import _

MAX_PHRASES, MAX_WORDS = 8, 16
FEW = 2000  # rows that are sorted in no time
_CHUNK = re.compile(r'"([^"]*)("?)|[^\s"]+')
_QUOTES = str.maketrans("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"' * 6)  # as telephones type them


class UnknownFilter(BadRequest):
    """A list was asked for with a filter that does not exist; to leave it out would show more than was asked."""

    def __init__(self) -> None:
        """Say so."""
        super().__init__(_("There is no such filter."))


@dataclass(frozen=True, kw_only=True, slots=True)
class Phrase:
    """Words that stand side by side, typed without blanks or in quotes; the last may go on unless ``whole``."""

    text: str
    words: list[str]
    whole: bool


def phrases_of(typed: str) -> Iterator[Phrase]:
    """Split what was typed; quotes that do not end yet hold all the rest. What has no word is left out."""
    left = MAX_WORDS
    for found in list(_CHUNK.finditer(typed[:200].translate(_QUOTES)))[:MAX_PHRASES]:
        text = found[0] if found[1] is None else found[1]
        words = words_of(text)[:left]
        left -= len(words)
        if words:
            yield Phrase(text=text, words=words, whole=found[2] == '"')


def words_of(text: str) -> list[str]:
    """Return the words of a text: letters, digits and the marks on them."""
    kept = (c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    return [word for word in "".join(kept).split() if any(map(str.isalnum, word))]


def prefix_query(typed: str) -> str | None:
    """Turn ``typed`` into a tsquery; None if it holds no word.

    Each word may be the beginning of one, in a phrase only the last.
    """
    parts = [_side_by_side(one.words) + ("" if one.whole else ":*") for one in phrases_of(typed)]
    return " & ".join(parts) or None


def phrase_of(text: str) -> str:
    """Return a tsquery for the words of ``text``, side by side and whole."""
    return _side_by_side(words_of(text))


def _side_by_side(words: list[str]) -> str:
    return " <-> ".join(f"'{word}'" for word in words)


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
