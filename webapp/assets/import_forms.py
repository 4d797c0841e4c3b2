"""The forms of an import; what its options may be is said in ``importing.mapping``."""

from typing import Any, ClassVar

from wtforms import BooleanField, Field, FileField, StringField

from webapp.assets import words
from webapp.assets.importing.mapping import ATTRIBUTE, FIELDS, Options, Rule
from webapp.assets.schemas import MaybeId
from webapp.core.forms import CommandModel, SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField

Choices = tuple[tuple[str, str], ...]
MATCHES: Choices = (("tag", N_("Tag")), ("serial", N_("Serial number")))
ORDERS: Choices = (
    ("iso", N_("Year-month-day")),
    ("day", N_("Day/month/year")),
    ("month", N_("Month/day/year")),
)
UNKNOWN_TYPES: Choices = (("refuse", N_("Refuse the row")), ("create", N_("Add the type")))
UNKNOWN_CLIENTS: Choices = (("refuse", N_("Refuse the row")), ("create", N_("Add the client")))
ACCEPTED = ".csv,.txt,.tsv,.xlsx"


class Upload(CommandModel):
    """Nothing besides the file, which the view takes."""


class UploadForm(SchemaForm[Upload]):
    """A file."""

    schema: ClassVar = Upload
    file = FileField(
        "File",
        description="CSV or XLSX, at most 25 MB. The first row holds the names of the columns.",
        render_kw={"accept": ACCEPTED, "required": True},
    )


class Sheet(CommandModel):
    """Which sheet of a workbook."""

    sheet: str


class SheetForm(SchemaForm[Sheet]):
    """Which sheet of a workbook."""

    schema: ClassVar = Sheet
    sheet = StringField("Sheet")


class ColumnsField(Field):
    """What each column says, in their order; drawn as one select for each."""

    data: list[str]

    def process_formdata(self, valuelist: list[str]) -> None:
        """Take all values of the name."""
        if valuelist:
            self.data = valuelist

    def _value(self) -> str:
        return ""


class OptionsForm(SchemaForm[Options]):
    """What the columns mean, and what is done about what they leave open."""

    schema: ClassVar = Options
    columns = ColumnsField("Columns")
    match = SelectField("An asset is known by", default="tag")
    date_order = SelectField("Dates are written", default="iso")
    decimal_comma = BooleanField("Amounts have a decimal comma, as in 1.250,50")
    clear_blank = BooleanField("An empty cell empties the field")
    client_id = PickerField("Client", description="For rows that name none.")
    project_id = PickerField("Project", description="For new assets of its client.")
    type_id = SelectField("Type", default="", description="For rows that name none.")
    status = SelectField(
        "Status", default="in_stock", description="For new assets whose row names none."
    )
    unknown_types = SelectField("Unknown types", default="refuse")
    unknown_clients = SelectField("Unknown clients", default="refuse")
    location_id = PickerField(
        "New clients are in", description="Unless the row names a location that is known."
    )

    def offer(self, types: list[Any], *, may_types: bool, may_clients: bool) -> None:
        """Fill in the choices."""
        self.type_id.choices = [
            ("", gettext("None")),
            *((str(kind.id), kind.name) for kind in types),
        ]
        self.status.choices = [(key.value, str(name)) for key, name in words.STATUS.items()]
        self.match.choices = _shown(MATCHES)
        self.date_order.choices = _shown(ORDERS)
        self.unknown_types.choices = _shown(UNKNOWN_TYPES if may_types else UNKNOWN_TYPES[:1])
        self.unknown_clients.choices = _shown(
            UNKNOWN_CLIENTS if may_clients else UNKNOWN_CLIENTS[:1]
        )


class Missing(CommandModel):
    """Where clients go that are not known here yet."""

    location_id: MaybeId = None


class MissingForm(SchemaForm[Missing]):
    """Where clients go that are not known here yet."""

    schema: ClassVar = Missing
    location_id = PickerField(
        "New clients are in", description="Unless the row names a location that is known."
    )


def _shown(choices: Choices) -> list[tuple[str, str]]:
    return [(key, gettext(label)) for key, label in choices]


def column_choices(attributes: list[Rule]) -> list[tuple[str, str]]:
    """Return what a column may say: nothing, a field, an attribute of some type."""
    names: dict[str, dict[str, None]] = {}
    for rule in attributes:
        names.setdefault(ATTRIBUTE + rule.key, {})[rule.title] = None
    own = [(key, ", ".join(titles)) for key, titles in names.items()]
    return [
        ("", gettext("Ignore")),
        *((key, gettext(label)) for key, label in FIELDS.items()),
        *own,
    ]
