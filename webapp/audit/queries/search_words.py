"""What was typed as a query of the log's words: plain text, and which field changed from what to what."""

from collections.abc import Iterable

from webapp.core.search import Phrase, phrases_of

CUT = 64  # of a value and of a field's name, as the index has them


def quoted(term: str) -> str:
    """Return a lexeme as a tsquery writes it."""
    return "'" + term.replace("\\", "\\\\").replace("'", "''") + "'"


def any_of(terms: Iterable[str]) -> str:
    """Return a query for one of several; they are queries themselves."""
    return "(" + " | ".join(terms) + ")"


def words_query(typed: str) -> str | None:
    """Turn text into a query for ``to_tsquery('simple', …)`` whose words may be beginnings; None if it has none.

    A tag or an address is one word or several, as the parser has it: both ways of reading it count. Several stand side
    by side.
    """
    return " & ".join(map(_read, phrases_of(typed))) or None


def _read(phrase: Phrase) -> str:
    open_end = "" if phrase.whole else ":*"
    *first, last = phrase.words
    aside = " <-> ".join([*(_word(word) for word in first), _word(last, open_end)])
    if phrase.words == [phrase.text]:
        return aside
    return any_of((quoted(phrase.text) + open_end, aside))


def _word(word: str, open_end: str = "") -> str:
    """A number after a hyphen is a negative one to the parser."""
    plain = quoted(word) + open_end
    return any_of((plain, quoted(f"-{word}") + open_end)) if word.isdigit() else plain


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
