"""The forms of service levels and business hours; their rules are in ``sla_schemas``."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from wtforms import Field, IntegerField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import DateInput, NumberInput

from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField
from webapp.tickets import lengths
from webapp.tickets import sla_schemas as schemas
from webapp.tickets.models import Priority
from webapp.tickets.sla_schemas import WHATS, target_name, typed_spans
from webapp.tickets.words import KIND
from webapp.users.forms import ZoneField

TYPED = {"autocomplete": "off", "spellcheck": "false"}


def _target(label: str) -> StringField:
    return StringField(label, render_kw={**TYPED, "maxlength": 40})


def _day(label: str) -> StringField:
    return StringField(label, render_kw={**TYPED, "maxlength": 200})


class PolicyForm(SchemaForm[schemas.PolicyEdit]):
    """A service level."""

    schema: ClassVar = schemas.PolicyEdit
    name = StringField("Name", render_kw={"autocomplete": "off"})
    client_id = PickerField("Client")
    kind = SelectField(
        "Kind",
        choices=lambda: [
            SelectChoice("", gettext("All kinds")),
            *(SelectChoice(kind.value, str(word)) for kind, word in KIND.items()),
        ],
        validate_choice=False,
    )
    hours_id = SelectField("Business hours", choices=[], validate_choice=False)
    warn_percent = IntegerField(
        "Warn after",
        widget=NumberInput(min=1, max=99),
        default=80,
        description="Percent of the time that has passed.",
    )
    urgent_response = _target(N_("Answer an urgent ticket within"))
    urgent_resolution = _target(N_("Solve an urgent ticket within"))
    high_response = _target(N_("Answer a high ticket within"))
    high_resolution = _target(N_("Solve a high ticket within"))
    normal_response = _target(N_("Answer a normal ticket within"))
    normal_resolution = _target(N_("Solve a normal ticket within"))
    low_response = _target(N_("Answer a low ticket within"))
    low_resolution = _target(N_("Solve a low ticket within"))

    def offer(self, hours: Iterable[Any]) -> None:
        """Say which calendars there are."""
        rows = [SelectChoice(str(row.id), row.name) for row in hours]
        self.hours_id.choices = [SelectChoice("", gettext("Choose…")), *rows]

    def target(self, priority: str, what: str) -> Field:
        """The field of a target."""
        field: Field = self._fields[f"{priority}_{what}"]
        return field


def filled_policy(policy: Any, targets: Mapping[str, Any], day: int) -> PolicyForm:
    """Return the form with what is stored; ``day`` is how many minutes a day of its hours has."""
    values = {
        target_name(priority, what): lengths.typed(getattr(targets[priority], what), day)
        for priority in Priority
        if priority in targets
        for what in WHATS
    }
    data = values | {
        "name": policy.name,
        "client_id": policy.client_id,
        "kind": policy.kind or "",
        "hours_id": str(policy.hours_id),
        "warn_percent": policy.warn_percent,
    }
    return PolicyForm(formdata=None, data=data)


class HoursForm(SchemaForm[schemas.HoursEdit]):
    """A calendar."""

    schema: ClassVar = schemas.HoursEdit
    name = StringField("Name", render_kw={"autocomplete": "off"})
    timezone = ZoneField("Time zone")
    monday = _day(N_("Monday"))
    tuesday = _day(N_("Tuesday"))
    wednesday = _day(N_("Wednesday"))
    thursday = _day(N_("Thursday"))
    friday = _day(N_("Friday"))
    saturday = _day(N_("Saturday"))
    sunday = _day(N_("Sunday"))

    def days(self) -> list[Field]:
        """The fields of the week."""
        return [self._fields[day] for day in schemas.WEEKDAYS]


def filled_hours(name: str, zone: str, week: Iterable[Any]) -> HoursForm:
    """Return the form with these hours."""
    days = {day: typed_spans(spans) for day, spans in zip(schemas.WEEKDAYS, week, strict=True)}
    return HoursForm(formdata=None, data={"name": name, "timezone": zone, **days})


class HolidaysForm(SchemaForm[schemas.HolidaysAdd]):
    """One holiday by its day and name, or many lines."""

    schema: ClassVar = schemas.HolidaysAdd
    day = StringField("Day", widget=DateInput())
    name = StringField("Name", render_kw={"maxlength": 200, "autocomplete": "off"})
    lines = TextAreaField(
        "Many at once",
        description="A day and a name in each line.",
        render_kw={"rows": 5, "placeholder": "2026-12-25 Christmas\n2027-01-01 New Year"},
    )

    def values(self) -> dict[str, Any]:
        """Return the single day as a line, too."""
        one = f"{self.day.data or ''} {self.name.data or ''}".strip()
        return {"lines": "\n".join(part for part in (one, self.lines.data or "") if part)}
