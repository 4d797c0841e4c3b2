"""What was typed as a query of the log's words: plain text, and which field changed from what to what."""

import re
from collections.abc import Iterable

MAX_CHUNKS = 8
CUT = 64  # of a value and of a field's name, as the index has them
_WORD = re.compile(r"\w+", re.UNICODE)


def quoted(term: str) -> str:
    """Return a lexeme as a tsquery writes it."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(terms: Iterable[str]) -> str:
    """Return a query for one of several; they are queries themselves."""
    return "(" + " | ".join(terms) + ")"


def words_query(typed: str) -> str | None:
    """Turn text into a query for ``to_tsquery('simple', …)`` whose words may be beginnings; None if it has none.

    A tag or an address is one word or several, as the parser has it: both ways of reading it count.
    """
    parts = []
    for chunk in typed.replace("_", " ").split()[:MAX_CHUNKS]:
        words = _WORD.findall(chunk)[:MAX_CHUNKS]
        if not words:
            continue
        apart = " & ".join(f"{quoted(word)}:*" for word in words)
        same = words == [chunk]
        parts.append(apart if same else any_of((f"{quoted(chunk)}:*", f"({apart})")))
    return " & ".join(parts) or None


def touched(field: str) -> str:
    """Return the query for "this field changed"."""
    return quoted(f"={field[:CUT]}")


def was(field: str, value: str) -> str:
    """Return the query for the value before; one that ends in * may go on."""
    return _valued("<", field, value)


def became(field: str, value: str) -> str:
    """Return the query for the value after; one that ends in * may go on."""
    return _valued(">", field, value)


def _valued(sign: str, field: str, value: str) -> str:
    open_end = len(value) > 1 and value.endswith("*")
    value = value.removesuffix("*") if open_end else value
    return quoted(f"{sign}{field[:CUT]}:{value[:CUT].lower()}") + (":*" if open_end else "")
