"""What may be asked of the log, from the query string."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_wtf.i18n import translations
from wtforms import Form, IntegerField, StringField
from wtforms.fields import DateTimeLocalField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, NumberRange, Optional

from webapp.audit.queries import Filter
from webapp.audit.sentences import ACTIONS, CATEGORY_TITLES
from webapp.core.forms import SelectField
from webapp.core.language import _, gettext
from webapp.core.object_types import TYPES, title_of
from webapp.core.search import cleaned

MAX_ID = 2**63 - 1
MAX_ACTION = 64
PERIODS = (
    ("", _("Any time")),
    ("today", _("Today")),
    ("7", _("Last 7 days")),
    ("30", _("Last 30 days")),
    ("quarter", _("This quarter")),
    ("exact", _("From … to …")),
)
PRESETS = frozenset({"", "today", "7", "30", "quarter"})
OUTCOMES = (
    ("", _("Any outcome")),
    ("ok", _("Done")),
    ("denied", _("Refused")),
    ("failed", _("Failed")),
    ("not-ok", _("Refused or failed")),
)
_MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]


def _choices(rows: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in rows]


# Codes of the program, the same in every language.
_ACTIONS = (("", _("Any action")), *((name, name) for name in sorted(set(ACTIONS))))


def _categories() -> list[SelectChoice]:
    named = ((name, str(title).capitalize()) for name, title in CATEGORY_TITLES.items())
    return _choices([("", _("Any category")), *named])


def _kinds() -> list[SelectChoice]:
    return _choices([("", _("Anything")), *((kind, title_of(kind).capitalize()) for kind in TYPES)])


class FilterForm(Form):
    """The filters of the log; a GET form, so it has no token."""

    actor = StringField("Who", [Length(max=200)])
    period = SelectField("When", choices=_choices(PERIODS), default="")
    since = DateTimeLocalField("From", [Optional()], format=_MOMENT)
    until = DateTimeLocalField("To", [Optional()], format=_MOMENT)
    category = SelectField(
        "Category",
        choices=_categories,
        default="",
    )
    outcome = SelectField("Outcome", choices=_choices(OUTCOMES), default="")
    action = SelectField(
        "Action",
        choices=_choices(_ACTIONS),
        default="",
    )
    object_type = SelectField(
        "Kind",
        choices=_kinds,
        default="",
    )
    object_id = IntegerField("Number", [Optional(), NumberRange(0, MAX_ID)])
    request = StringField("Request", [Length(max=64)])

    class Meta:
        """WTForms' own messages in the reader's language."""

        def get_translations(self, _form: Any) -> Any:
            """Return those of the request."""
            return translations

    def __init__(self, args: Any) -> None:
        """Take unknown actions too: a link may name one that the list does not offer."""
        super().__init__(args)
        if self.period.data in PRESETS and (self.since.data or self.until.data):
            self.period.data = "exact"  # days that somebody typed say more than a preset
        wanted = args.get("action", "")
        if wanted and wanted not in ACTIONS and len(wanted) <= MAX_ACTION:
            self.action.choices = _choices((*_ACTIONS, (wanted, wanted)))

    def asked(self, *, now: datetime, timezone: str) -> Filter:
        """Return the filter, with times in the reader's zone."""
        zone = zone_of(timezone)
        since, until = self._bounds(now.astimezone(zone))
        return Filter(
            actor=cleaned(self.actor.data) or None,
            object_type=self.object_type.data or None,
            object_id=self.object_id.data,
            action=cleaned(self.action.data) or None,
            category=self.category.data or None,
            outcome=self.outcome.data or None,
            request=cleaned(self.request.data) or None,
            since=since,
            until=until,
        )

    def used(self) -> dict[str, str]:
        """Return what was filled in, for the record of who read what."""
        return {
            name: str(field.data)
            for name, field in self._fields.items()
            if field.data not in (None, "")
        }

    def problems(self) -> list[str]:
        """Return what is wrong with the filters, a sentence each."""
        return [
            f"{gettext(self._fields[name].label.text)}: {' '.join(str(text) for text in texts)}"
            for name, texts in self.errors.items()
            if name in self._fields
        ]

    def _bounds(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        period = self.period.data
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if period == "today":
            return midnight, None
        if period == "quarter":
            return midnight.replace(month=(now.month - 1) // 3 * 3 + 1, day=1), None
        if period in {"7", "30"}:
            return midnight - timedelta(days=int(period) - 1), None
        return self._moment(self.since.data, now), self._moment(self.until.data, now)

    @staticmethod
    def _moment(typed: datetime | None, now: datetime) -> datetime | None:
        if typed is None:
            return None
        try:
            return typed.replace(tzinfo=now.tzinfo).astimezone(UTC)
        except OverflowError:  # the first or last hours of the calendar
            return typed.replace(tzinfo=UTC)


def zone_of(name: str) -> ZoneInfo:
    """Return a person's zone, UTC if the name means nothing here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
