"""Messages in the reader's language; English where nobody reads: commands, tests, the log.

The texts are found by name (``make translations``): call these ``_``, ``gettext``, ``ngettext`` or ``N_``.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from typing import Any

import flask_babel
from babel import dates, numbers
from flask import g, has_request_context
from markupsafe import Markup, escape

LANGUAGES = ("en", "es")


class Text(str):
    """A message that is English as a value, and in the reader's language through ``str()``.

    So a rule can say what it refuses before anybody knows who reads it: the log stores the English.
    """

    _forms: tuple[str, ...]
    _number: int
    _values: dict[str, object]

    def __new__(cls, forms: tuple[str, ...], values: dict[str, object], number: int = 1) -> "Text":
        """Keep the message (or its singular and plural) and what goes into its ``%(name)s``."""
        form = forms[0] if number == 1 else forms[-1]
        plain: dict[str, object] = {
            name: english(value) if isinstance(value, str) else value
            for name, value in values.items()
        }
        made = super().__new__(cls, form % plain if plain else form)
        made._forms, made._number, made._values = forms, number, values
        return made

    def __str__(self) -> str:
        """Say it in the reader's language."""
        if len(self._forms) == 1:
            return gettext(self._forms[0], **self._values)
        said: str = catalogue().ungettext(*self._forms, self._number)
        return said % self._values

    def __html__(self) -> Markup:
        """Say the same in a template."""
        return escape(str(self))


def english(text: str) -> str:
    """Return a message as it is stored."""
    return str.__str__(text)


def _(message: str, **values: object) -> Text:
    """Return a message that is translated when it is shown."""
    return Text((message,), values)


def ngettext(singular: str, plural: str, num: int, **values: object) -> Text:
    """Return a message about ``num`` things, translated when it is shown."""
    return Text((singular, plural), {**values, "num": num}, num)


def gettext(message: str, **values: object) -> str:
    """Return a message in the language of whoever reads now."""
    said = _said(catalogue(), message)
    return said % values if values else said


@lru_cache(maxsize=8192)  # a list of the log says a thousand texts, the same few again and again
def _said(texts: Any, message: str) -> str:
    return str(texts.ugettext(message))


def catalogue() -> Any:
    """The texts of the reader's language, looked up once a request and not for each of a page's fifty texts."""
    try:
        return g.catalogue
    except (AttributeError, RuntimeError):  # not known yet, or nobody asks
        found = flask_babel.get_domain().get_translations()
        if has_request_context():
            g.catalogue = found
        return found


def N_(message: str) -> str:  # noqa: N802 - the name by which Babel finds it
    """Mark a constant that is translated where it is shown."""
    return message


@contextmanager
def speaking(locale: str) -> Iterator[None]:
    """Write in the language of somebody else than who asks: of whom a mail or a notice goes to."""
    kept = g.pop("catalogue", None) if has_request_context() else None
    reader = g.pop("reader", None) if has_request_context() else None  # of times
    try:
        with flask_babel.force_locale(locale):
            yield
    finally:
        if has_request_context():
            g.pop("catalogue", None)
            g.pop("reader", None)
        if kept is not None:
            g.catalogue = kept
        if reader is not None:
            g.reader = reader


def listed(parts: Iterable[str]) -> Text:
    """Return several messages as one, with commas between them."""
    values: dict[str, object] = {f"p{number}": part for number, part in enumerate(parts)}
    return Text((", ".join(f"%({name})s" for name in values),), values)


def format_number(number: int) -> str:
    """Return a number as the reader writes it."""
    return _decimal(number, str(flask_babel.get_locale() or "en"))


@lru_cache(maxsize=4096)  # a tree shows a hundred, most of them small
def _decimal(number: int, locale: str) -> str:
    return str(numbers.format_decimal(number, locale=locale))


def format_day(when: date) -> str:
    """Return a day of the calendar as the reader writes it."""
    return day_in(str(flask_babel.get_locale() or "en"), when)


# Babel takes a tenth of a millisecond for each; a list shows the same few many times.
@lru_cache(maxsize=4096)
def day_in(locale: str, when: date) -> str:
    """Return a day of the calendar as it is written in a language."""
    return dates.format_date(when, "d MMM y", locale=locale)
