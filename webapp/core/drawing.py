"""What makes drawing a page cheap: its texts, its addresses and its macros are found again, not made anew."""

import secrets
from functools import lru_cache
from typing import Any

from flask import Flask, has_request_context, request
from flask import url_for as flask_url_for
from jinja2 import Template
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from jinja2.utils import pass_eval_context
from markupsafe import Markup

from webapp.core.language import catalogue

_NUMBER = object()
# What stands for the numbers of an address while it is taken apart: nobody can type it.
_HOLE = 10**12 + secrets.randbelow(10**12)


class SteadyTemplate(Template):
    """A template that imports macros without comparing the names of all globals: those are the same everywhere."""

    def _get_default_module(self, ctx: Context | None = None) -> TemplateModule:
        known = self._module
        if known is not None and (
            ctx is None or len(ctx.globals_keys) == len(self.environment.globals)
        ):
            return known
        return super()._get_default_module(ctx)


@pass_eval_context
def say(context: EvalContext, message: str, /, **values: object) -> str:
    """Say a text of a template in the reader's language; a page has a hundred, most of them without values."""
    if not values:
        return _plain(catalogue(), message, context.autoescape)
    said = str(catalogue().ugettext(message))
    return (Markup(said) if context.autoescape else said) % values  # noqa: S704 # nosec B704 - our own text


@pass_eval_context
def say_number(
    context: EvalContext, singular: str, plural: str, number: int, /, **values: object
) -> str:
    """Say a text about a number of things."""
    values.setdefault("num", number)
    said = str(catalogue().ungettext(singular, plural, number))
    return (Markup(said) if context.autoescape else said) % values  # noqa: S704 # nosec B704 - our own text


@lru_cache(maxsize=8192)
def _plain(texts: Any, message: str, marked: bool) -> str:
    said = str(texts.ugettext(message)) % {}
    return Markup(said) if marked else said  # noqa: S704 # nosec B704 - our own text


def url_for(endpoint: str, **values: Any) -> str:
    """Return an address as Flask's does, which takes as long as to draw ten cells of a table.

    How it looks is found out once for an endpoint, the names of its numbers and its other values.
    """
    shape: list[tuple[str, Any]] = []
    numbers: list[int] = []
    for name, value in values.items():
        if type(value) is int and value >= 0:
            numbers.append(value)
            shape.append((name, _NUMBER))
        elif value is None or type(value) is str:
            shape.append((name, value))
        else:
            return flask_url_for(endpoint, **values)
    if endpoint[0] == "." or not has_request_context():
        return flask_url_for(endpoint, **values)
    parts = _pattern(request.script_root, endpoint, tuple(shape))
    if not numbers:
        return parts[0]
    return "".join([str(numbers[int(part[1:])]) if part[:1] == "\0" else part for part in parts])


@lru_cache(maxsize=2048)
def _pattern(_root: str, endpoint: str, shape: tuple[tuple[str, Any], ...]) -> tuple[str, ...]:
    """What an address consists of; a part of NUL and a place stands for the number there."""
    places = [name for name, value in shape if value is _NUMBER]
    asked = {
        name: _HOLE + places.index(name) if value is _NUMBER else value for name, value in shape
    }
    whole = flask_url_for(endpoint, **asked)
    for place in range(len(places)):
        whole = whole.replace(str(_HOLE + place), f"\0\1{place}\0")
    return tuple(part.replace("\1", "\0") for part in whole.split("\0") if part)


def init_app(app: Flask) -> None:
    """Have the templates use all this."""
    app.jinja_env.template_class = SteadyTemplate
    app.jinja_env.globals |= {
        "_": say,
        "gettext": say,
        "ngettext": say_number,
        "url_for": url_for,
    }
