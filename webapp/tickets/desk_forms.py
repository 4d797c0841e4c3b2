"""The forms of the desk; their rules are in ``desk_schemas``."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

from wtforms import BooleanField, IntegerField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import DateInput, DateTimeLocalInput, NumberInput, TimeInput

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _, gettext
from webapp.core.pickers import PickerField
from webapp.tickets import desk_schemas as schemas
from webapp.users.forms import ZoneField

WEEKDAYS = (
    _("Monday"),
    _("Tuesday"),
    _("Wednesday"),
    _("Thursday"),
    _("Friday"),
    _("Saturday"),
    _("Sunday"),
)
PLACE = "place-"


class TeamForm(SchemaForm[schemas.TeamEdit]):
    """A team."""

    schema: ClassVar = schemas.TeamEdit
    name = StringField("Name")
    description = TextAreaField("What it looks after", render_kw={"rows": 3})


class MemberForm(SchemaForm[schemas.MemberAdd]):
    """A person who joins a team."""

    schema: ClassVar = schemas.MemberAdd
    user_id = PickerField("Person")
    is_lead = BooleanField("Leads the team, and is told of missed service levels")


class ShiftForm(SchemaForm[schemas.ShiftAdd]):
    """A shift of a member."""

    schema: ClassVar = schemas.ShiftAdd
    user_id = SelectField("Member", choices=[], validate_choice=False)
    starts_at = StringField("From", widget=DateTimeLocalInput())
    ends_at = StringField("Until", widget=DateTimeLocalInput())

    def offer(self, members: Iterable[Any]) -> None:
        """Say who can be on duty."""
        rows = [SelectChoice(str(row.user_id), row.name) for row in members if row.is_active]
        self.user_id.choices = [SelectChoice("", gettext("Choose…")), *rows]


class RotationForm(SchemaForm[schemas.Rotation]):
    """Members who follow each other; ``rotation_form`` adds a field for the place of each."""

    schema: ClassVar = schemas.Rotation
    since = StringField(
        "Not before",
        widget=DateInput(),
        description="The first shift begins on the first such day.",
    )
    weekday = SelectField(
        "Changes on",
        choices=[SelectChoice(str(number), name) for number, name in enumerate(WEEKDAYS)],
        validate_choice=False,
        default="0",
    )
    at = StringField("At", widget=TimeInput(), default="09:00")
    timezone = ZoneField("By the clocks of")
    weeks = IntegerField(
        "For how many weeks",
        widget=NumberInput(min=1, max=schemas.MAX_WEEKS),
        default=12,
    )

    def place_fields(self) -> list[Any]:
        """Return the fields for the places of members."""
        return [field for name, field in self._fields.items() if name.startswith(PLACE)]

    def values(self) -> dict[str, Any]:
        """Return what the schema is to check: places as pairs, those that were left empty left out."""
        places = []
        for field in self.place_fields():
            typed = str(field.data or "").strip()
            if typed.isascii() and typed.isdigit():
                places.append((int(typed[:4]), int(field.name.removeprefix(PLACE))))
        raw = self.weeks.raw_data[0] if self.weeks.raw_data else self.weeks.data
        return {**super().values(), "places": tuple(places), "weeks": raw}


def rotation_form(members: Sequence[Any]) -> type[RotationForm]:
    """Return the form with a select for the place of each active member in the order."""
    active = [row for row in members if row.is_active]
    places = [SelectChoice("", _("Not in it"))]
    places += [SelectChoice(str(number), str(number)) for number in range(1, len(active) + 1)]
    fields = {
        f"{PLACE}{row.user_id}": SelectField(
            row.name, choices=places, validate_choice=False, default=str(number)
        )
        for number, row in enumerate(active, 1)
    }
    return type("RotationForm", (RotationForm,), fields)


class ReplyForm(SchemaForm[schemas.ReplyEdit]):
    """A canned reply."""

    schema: ClassVar = schemas.ReplyEdit
    title = StringField("Title")
    shortcut = StringField(
        "Shortcut",
        description="Type :: and this in an answer, such as ::hello.",
        render_kw={"maxlength": 42, "autocapitalize": "none", "spellcheck": "false"},
    )
    whose = SelectField("Whose", choices=[], validate_choice=False, default="mine")
    body = TextAreaField("Text", render_kw={"rows": 10})

    def offer(self, teams: dict[int, str], *, shared: bool) -> None:
        """Say whose it can be; ``shared`` where it may be for others."""
        choices = [SelectChoice("mine", gettext("Only mine"))]
        if shared:
            choices.append(SelectChoice("all", gettext("Everybody's")))
            choices += [SelectChoice(f"team:{key}", name) for key, name in teams.items()]
        self.whose.choices = choices


class TimeForm(SchemaForm[schemas.TimeSpent]):
    """Time spent on a ticket."""

    schema: ClassVar = schemas.TimeSpent
    minutes = StringField("How long", description="45, 1h 30m or 1:30", render_kw={"maxlength": 20})
    note = StringField("What for")
    spent_on = StringField("Day", widget=DateInput())
