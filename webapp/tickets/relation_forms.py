"""The forms that link, merge and split tickets."""

from typing import ClassVar

from wtforms import SelectMultipleField, StringField, TextAreaField

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField
from webapp.tickets import relation_schemas

TIES = (
    ("related", N_("Related to")),
    ("duplicate", N_("Duplicate of")),
    ("duplicate:back", N_("Has the duplicate")),
    ("blocks", N_("Blocks")),
    ("blocks:back", N_("Blocked by")),
    ("caused_by", N_("Caused by")),
    ("caused_by:back", N_("Causes")),
)


class LinkForm(SchemaForm[relation_schemas.LinkAdd]):
    """A link to another ticket."""

    schema: ClassVar = relation_schemas.LinkAdd
    tie = SelectField(N_("Relation"), validate_choice=False, default="related")
    other = PickerField(N_("Ticket"))

    def offer(self, url: str, *, present: str | None) -> None:
        """Fill in the choices; ``url`` finds tickets, ``present`` names the one that is chosen."""
        self.tie.choices = [(key, gettext(word)) for key, word in TIES]
        self.other.offer(url, present=present)


class MergeForm(SchemaForm[relation_schemas.MergeInto]):
    """Which ticket a ticket becomes part of."""

    schema: ClassVar = relation_schemas.MergeInto
    into = PickerField(N_("Merge into"))
    reason = StringField(N_("Reason"))


class SplitForm(SchemaForm[relation_schemas.SplitOff]):
    """Which messages become a ticket of their own."""

    schema: ClassVar = relation_schemas.SplitOff
    messages = SelectMultipleField(N_("Messages"), coerce=int, validate_choice=False, default=[])
    subject = StringField(N_("Subject"))
    note = TextAreaField(N_("Note for the new ticket"), render_kw={"rows": 2})
