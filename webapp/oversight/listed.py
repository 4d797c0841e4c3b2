"""A choice of the log's filters: what it offers depends on the language alone, so it is drawn once for each choice."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from flask_babel import get_locale
from markupsafe import Markup
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import ValidationError

from webapp.core import forms
from webapp.core.language import gettext

Listing = Callable[[], Iterable[SelectChoice]]


class Select(forms.Select):
    """Takes a select as it was drawn before; a page of the log has three hundred options."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        """Draw it, unless it was; with an option that only an address named, each time."""
        if not field.is_listed():
            return super().__call__(field, **kwargs)
        key = (str(get_locale()), field.listing, field.name, field.data, *sorted(kwargs.items()))
        if key not in _drawn:
            _drawn[key] = super().__call__(field, **kwargs)
        return _drawn[key]


_drawn: dict[tuple[Any, ...], Markup] = {}  # no more than options and languages there are


@lru_cache(maxsize=64)
def _listed(_locale: str, listing: Listing) -> tuple[tuple[SelectChoice, ...], frozenset[str]]:
    """What is offered, and its values."""
    choices = tuple(listing())
    return choices, frozenset(choice.value for choice in choices)


class ListedField(forms.SelectField):
    """A choice out of what ``listing`` returns, which is asked once for each language."""

    widget = Select()

    def __init__(self, label: str, *, listing: Listing, **kwargs: Any) -> None:
        """Keep where the choices come from."""
        self.listing = listing
        super().__init__(label, choices=self._offered, default="", **kwargs)

    def _offered(self) -> list[SelectChoice]:
        return list(_listed(str(get_locale()), self.listing)[0])

    def is_listed(self) -> bool:
        """Tell whether the value is one of those."""
        return self.data in _listed(str(get_locale()), self.listing)[1]

    def pre_validate(self, _form: Any) -> None:
        """Refuse what is not offered."""
        if not self.process_errors and self.validate_choice and not self.is_listed():
            raise ValidationError(gettext("Not a valid choice."))
