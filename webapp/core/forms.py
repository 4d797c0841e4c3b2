"""Forms draw fields; the pydantic schema behind each holds every rule."""

import json
import unicodedata
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Generic, TypeVar

import wtforms
from annotated_types import MaxLen
from babel import support
from flask import current_app, g, request
from flask_babel import get_locale
from flask_wtf import FlaskForm
from markupsafe import Markup, escape
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, ValidationError
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from wtforms import Field, widgets
from wtforms.i18n import messages_path

from webapp.core.errors import DomainError
from webapp.core.idempotency import FIELD as KEY_FIELD
from webapp.core.language import N_, _, gettext

Command = TypeVar("Command", bound=BaseModel)
ALWAYS_THERE = frozenset({"csrf_token", KEY_FIELD, "version"})
# What makes a text look like another: overrides and isolates of direction, zero width, other line ends, and what
# stands for bytes that are no text. Joiners stay: emoji and Persian need them.
DECEIVING = frozenset(
    map(
        chr,
        (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200B, 0xFEFF, 0x2028, 0x2029, 0xFFFD),
    )
)


def _is_control(character: str) -> bool:
    return character not in "\n\r\t" and unicodedata.category(character) in ("Cc", "Cs")


def unwritable(value: str) -> bool:
    """Tell whether ``value`` holds control characters or lone surrogates, which HTML cannot hold."""
    return not value.isprintable() and any(_is_control(character) for character in value)


def _is_hidden(character: str) -> bool:
    return character in DECEIVING or _is_control(character)


def _no_controls(value: str) -> str:
    if not DECEIVING.isdisjoint(value) or unwritable(value):
        raise ValueError(_("Remove the invisible control characters."))
    return value


def _one_line(value: str) -> str:
    if "\n" in value or "\r" in value or "\t" in value:
        raise ValueError(_("Write this in one line."))
    return value


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


Line = Annotated[
    str, BeforeValidator(_strip), AfterValidator(_no_controls), AfterValidator(_one_line)
]
Paragraphs = Annotated[str, BeforeValidator(_strip), AfterValidator(_no_controls)]
BlankIsNone = BeforeValidator(_blank_is_none)


NO_OBJECT = _("Send a JSON object of plain values. Nothing was changed.")


class CommandModel(BaseModel):
    """The base of every command: unknown fields are refused, and it never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


MESSAGES = {
    "missing": N_("Fill this in."),
    "string_too_short": N_("Fill this in."),
    "string_too_long": N_("Use at most %(max_length)s characters."),
    "too_short": N_("Fill this in."),
    "too_long": N_("Use at most %(max_length)s characters."),
    "string_type": N_("Fill this in."),
    "int_parsing": N_("Choose one of the list."),
    "int_type": N_("Choose one of the list."),
    "enum": N_("Choose one of the list."),
    "literal_error": N_("Choose one of the list."),
    "date_from_datetime_parsing": N_("Write a date as year-month-day."),
    "date_parsing": N_("Write a date as year-month-day."),
    "bool_parsing": N_("Choose yes or no."),
    "extra_forbidden": N_("This form has no such field."),
    "greater_than_equal": N_("Choose one of the list."),
    "less_than_equal": N_("Choose one of the list."),
    "string_pattern_mismatch": N_("Choose one of the list."),
}


@lru_cache(maxsize=8)
def _texts_of(locale: str) -> support.NullTranslations:
    found = support.Translations.load(messages_path(), [locale], domain="wtforms")
    assert isinstance(found, support.NullTranslations)  # noqa: S101 # nosec B101 - for the type checker
    return found


def _sent_json() -> ImmutableMultiDict[str, str]:
    """Read a JSON object as the form it stands for.

    Raises:
        BadRequest: if it is none, or holds more than plain values and lists of them.
    """
    if "sent_json" not in g:
        g.sent_json = _read_json()
    read: ImmutableMultiDict[str, str] = g.sent_json
    return read


def _read_json() -> ImmutableMultiDict[str, str]:
    if (request.content_length or 0) > current_app.config["MAX_FORM_MEMORY_SIZE"]:
        raise RequestEntityTooLarge
    try:
        # Pairs, not a dict: a name that comes twice is refused like that of a form.
        pairs = json.loads(request.get_data(), object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        raise BadRequest(NO_OBJECT) from None
    if not isinstance(pairs, tuple):
        raise BadRequest(NO_OBJECT)
    sent = []
    for name, value in pairs:
        values = value if isinstance(value, list) else [value]
        sent += [(name, _as_typed(one)) for one in values if one is not None]
    return ImmutableMultiDict(sent)


def _as_typed(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise BadRequest(NO_OBJECT)


class Select(widgets.Select):
    """Draws a select: WTForms takes forty microseconds for an option, and a page of filters has eighty."""

    @classmethod
    def render_option(cls, choice: Any, **kwargs: Any) -> Markup:  # type: ignore[override]  # stubs of 3.2
        """Return one option."""
        more = (choice.render_kw or {}) | kwargs
        flags = f" {widgets.html_params(**more)}" if more else ""
        if choice.selected:
            flags += " selected"
        return _option(flags, str(choice.value), str(choice.label or choice.value))


@lru_cache(maxsize=2000)  # the same on every page
def _option(flags: str, value: str, label: str) -> Markup:
    return Markup(f'<option{flags} value="{escape(value)}">{escape(label)}</option>')  # noqa: S704 # nosec B704 - escaped


class SelectField(wtforms.SelectField):
    """One of a few choices; for many there is ``pickers.PickerField``."""

    widget = Select()


class SchemaForm(FlaskForm, Generic[Command]):
    """A form whose rules are those of ``schema``; after ``validate`` the typed result is ``command``."""

    schema: ClassVar[type[BaseModel]]
    shown_by: ClassVar[dict[str, str]] = {}  # fields of the schema that another field draws
    form_errors: list[str]
    command: Command

    class Meta(FlaskForm.Meta):
        """Reads a form, or a JSON object that says the same."""

        def wrap_formdata(self, form: Any, formdata: Any) -> Any:
            """Return what was sent; what was given instead stays."""
            if formdata is None or isinstance(formdata, MultiDict) or not request.is_json:
                return super().wrap_formdata(form, formdata)
            return _sent_json()

        def get_translations(self, form: Any) -> Any:
            """Return the texts of WTForms, which Flask-WTF would read from the disk for each request."""
            return _texts_of(str(get_locale() or "en"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Copy ``required`` and ``maxlength`` from the schema into the fields' attributes."""
        super().__init__(*args, **kwargs)
        for name, info in self.schema.model_fields.items():
            field: Field | None = self._fields.get(name)
            if field is None:
                continue
            attributes = dict(field.render_kw or {})
            if info.is_required():
                attributes.setdefault("required", True)
            for rule in info.metadata:
                if isinstance(rule, MaxLen):
                    attributes.setdefault("maxlength", rule.max_length)
            field.render_kw = attributes

    def validate(self, extra_validators: Any = None) -> bool:
        """Check CSRF and choices, then the schema; hang each message on its field."""
        self._refuse_strange_fields()
        fine = bool(super().validate(extra_validators))
        try:
            self.command = self.schema.model_validate(self.values())  # type: ignore[assignment]
        except ValidationError as error:
            for problem in error.errors():
                self._complain(problem)
            self.make_writable()
            fine = False
        if not fine:
            g.refused_form = self
        return fine

    def values(self) -> dict[str, Any]:
        """Return what the schema is to check; a form whose fields are not those of the schema says it here."""
        known = self.schema.model_fields
        return {name: field.data for name, field in self._fields.items() if name in known}

    def refuse(self, error: DomainError) -> None:
        """Show the message of a rule that failed after validation, beside its field if it names one."""
        g.refused_form = self
        field = self._fields.get(self.shown_by.get(error.field or "", error.field or ""))
        if field is None:
            self.form_errors = [*self.form_errors, str(error)]
        else:
            field.errors = [*field.errors, str(error)]

    def _complain(self, problem: Any) -> None:
        text = MESSAGES.get(problem["type"])
        message = (
            gettext(text, **problem.get("ctx", {}))
            if text
            else problem["msg"].removeprefix("Value error, ")
        )
        name = str(problem["loc"][0]) if problem["loc"] else ""
        field = self._fields.get(self.shown_by.get(name, name))
        if field is None:
            self.form_errors = [*self.form_errors, message]
        elif message not in field.errors:
            field.errors = [*field.errors, message]

    def make_writable(self) -> None:
        """Draw the form again without what no page can hold; the rest of what was typed stays."""
        for field in self._fields.values():
            if isinstance(field.data, str):
                field.data = "".join(c for c in field.data if not _is_hidden(c))

    def _refuse_strange_fields(self) -> None:
        known = set(self._fields) | ALWAYS_THERE
        sent = _sent_json() if request.is_json else request.form
        for name, values in sent.lists():
            if name not in known:
                raise BadRequest(
                    _("The form carries a field that it does not have. Nothing was changed.")
                )
            field = self._fields.get(name)
            many = field is not None and isinstance(getattr(field, "data", None), list)
            if len(values) > 1 and not many:
                raise BadRequest(_("The form carries a field twice. Nothing was changed."))
