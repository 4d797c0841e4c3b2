"""The forms of tickets, their contacts and the workflow; their rules are in ``schemas`` and ``life_schemas``."""

from collections.abc import Iterable
from typing import Any, ClassVar, TypeVar

from pydantic import ValidationError
from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import EmailInput, TelInput

from webapp.core.forms import CommandModel, SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField
from webapp.tickets import life_schemas as schemas
from webapp.tickets import words
from webapp.tickets.message_schemas import Keyed, TypedTicket
from webapp.tickets.models import Kind, Level, Status

Fields = TypeVar("Fields", bound=CommandModel)
PLAIN = {"autocomplete": "off"}


def named(choices: Any) -> Any:
    """Return a callable with the choices of an enumeration by their words."""
    return lambda: [SelectChoice(one.value, str(text)) for one, text in choices.items()]


def _priorities() -> list[SelectChoice]:
    own = [SelectChoice(one.value, str(text)) for one, text in words.PRIORITY.items()]
    return [SelectChoice("", gettext("As impact and urgency give")), *own]


def choose(rows: Iterable[Any], nothing: str) -> list[SelectChoice]:
    """Return rows (id, name) as choices below the text for none."""
    return [SelectChoice("", nothing), *(SelectChoice(str(row.id), row.name) for row in rows)]


class _TicketFields(SchemaForm[Fields]):
    """What opening and changing a ticket share. The requester is picked as ``user:3`` or ``contact:4``."""

    shown_by: ClassVar = {"requester_user_id": "requester", "requester_contact_id": "requester"}

    subject = StringField("Subject", render_kw=PLAIN)
    kind = SelectField(
        "Kind", choices=named(words.KIND), default=Kind.INCIDENT.value, validate_choice=False
    )
    client_id = PickerField("Client")
    project_id = PickerField("Project")
    asset_id = PickerField("Asset")
    requester = PickerField("Requester")
    impact = SelectField(
        "Impact", choices=named(words.LEVEL), default=Level.MEDIUM.value, validate_choice=False
    )
    urgency = SelectField(
        "Urgency", choices=named(words.LEVEL), default=Level.MEDIUM.value, validate_choice=False
    )
    priority = SelectField("Priority", choices=_priorities, default="", validate_choice=False)
    priority_reason = StringField("Reason for another priority", render_kw=PLAIN)
    tags = StringField(
        "Tags",
        description="Words, parted by spaces or commas.",
        render_kw=PLAIN | {"spellcheck": "false"},
    )

    def values(self) -> dict[str, Any]:
        """Return the requester as a person or a contact; a reason goes with another priority only."""
        kind, _, number = str(self.requester.data or "").partition(":")
        sent = {name: value for name, value in super().values().items() if value is not None}
        who: dict[str, str | None] = {"requester_user_id": None, "requester_contact_id": None}
        if kind:
            name = "requester_contact_id" if kind == "contact" else "requester_user_id"
            who |= {name: number if kind in ("user", "contact") else "?"}
        return sent | who


class TicketForm(_TicketFields[schemas.TicketEdit]):
    """A ticket that exists."""

    schema: ClassVar = schemas.TicketEdit
    external_ref = StringField(
        "External reference",
        description="Its number in another system.",
        render_kw=PLAIN | {"spellcheck": "false"},
    )
    was = HiddenField()


class _NewTicketFields(_TicketFields[Fields]):
    """What a new ticket has besides."""

    contact_name = StringField("Name", render_kw=PLAIN)
    contact_email = StringField("E-mail", widget=EmailInput(), render_kw=PLAIN)
    contact_phone = StringField("Phone", widget=TelInput(), render_kw=PLAIN)
    body = TextAreaField("Description", default="")
    draft = HiddenField()
    files = SelectMultipleField(N_("Files"), coerce=int, validate_choice=False, default=[])
    team_id = SelectField("Team", choices=[], default="", validate_choice=False)
    assignee_id = PickerField("Assignee")


class NewTicketForm(_NewTicketFields[schemas.NewTicket]):
    """A ticket to open."""

    schema: ClassVar = schemas.NewTicket

    @property
    def has_contact(self) -> bool:
        """Whether something was typed for a new contact."""
        fields = (self.contact_name, self.contact_email, self.contact_phone)
        return any((field.data or "").strip() for field in fields)

    def check(self) -> None:
        """Say what is still wrong with a draft, which nobody has sent yet."""
        try:
            self.schema.model_validate(self.values())
        except ValidationError as error:
            for problem in error.errors():
                self._complain(problem)

    def validate(self, extra_validators: Any = None) -> bool:
        """A new contact needs a name and an address, and is the only requester."""
        fine = super().validate(extra_validators)
        if not self.has_contact:
            return fine
        for field in (self.contact_name, self.contact_email):
            if not (field.data or "").strip():
                field.errors = [*field.errors, gettext("Fill this in.")]
                fine = False
        if self.requester.data:
            text = gettext("Choose a requester or write down a new contact, not both.")
            self.requester.errors = [*self.requester.errors, text]
            fine = False
        return fine


class TypedTicketForm(_NewTicketFields[TypedTicket]):
    """The same form half filled: nothing in it has to be right yet."""

    schema: ClassVar = TypedTicket
    NOT_KEPT: ClassVar = {"csrf_token", "draft", "body", "files"}

    def values(self) -> dict[str, Any]:
        """Return the description and, as they are, the other fields."""
        fields = {
            name: str(field.data or "")
            for name, field in self._fields.items()
            if name not in self.NOT_KEPT
        }
        return {"draft": self.draft.data, "body": self.body.data or "", "fields": fields}


class DraftKeyForm(SchemaForm[Keyed]):
    """Which draft of a ticket is meant."""

    schema: ClassVar = Keyed
    draft = HiddenField()


class ContactForm(SchemaForm[schemas.ContactEdit]):
    """A contact of a client."""

    schema: ClassVar = schemas.ContactEdit
    client_id = PickerField("Client")
    name = StringField("Name", render_kw=PLAIN)
    email = StringField("E-mail", widget=EmailInput(), render_kw=PLAIN)
    phone = StringField("Phone", widget=TelInput(), default="", render_kw=PLAIN)


# --- in place: ids of their own, for they stand on a page with other forms -------------


Command = TypeVar("Command", bound=CommandModel)


class ActForm(SchemaForm[Command]):
    """What is done in a dialog. ``was`` is what the person saw when it opened."""

    was = HiddenField(id="act-was")


class TakeForm(ActForm[schemas.Taking]):
    """Nothing but what the person saw."""

    schema: ClassVar = schemas.Taking


class AssignForm(ActForm[schemas.Assignment]):
    """Who gets a ticket."""

    schema: ClassVar[type[CommandModel]] = schemas.Assignment
    assignee_id = PickerField("Assignee", id="act-assignee")
    team_id = SelectField("Team", id="act-team", choices=[], validate_choice=False)
    note = TextAreaField("Note", id="act-note", render_kw={"rows": 3})


class HandOverForm(AssignForm):
    """The same with a note that may not be missing."""

    schema: ClassVar[type[CommandModel]] = schemas.HandOver


class StatusForm(ActForm[schemas.StatusChange]):
    """Another status."""

    schema: ClassVar = schemas.StatusChange
    status = SelectField("New status", id="act-status", choices=[], validate_choice=False)
    resolution = TextAreaField("Resolution", id="act-resolution", render_kw={"rows": 4})
    reason = StringField(
        "Reason", id="act-reason", description="Stays in the history.", render_kw=PLAIN
    )

    def offer(self, states: Iterable[Status]) -> None:
        """Offer only what may follow."""
        self.status.choices = [
            SelectChoice("", gettext("Choose…")),
            *(SelectChoice(state.value, str(words.STATUS[state])) for state in states),
        ]


class ResolveForm(ActForm[schemas.Solving]):
    """How it was resolved."""

    schema: ClassVar = schemas.Solving
    resolution = TextAreaField("Resolution", id="act-resolution", render_kw={"rows": 5})


class ReopenForm(ActForm[schemas.Reopening]):
    """Why it is opened again."""

    schema: ClassVar = schemas.Reopening
    reason = StringField(
        "Reason", id="act-reason", description="Stays in the history.", render_kw=PLAIN
    )


class PriorityForm(ActForm[schemas.Prioritising]):
    """How bad and how soon."""

    schema: ClassVar = schemas.Prioritising
    impact = SelectField(
        "Impact", id="act-impact", choices=named(words.LEVEL), validate_choice=False
    )
    urgency = SelectField(
        "Urgency", id="act-urgency", choices=named(words.LEVEL), validate_choice=False
    )
    priority = SelectField(
        "Priority", id="act-priority", choices=_priorities, validate_choice=False
    )
    priority_reason = StringField(
        "Reason for another priority", id="act-priority-reason", render_kw=PLAIN
    )


class TagsForm(ActForm[schemas.Tagging]):
    """The tags of a ticket."""

    schema: ClassVar = schemas.Tagging
    tags = StringField(
        "Tags",
        id="act-tags",
        description="Words, parted by spaces or commas.",
        render_kw=PLAIN | {"spellcheck": "false"},
    )


class WatchForm(ActForm[schemas.Watching]):
    """Who follows a ticket."""

    schema: ClassVar = schemas.Watching
    user_id = PickerField("Add somebody", id="act-user")
    on = HiddenField(id="act-on", default="1")


class WorkflowForm(SchemaForm[schemas.Workflow]):
    """Which status may follow which, and which roles may do it (``transition:role``)."""

    schema: ClassVar = schemas.Workflow
    allowed = SelectMultipleField("Allowed", choices=[], validate_choice=False, default=[])
    who = SelectMultipleField("Roles", choices=[], validate_choice=False, default=[])
    was = HiddenField()
