"""What makes drawing a page cheap: its texts, its addresses and its macros are found again, not made anew."""

import secrets
from collections.abc import MutableMapping
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import markupsafe
from flask import Flask, has_request_context, request
from flask import url_for as flask_url_for
from jinja2 import Environment, Template
from jinja2.environment import TemplateModule
from jinja2.nodes import EvalContext
from jinja2.runtime import Context, Macro
from jinja2.utils import pass_eval_context
from markupsafe import Markup

from webapp.core.language import catalogue

_NUMBER = object()
# What stands for the numbers of an address while it is taken apart: nobody can type it.
_HOLE = 10**12 + secrets.randbelow(10**12)


_escaped = getattr(markupsafe, "_escape_inner", markupsafe.escape)
_PLAIN = (MethodType, BuiltinFunctionType, type(lru_cache(len)))


def escape(value: Any) -> str:
    """Escape what a template writes. It is joined to the page, and need not be marked as safe once more."""
    kind = type(value)
    if kind is Markup:
        return value  # type: ignore[no-any-return]
    if kind is str:
        return _escaped(value)
    return str(value) if kind is int else markupsafe.escape(value)


class SteadyContext(Context):
    """Calls what templates call: Jinja looks thrice whether a callable wants to know the context."""

    def call(self, called: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call ``called``; macros and texts get what they want to know."""
        kind = type(called)
        if kind is Macro:
            args = (self.eval_ctx, *args)
        elif kind is FunctionType or kind in _PLAIN:
            wants = getattr(called, "jinja_pass_arg", None)
            if wants is _EVALUATION:
                args = (self.eval_ctx, *args)
            elif wants is not None:
                return super().call(called, *args, **kwargs)
        else:
            return super().call(called, *args, **kwargs)
        if kwargs:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        return called(*args, **kwargs)


class SteadyTemplate(Template):
    """A template that imports macros without comparing the names of all globals: those are the same everywhere."""

    @classmethod
    def _from_namespace(
        cls, environment: Environment, namespace: MutableMapping[str, Any], globals: Any
    ) -> Template:
        namespace["escape"] = escape
        return super()._from_namespace(environment, namespace, globals)

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
    asked: dict[str, Any] = {
        name: _HOLE + places.index(name) if value is _NUMBER else value for name, value in shape
    }
    whole = flask_url_for(endpoint, **asked)
    for place in range(len(places)):
        whole = whole.replace(str(_HOLE + place), f"\0\1{place}\0")
    return tuple(part.replace("\1", "\0") for part in whole.split("\0") if part)


_EVALUATION = say.jinja_pass_arg  # type: ignore[attr-defined]


def init_app(app: Flask) -> None:
    """Have the templates use all this."""
    app.jinja_env.template_class = SteadyTemplate
    app.jinja_env.context_class = SteadyContext
    app.jinja_env.globals |= {
        "_": say,
        "gettext": say,
        "ngettext": say_number,
        "url_for": url_for,
    }
