"""The form that changes many tickets at once."""

from collections.abc import Iterable
from typing import Any, ClassVar

from wtforms import HiddenField, RadioField, SelectMultipleField, StringField, TextAreaField

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField
from webapp.tickets import bulk_schemas
from webapp.tickets.bulk_schemas import NOBODY
from webapp.tickets.words import PRIORITY, STATUS

# What travels from the form to the preview and on.
CARRIED = (
    *("matching", "status", "resolution", "priority", "priority_reason", "assignee", "team"),
    *("add_tags", "remove_tags", "body", "said_as", "reason", "back"),
)


class BulkForm(SchemaForm[bulk_schemas.BulkChange]):
    """What changes about the tickets that were chosen."""

    schema: ClassVar = bulk_schemas.BulkChange
    ids = SelectMultipleField("Tickets", coerce=int, validate_choice=False, default=[])
    matching = HiddenField(filters=[lambda typed: typed or None])
    seen = HiddenField(default="")
    back = HiddenField()  # the list that they were chosen from
    status = SelectField(N_("Status"), validate_choice=False)
    resolution = TextAreaField(N_("Resolution"), render_kw={"rows": 2})
    priority = SelectField(N_("Priority"), validate_choice=False)
    priority_reason = StringField(N_("Why this priority"))
    assignee = PickerField(N_("Assignee"))
    team = SelectField(N_("Team"), validate_choice=False)
    add_tags = StringField(N_("Add tags"))
    remove_tags = StringField(N_("Remove tags"))
    canned = PickerField(N_("Canned reply"))
    body = TextAreaField(N_("Message"), render_kw={"rows": 5})
    said_as = RadioField(N_("Send it as"), validate_choice=False, default="reply")
    reason = StringField(N_("Reason"))

    def offer(
        self, people: str, replies: str, *, present: dict[str, str | None], teams: Iterable[Any]
    ) -> None:
        """Fill in the choices; ``people`` and ``replies`` find them, ``present`` names what is chosen."""
        stay = gettext("Leave as it is")
        self.status.choices = [("", stay), *((str(key), str(word)) for key, word in STATUS.items())]
        self.priority.choices = [
            ("", stay),
            *((str(key), str(word)) for key, word in PRIORITY.items()),
        ]
        nobody = (NOBODY, gettext("Nobody"))
        self.assignee.offer(people, present=present["assignee"], fixed=[("", stay), nobody])
        self.team.choices = [
            ("", stay),
            (NOBODY, gettext("None")),
            *((str(row.id), row.name) for row in teams),
        ]
        self.canned.offer(replies, present=present["canned"], fixed=[("", gettext("None"))])
        self.said_as.choices = [
            ("reply", gettext("Public reply")),
            ("note", gettext("Internal note")),
        ]
