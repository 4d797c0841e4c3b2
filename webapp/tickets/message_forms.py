"""The composer of a ticket."""

from collections.abc import Iterable
from typing import ClassVar

from wtforms import BooleanField, HiddenField, SelectMultipleField, TextAreaField

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.tickets.message_schemas import Saying, Typed
from webapp.tickets.models import Status
from webapp.tickets.words import HEARD, STATUS


class SayingForm(SchemaForm[Saying]):
    """A reply and a note side by side, of which one is sent."""

    schema: ClassVar = Saying
    mode = HiddenField(default="reply")
    body = TextAreaField(N_("Reply"), default="")
    note = TextAreaField(N_("Internal note"), default="")
    asked = TextAreaField(N_("From the requester"), default="")
    heard = SelectField(N_("How it came in"), validate_choice=False, default="phone")
    seen = HiddenField()
    viewed = HiddenField()
    anyway = BooleanField()
    status = SelectField(N_("Status"), validate_choice=False)
    resolution = TextAreaField(N_("Resolution"))
    files = SelectMultipleField(N_("Files"), coerce=int, validate_choice=False, default=[])

    def offer(self, states: Iterable[Status]) -> None:
        """Fill in the choices: what may follow the present status."""
        leave = gettext("Leave the status")
        self.status.choices = [("", leave), *((str(one), gettext(STATUS[one])) for one in states)]
        self.heard.choices = [(str(one), gettext(HEARD[one])) for one in HEARD]


class DraftForm(SchemaForm[Typed]):
    """What is typed and not sent yet."""

    schema: ClassVar = Typed
    mode = HiddenField(default="reply")
    body = HiddenField(default="")
