"""What a person chooses before labels are printed."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator
from wtforms import HiddenField, IntegerField, SelectMultipleField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]

from webapp.assets import labels
from webapp.core.bulk import MAX_QUERY
from webapp.core.forms import CommandModel, SchemaForm, SelectField
from webapp.core.language import _
from webapp.core.typed import numbers_of

Id = Annotated[int, Field(ge=1, lt=2**63)]


def _known(key: str) -> str:
    if key not in labels.LAYOUTS:
        raise ValueError(_("Choose one of the list."))
    return key


class Sheet(CommandModel):
    """Which labels, on what, from which place on."""

    ids: Annotated[tuple[Id, ...], Field(max_length=labels.MOST)] = ()
    matching: Annotated[str | None, Field(max_length=MAX_QUERY)] = None
    layout: Annotated[str, AfterValidator(_known)]
    start: int = 1

    @field_validator("start", mode="before")
    @classmethod
    def _on_the_sheet(cls, value: Any, info: ValidationInfo) -> Any:
        """A tape has one place, whatever was typed for a sheet."""
        layout = labels.LAYOUTS.get(info.data.get("layout", ""))
        if layout is None:
            return 1  # the sheet itself is refused
        if layout.each == 1:
            return 1
        if not isinstance(value, int) or not 1 <= value <= layout.each:
            raise ValueError(_("This sheet has the places 1 to %(each)s.", each=layout.each))
        return value


class SheetForm(SchemaForm[Sheet]):
    """Which labels, on what, from which place on."""

    schema: ClassVar = Sheet
    ids = SelectMultipleField("Assets", coerce=int, validate_choice=False, default=[])
    matching = HiddenField(filters=[lambda typed: typed or None])
    layout = SelectField(
        "Sheet",
        choices=[SelectChoice(key, layout.title) for key, layout in labels.LAYOUTS.items()],
        default=labels.DEFAULT,
        validate_choice=False,
    )
    start = IntegerField(
        "First place",
        default=1,
        description="On a sheet that was used before, the first label that is left: counted by rows from the top.",
        render_kw={"min": 1, "max": max(one.each for one in labels.LAYOUTS.values())},
    )


def chosen_ids(typed: list[str]) -> list[int]:
    """Read the ids of an address: one by one, or with commas between them."""
    found = dict.fromkeys(numbers_of(",".join(typed).split(",")))
    return [number for number in found if number][: labels.MOST]
