"""What may be asked of the log, from the query string: read strictly, but for what only the database knows."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_wtf.i18n import translations
from wtforms import Field, Form, IntegerField, StringField
from wtforms.fields import DateTimeLocalField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from webapp.audit.fields import FIELDS
from webapp.audit.models import CATEGORIES
from webapp.audit.sentences import field_title
from webapp.core.language import N_, _, gettext
from webapp.core.object_types import TYPES, title_of
from webapp.core.search import cleaned
from webapp.oversight.listed import ListedField

MAX_ID = 2**63 - 1
MOST_VALUES = 50
PERIODS = (
    ("", _("Any time")),
    ("hour", _("Last hour")),
    ("today", _("Today")),
    ("yesterday", _("Yesterday")),
    ("7", _("Last 7 days")),
    ("30", _("Last 30 days")),
    ("month", _("This month")),
    ("quarter", _("This quarter")),
    ("exact", _("From … to …")),
)
PRESETS = frozenset(name for name, _title in PERIODS if name != "exact")
OUTCOMES = (
    ("", _("Any outcome")),
    ("ok", _("Done")),
    ("denied", _("Refused")),
    ("failed", _("Failed")),
    ("not-ok", _("Refused or failed")),
)
TIMES = (
    ("", _("Newest first")),
    ("recorded_at", _("Oldest first")),
    ("-occurred_at", _("By when it happened, latest first")),
    ("occurred_at", _("By when it happened, earliest first")),
)
_MOMENT = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?", re.ASCII)
_VIA = re.compile(r"(session|job|token):[0-9]{1,18}", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def _choices(rows: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in rows]


def _periods() -> list[SelectChoice]:
    return _choices(PERIODS)


def _outcomes() -> list[SelectChoice]:
    return _choices(OUTCOMES)


def _times() -> list[SelectChoice]:
    return _choices(TIMES)


def _kinds() -> list[SelectChoice]:
    named = sorted((title_of(kind).capitalize(), kind) for kind in TYPES)
    return _choices([("", _("Anything")), *((kind, title) for title, kind in named)])


def _fields() -> list[SelectChoice]:
    """Offer each title once; the columns that share it are asked for together."""
    named: dict[str, str] = {}
    for name in FIELDS:
        named.setdefault(field_title(name), name)
    listed = sorted(named.items(), key=lambda item: item[0].casefold())
    return _choices([("", _("Any field")), *((name, title) for title, name in listed)])


class ManyField(Field):
    """Several values of one name."""

    data: list[str]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Keep each once, in its order."""
        values = (cleaned(value) for value in valuelist)
        self.data = list(dict.fromkeys(value for value in values if value))

    def process_data(self, value: Any) -> None:
        """Begin with none."""
        self.data = list(value or ())

    def pre_validate(self, _form: Any) -> None:
        """Refuse more than a query should hold."""
        if len(self.data) > MOST_VALUES:
            raise ValidationError(gettext("At most %(n)s values.", n=MOST_VALUES))


class IdField(IntegerField):
    """The number of a record; one that is too long is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Refuse what no record could have before it is compared."""
        if valuelist and len(valuelist[0]) > len(str(MAX_ID)):
            raise ValueError(gettext("Not a valid choice."))
        super().process_formdata(valuelist)


class FilterForm(Form):
    """The filters of the log; a GET form, so it has no token."""

    q = StringField(N_("Words"), [Length(max=200)])
    actor = ManyField(N_("Who"))
    period = ListedField(N_("When"), listing=_periods)
    since = DateTimeLocalField(N_("From"), [Optional()], format=_MOMENT)
    until = DateTimeLocalField(N_("To"), [Optional()], format=_MOMENT)
    category = ManyField(N_("Category"))
    outcome = ListedField(N_("Outcome"), listing=_outcomes)
    action = ManyField(N_("Action"))
    object_type = ListedField(N_("Kind"), listing=_kinds)
    object_id = IdField(N_("Number"), [Optional(), NumberRange(0, MAX_ID)])
    record = StringField(N_("Record"), [Length(max=200)])
    client = ManyField(N_("Client"))
    ip = StringField(N_("Address or network"), [Length(max=64)])
    via = StringField(N_("Session, job or token"), [Length(max=64)])
    request = StringField(N_("Request"), [Length(max=64)])
    field = ListedField(N_("Field"), listing=_fields, validate_choice=False)
    was = StringField(N_("Changed from"), [Length(max=200)])
    became = StringField(N_("Changed to"), [Length(max=200)])
    sort = ListedField(N_("Order"), listing=_times, validate_choice=False)

    QUIET: ClassVar = frozenset({"sort", "object_id"})  # not a filter of their own

    class Meta:
        """WTForms' own messages in the reader's language."""

        def get_translations(self, _form: Any) -> Any:
            """Return those of the request."""
            return translations

    def __init__(self, args: Any) -> None:
        """Read the query string; a field that the list does not offer may come by a link."""
        super().__init__(args)
        if self.period.data in PRESETS and (self.since.data or self.until.data):
            self.period.data = "exact"  # days that somebody typed say more than a preset
        named = self.field.data
        if named and named not in FIELDS:
            self.field.choices = [*_fields(), SelectChoice(named, field_title(named))]

    def validate_until(self, field: DateTimeLocalField) -> None:
        """Refuse an end that comes before the beginning: it would find nothing, and not say why."""
        if field.data and self.since.data and field.data < self.since.data:
            raise ValidationError(gettext("It lies before “From”."))

    def validate_category(self, field: ManyField) -> None:
        """Refuse categories that do not exist."""
        if any(value not in CATEGORIES for value in field.data):
            raise ValidationError(gettext("Not a valid choice."))

    def validate_action(self, field: ManyField) -> None:
        """Take any action: more may have been recorded than are offered."""
        if any(not _ACTION.fullmatch(value) for value in field.data):
            raise ValidationError(gettext("An action looks like ticket.updated."))

    def validate_client(self, field: ManyField) -> None:
        """Refuse what is no number."""
        if any(not (one.isascii() and one.isdigit() and len(one) < 19) for one in field.data):  # noqa: PLR2004 - fits a bigint
            raise ValidationError(gettext("Not a valid choice."))

    def validate_ip(self, field: StringField) -> None:
        """Refuse what is neither an address nor a network."""
        if cleaned(field.data) and network_of(cleaned(field.data)) is None:
            raise ValidationError(
                gettext("Type an address (192.0.2.7) or a network (192.0.2.0/24).")
            )

    def validate_via(self, field: StringField) -> None:
        """Refuse what the log never has."""
        if cleaned(field.data) and not _VIA.fullmatch(cleaned(field.data)):
            raise ValidationError(gettext("Type session:12, job:12 or token:12."))

    def validate_field(self, field: ListedField) -> None:
        """Refuse names that no column has."""
        if field.data and not _NAME.fullmatch(field.data):
            raise ValidationError(gettext("Not a valid choice."))

    def validate_was(self, field: StringField) -> None:
        """Ask for the field: values alone are words."""
        if (cleaned(field.data) or cleaned(self.became.data)) and not self.field.data:
            raise ValidationError(gettext("Choose the field that changed."))

    def used(self) -> dict[str, str]:
        """Return what was filled in, for the record of who read what."""
        return {
            name: ", ".join(field.data) if isinstance(field.data, list) else str(field.data)
            for name, field in self._fields.items()
            if field.data not in (None, "", []) and name != "sort"
        }

    @property
    def clock(self) -> str:
        """Which of the two times the range means: the one the list is sorted by."""
        return "occurred_at" if (self.sort.data or "").endswith("occurred_at") else "recorded_at"

    def problems(self) -> list[str]:
        """Return what is wrong with the filters, a sentence each."""
        return [
            f"{gettext(self._fields[name].label.text)}: {' '.join(str(text) for text in texts)}"
            for name, texts in self.errors.items()
            if name in self._fields
        ]

    def bounds(self, *, now: datetime, timezone: str) -> tuple[datetime | None, datetime | None]:
        """Return from when to when, by the reader's clock."""
        here = now.astimezone(zone_of(timezone))
        midnight = here.replace(hour=0, minute=0, second=0, microsecond=0)
        period = self.period.data
        presets: Mapping[str, tuple[datetime, datetime | None]] = {
            "hour": (here - timedelta(hours=1), None),
            "today": (midnight, None),
            "yesterday": (midnight - timedelta(days=1), midnight),
            "7": (midnight - timedelta(days=6), None),
            "30": (midnight - timedelta(days=29), None),
            "month": (midnight.replace(day=1), None),
            "quarter": (midnight.replace(month=(here.month - 1) // 3 * 3 + 1, day=1), None),
        }
        if period in presets:
            return presets[period]
        return _moment(self.since.data, here), _moment(self.until.data, here)


def _moment(typed: datetime | None, now: datetime) -> datetime | None:
    if typed is None:
        return None
    try:
        return typed.replace(tzinfo=now.tzinfo).astimezone(UTC)
    except OverflowError:  # the first or last hours of the calendar
        return typed.replace(tzinfo=UTC)


def network_of(typed: str) -> tuple[str, str] | None:
    """Return the first and last address of a network, as PostgreSQL orders them; None if it is none."""
    if "%" in typed:  # a link's zone: the database knows none
        return None
    try:
        network = ipaddress.ip_network(typed, strict=False)
    except ValueError:
        return None
    if network.num_addresses == 1:
        return str(network.network_address), str(network.network_address)
    return str(network), str(network.broadcast_address)


def zone_of(name: str) -> ZoneInfo:
    """Return a person's zone, UTC if the name means nothing here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
