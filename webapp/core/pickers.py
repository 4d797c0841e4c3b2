"""A field that picks one of many: the page holds the present choice, a search box asks the server for others."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from wtforms import Field

from webapp.core.language import gettext, ngettext
from webapp.core.search import cleaned

LIMIT = 30
TYPED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Option:
    """What can be picked: its value, its name, what tells it from others of that name, and its heading."""

    value: str
    label: str
    hint: str = ""
    group: str = ""


class PickerSelect:
    """Draws a select of the fixed choices and the present one; ``static/js/picker.js`` makes it a search box."""

    def __call__(self, field: "PickerField", **kwargs: Any) -> Markup:
        """Return the select."""
        values = {"id": field.id, "name": field.name, "data-picker": field.url} | kwargs
        options = Markup("").join(self._options(field))
        return Markup("<select{}>{}</select>").format(_attributes(values), options)

    def _options(self, field: "PickerField") -> Iterable[Markup]:
        value = field.value
        known = {key for key, _ in field.fixed}
        if value not in known and field.present is None:
            yield _option("", field.nothing, chosen=True)
        for key, label in field.fixed:
            yield _option(key, label, chosen=key == value, fixed=True)
        if field.present is not None and value not in known:
            yield _option(value, field.present, chosen=True)


def _option(value: str, label: str, *, chosen: bool, fixed: bool = False) -> Markup:
    values = {"data-fixed": fixed, "selected": chosen, "value": value}
    return Markup("<option{}>{}</option>").format(_attributes(values), label)


def _attributes(values: Mapping[str, Any]) -> Markup:
    """Write attributes: True stands alone, None and False vanish."""
    return Markup("").join(
        Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
        for name, value in values.items()
        if value is not None and value is not False
    )


class PickerField(Field):
    """Any value; what it may be is checked by the schema and the services, as a foreign id is like a missing one."""

    widget = PickerSelect()
    url = ""
    nothing = ""
    present: str | None = None
    fixed: Sequence[tuple[str, str]] = ()

    @property
    def value(self) -> str:
        """The present value as the page writes it."""
        return "" if self.data is None else str(self.data)

    def offer(
        self,
        url: str,
        *,
        present: str | None = None,
        fixed: Sequence[tuple[str, str]] = (),
        nothing: str | None = None,
    ) -> None:
        """Say where to search, what the present value is called (None: not in sight), and what is always offered."""
        self.url, self.present, self.fixed = url, present, fixed
        self.nothing = gettext("Choose…") if nothing is None else nothing


def typed() -> str:
    """Return what the person typed into the search box."""
    return cleaned(request.args.get("q"), at_most=TYPED)


def answer(options: Sequence[Option], *, more: bool | None = None) -> ResponseReturnValue:
    """Reply to a search box; with ``more`` (by default: more than fit), it says that typing narrows the list."""
    shown = options[:LIMIT]
    more = len(options) > LIMIT if more is None else more
    if not shown:
        note = gettext("Nothing matches.")
    elif more:
        note = gettext("There are more: type to narrow the list.")
    else:
        note = str(ngettext("%(num)s choice", "%(num)s choices", len(shown)))
    return jsonify(options=[asdict(one) for one in shown], note=note)
