"""What may be asked of the log, from the query string: read strictly, but for what only the database knows."""

import ipaddress
import re
from collections.abc import Iterable
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from flask_wtf.i18n import translations
from wtforms import Field, Form, IntegerField, StringField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.validators import Length, NumberRange, Optional, ValidationError

from webapp.audit.fields import FIELDS
from webapp.audit.models import CATEGORIES
from webapp.audit.sentences import field_title
from webapp.core.language import N_, _, gettext
from webapp.core.object_types import TYPES, title_of
from webapp.core.search import cleaned
from webapp.oversight import spans
from webapp.oversight.listed import ListedField
from webapp.oversight.spans import MomentField

MAX_ID = 2**63 - 1
MOST_VALUES = 50
# Kinds that the log never has: what becomes of them is recorded as the person's.
UNRECORDED = frozenset({"user_role", "user_session", "notification"})
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
_ACTION = re.compile(r"[a-z_]{1,40}(\.[a-z_]{1,40})?", re.ASCII)
_VIA = re.compile(r"(session|job|token):[0-9]{1,18}", re.ASCII)
_REQUEST = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9:._-]{3,63}", re.ASCII)
_WHO = re.compile(r"[0-9]{1,18}|system:[^:]{0,60}|(session|job|token):[0-9]{1,18}", re.ASCII)
# What an address of the log holds besides filters: a place in the list, and how it is laid out.
BESIDES = frozenset({"after", "before", "limit", "group", "cursor", "at", "but"})
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}", re.ASCII)


def _choices(rows: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    return [SelectChoice(value, label) for value, label in rows]


def _periods() -> list[SelectChoice]:
    return _choices(spans.PERIODS)


def _clocks() -> list[SelectChoice]:
    return _choices(spans.CLOCKS)


def _outcomes() -> list[SelectChoice]:
    return _choices(OUTCOMES)


def _times() -> list[SelectChoice]:
    return _choices(TIMES)


def _kinds() -> list[SelectChoice]:
    named = sorted((title_of(kind).capitalize(), kind) for kind in TYPES if kind not in UNRECORDED)
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
    since = MomentField(N_("From"))
    until = MomentField(N_("To"))
    zone = StringField(N_("Time zone"), [Length(max=64)])
    clock = ListedField(N_("Clock"), listing=_clocks)
    category = ManyField(N_("Category"))
    outcome = ListedField(N_("Outcome"), listing=_outcomes)
    action = ManyField(N_("Action"))
    object_type = ListedField(N_("Kind"), listing=_kinds, validate_choice=False)
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

    class Meta:
        """WTForms' own messages in the reader's language."""

        def get_translations(self, _form: Any) -> Any:
            """Return those of the request."""
            return translations

    def __init__(self, args: Any) -> None:
        """Read the query string; a field that the list does not offer may come by a link."""
        super().__init__(args)
        self.unknown = sorted(set(args or ()) - set(self._fields) - BESIDES)
        if self.period.data in spans.PRESETS and (self.since.data or self.until.data):
            self.period.data = "exact"  # days that somebody typed say more than a preset
        if not self.clock.data:  # addresses from before there was a choice
            self.clock.data = implied_clock(self.sort.data)
        named = self.field.data
        kind = self.object_type.data
        if kind in UNRECORDED:
            self.object_type.choices = [*_kinds(), SelectChoice(kind, title_of(kind).capitalize())]
        if named and named not in FIELDS:
            self.field.choices = [*_fields(), SelectChoice(named, field_title(named))]

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse what is no filter, too: left out, it would show more than was asked for."""
        return super().validate(extra_validators) and not self.unknown

    def validate_actor(self, field: ManyField) -> None:
        """Refuse what can be no name, and nothing that the log has."""
        if any(not _WHO.fullmatch(one) and (":" in one or one.isdigit()) for one in field.data):
            raise ValidationError(
                gettext(
                    "Type a name, the number of a person, job:12, token:12, session:12 or system:seed."
                )
            )

    def validate_until(self, field: MomentField) -> None:
        """Refuse an end that comes before the beginning: it would find nothing, and not say why."""
        zone = self.zone.data or "UTC"
        since, until = (spans.instant(one.data, zone) for one in (self.since, field))
        if since and until and until < since:
            raise ValidationError(gettext("It lies before “From”."))

    def validate_zone(self, field: StringField) -> None:
        """Refuse what names no zone."""
        if field.data and not spans.is_zone(field.data):
            raise ValidationError(gettext("Type a time zone like Europe/Madrid, or UTC."))

    def validate_request(self, field: StringField) -> None:
        """Refuse what no request is called."""
        if cleaned(field.data) and not _REQUEST.fullmatch(cleaned(field.data)):
            raise ValidationError(
                gettext(
                    "A request is called like 0f3a91c2d45e6b78 or job-12; any entry of it says so."
                )
            )

    def validate_object_type(self, field: ListedField) -> None:
        """Take any kind there is: seldom a command records what is not offered."""
        if field.data and field.data not in TYPES:
            raise ValidationError(gettext("Not a valid choice."))

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
        quiet = {"sort"} | (set() if self.has_range or self.period.data else {"zone"})
        if self.clock.data == "recorded":
            quiet.add("clock")
        return {
            name: ", ".join(field.data) if isinstance(field.data, list) else str(field.data)
            for name, field in self._fields.items()
            if field.data not in (None, "", []) and name not in quiet
        }

    @property
    def has_range(self) -> bool:
        """Tell whether an end was typed."""
        return bool(self.since.data or self.until.data)

    @property
    def is_local(self) -> bool:
        """Tell whether an end was typed by the clock on a wall, without its offset."""
        ends = (self.since.data, self.until.data)
        return any(end is not None and end.tzinfo is None for end in ends)

    @property
    def column(self) -> str:
        """Which of the log's two times the span means."""
        return spans.COLUMNS.get(self.clock.data, "recorded_at")

    @property
    def order(self) -> str:
        """Which of the two the list is sorted by."""
        return spans.COLUMNS[implied_clock(self.sort.data)]

    @property
    def happened(self) -> bool:
        """Tell whether the time that matters is when it happened."""
        return "occurred_at" in (self.order, self.column)

    def problems(self) -> list[str]:
        """Return what is wrong with the filters, a sentence each."""
        return [
            *map(self._strange, self.unknown),
            *(
                f"{gettext(self._fields[name].label.text)}: {' '.join(str(text) for text in texts)}"
                for name, texts in self.errors.items()
                if name in self._fields
            ),
        ]

    def _strange(self, name: str) -> str:
        said = gettext("There is no filter “%(name)s”.", name=name[:40])
        like = get_close_matches(name, self._fields, 1)
        meant = gettext("Is it “%(name)s”?", name=like[0]) if like else ""
        return f"{said} {meant}".strip()

    def bounds(self, *, now: datetime, timezone: str) -> spans.Ends:
        """Return from when to when, by the clock of the zone that was chosen, or the reader's."""
        ends = (self.since.data, self.until.data)
        return spans.bounds(self.period.data, ends, now=now, zone=self.zone.data or timezone)


def implied_clock(sort: str | None) -> str:
    """Return which clock an address means that names none: the one it sorts by."""
    return "happened" if (sort or "").endswith("occurred_at") else "recorded"


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
