"""The forms of assets and their types; their rules are in ``schemas``, those of attributes in the type."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from flask import g
from wtforms import Field, HiddenField, StringField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]
from wtforms.widgets import DateInput, URLInput

from webapp.assets import schemas, words
from webapp.assets.models import Status
from webapp.assets.services.records import FIRST
from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import gettext
from webapp.core.pickers import PickerField

Edit = TypeVar("Edit", bound=schemas.AssetEdit)
Rules = list[dict[str, Any]]


class _AssetFields(SchemaForm[Edit]):
    """What adding and changing an asset share. ``asset_form`` adds the attributes of a type."""

    shown_by: ClassVar = {"client_id": "place", "project_id": "place"}
    rules: ClassVar[Rules] = []
    drawn_for: str = ""  # the type whose attributes the person saw
    home: tuple[int | None, int | None] = (None, None)  # client and project that `place` names

    name = StringField("Name", render_kw={"autocomplete": "off"})
    type_id = PickerField("Type")
    type_was = HiddenField()
    tag = StringField("Tag", render_kw={"autocomplete": "off", "spellcheck": "false"})
    place = PickerField("Belongs to", render_kw={"required": True})
    parent_id = PickerField("Lies inside the asset")
    manufacturer = StringField("Manufacturer")
    model = StringField("Model")
    serial = StringField("Serial number", render_kw={"autocomplete": "off", "spellcheck": "false"})
    purchased_on = StringField("Purchased on", widget=DateInput())
    cost = StringField("Cost", render_kw={"inputmode": "decimal"})
    warranty_until = StringField("Warranty until", widget=DateInput())
    notes = TextAreaField("Notes", render_kw={"rows": 4})

    def values(self) -> dict[str, Any]:
        """Return the place as client and project, the attributes by their keys."""
        client_id, project_id = self.home
        place = {"client_id": client_id, "project_id": project_id}
        sent = {name: value for name, value in super().values().items() if value is not None}
        return sent | place | {"attributes": self.typed()}

    def typed(self) -> dict[str, Any]:
        """Return what was typed as attributes."""
        return {rule["key"]: self._fields[field_name(rule["key"])].data for rule in self.rules}

    def attribute_fields(self) -> list[Field]:
        """The fields of the type's attributes, in its order."""
        return [self._fields[field_name(rule["key"])] for rule in self.rules]

    def validate(self, extra_validators: Any = None) -> bool:
        """Check the attributes by the rules of the type as well, each message at its field."""
        fine = super().validate(extra_validators)
        _values, wrong = schemas.attributes_of(self.rules, self.typed())
        for key, message in wrong.items():
            field = self._fields[field_name(key)]
            field.errors = [*field.errors, message]
        was = str(self.type_was.data or "")
        if was and was != str(self.type_id.data or "") and self.rules:
            text = gettext("These are the attributes of the other type. Check them and save again.")
            self.form_errors = [*self.form_errors, text]
            fine = False
        if wrong:
            g.refused_form = self  # so that a refusal in JSON names them, too
        return fine and not wrong


class AssetForm(_AssetFields[schemas.AssetEdit]):
    """An asset that exists."""

    schema: ClassVar = schemas.AssetEdit


class NewAssetForm(_AssetFields[schemas.AssetDraft]):
    """An asset to add."""

    schema: ClassVar = schemas.AssetDraft
    status = SelectField(
        "Status",
        choices=lambda: [SelectChoice(status.value, str(words.STATUS[status])) for status in FIRST],
        default=Status.IN_STOCK.value,
        validate_choice=False,
    )
    then = HiddenField()  # "another": add one more afterwards


def field_name(key: str) -> str:
    """Return the name of the field of an attribute."""
    return f"attribute-{key}"


Form = TypeVar("Form", bound=_AssetFields[Any])


def asset_form(base: type[Form], rules: Rules, *, left: Iterable[str] = ()) -> type[Form]:
    """Make the form of a type: ``left`` are attributes of the type that the person just left, read and dropped."""
    fields = {field_name(key): StringField() for key in left}
    fields |= {field_name(rule["key"]): attribute_field(rule) for rule in rules}
    return type(base.__name__, (base,), {"rules": rules, "__module__": __name__, **fields})


def attribute_field(rule: Mapping[str, Any]) -> Any:
    """Return the field that an attribute is typed into."""
    more: dict[str, Any] = {"required": True} if rule["required"] else {}
    label = f"{rule['label']} ({rule['unit']})" if rule["unit"] else rule["label"]
    kind = rule["kind"]
    if kind in ("choice", "yesno"):
        return SelectField(
            label, choices=lambda: _choices(rule), validate_choice=False, render_kw=more
        )
    if kind == "date":
        return StringField(label, widget=DateInput(), render_kw=more)
    if kind == "link":
        return StringField(
            label, widget=URLInput(), render_kw=more | {"placeholder": "https://", "maxlength": 410}
        )
    if kind == "number":
        return StringField(label, render_kw=more | {"inputmode": "decimal", "autocomplete": "off"})
    return StringField(label, render_kw=more | {"maxlength": 500})


def _choices(rule: Mapping[str, Any]) -> list[SelectChoice]:
    if rule["kind"] == "yesno":
        rows = [("true", gettext("Yes")), ("false", gettext("No"))]
    else:
        rows = [(choice, choice) for choice in rule["choices"]]
    return [SelectChoice(value, label) for value, label in [("", gettext("Choose…")), *rows]]


def as_typed(attributes: Mapping[str, Any]) -> dict[str, str]:
    """Return stored attributes as their fields hold them."""
    return {
        field_name(key): str(value).lower() if isinstance(value, bool) else str(value)
        for key, value in attributes.items()
        if value is not None
    }


class StatusForm(SchemaForm[schemas.StatusChange]):
    """Another status for an asset."""

    schema: ClassVar = schemas.StatusChange
    status = SelectField("New status", choices=[], validate_choice=False)
    reason = StringField("Reason", description="Stays in the history.")

    def offer(self, states: Iterable[str]) -> None:
        """Offer only what may follow."""
        self.status.choices = [
            SelectChoice("", gettext("Choose…")),
            *(SelectChoice(state, str(words.STATUS[Status(state)])) for state in states),
        ]


class ArchiveForm(SchemaForm[schemas.Archiving]):
    """Why an asset goes out of sight."""

    schema: ClassVar = schemas.Archiving
    reason = StringField("Reason", id="archive-reason", description="Stays in the history.")
