"""The forms of custody; their rules are in ``schemas``."""

from typing import ClassVar

from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import DateInput

from webapp.assets import schemas, words
from webapp.assets.models import Condition
from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import _
from webapp.core.pickers import PickerField

BACK_TO = [
    SelectChoice("in_stock", _("Into stock")),
    SelectChoice("in_repair", _("To repair")),
    SelectChoice("retired", _("Out of service")),
]
CONDITIONS = [SelectChoice(one.value, words.CONDITION[one]) for one in Condition]


def _due() -> StringField:
    return StringField(
        "Due back on", widget=DateInput(), description="Empty if it stays there for good."
    )


def _note() -> TextAreaField:
    return TextAreaField("Note", render_kw={"rows": 2})


def _tags() -> SelectMultipleField:
    return SelectMultipleField("Tags", validate_choice=False, default=[])


def _condition() -> SelectField:
    return SelectField("Condition", choices=CONDITIONS, validate_choice=False, default="good")


def _goes_to() -> SelectField:
    return SelectField("Where it goes", choices=BACK_TO, validate_choice=False, default="in_stock")


class CheckOutForm(SchemaForm[schemas.CheckOut]):
    """Hand an asset out, or on."""

    schema: ClassVar = schemas.CheckOut
    holder = PickerField("Who or what place gets it")
    due_on = _due()
    note = _note()


class CheckInForm(SchemaForm[schemas.CheckIn]):
    """Take an asset back."""

    schema: ClassVar = schemas.CheckIn
    condition = _condition()
    status = _goes_to()
    note = _note()


class ExtendForm(SchemaForm[schemas.Extend]):
    """Give somebody more time."""

    schema: ClassVar = schemas.Extend
    due_on = _due()


class ScanOutForm(SchemaForm[schemas.ScanOut]):
    """Hand out everything that was scanned."""

    schema: ClassVar = schemas.ScanOut
    tags = _tags()
    agreed = HiddenField(default="")
    kept_as = HiddenField(default="")
    holder = PickerField("Who or what place gets it")
    due_on = _due()
    note = _note()


class ScanInForm(SchemaForm[schemas.ScanIn]):
    """Take back everything that was scanned."""

    schema: ClassVar = schemas.ScanIn
    tags = _tags()
    agreed = HiddenField(default="")
    kept_as = HiddenField(default="")
    condition = _condition()
    status = _goes_to()
    note = _note()
