"""The form that changes many assets at once."""

from typing import ClassVar

from wtforms import HiddenField, SelectMultipleField, StringField, TextAreaField, widgets

from webapp.assets import bulk_schemas
from webapp.assets.models import Status
from webapp.core.forms import SchemaForm, SelectField
from webapp.core.language import N_, gettext
from webapp.core.pickers import PickerField

STATES = (
    (Status.PLANNED, N_("Planned")),
    (Status.IN_STOCK, N_("In stock")),
    (Status.IN_USE, N_("In use")),
    (Status.IN_REPAIR, N_("In repair")),
    (Status.RETIRED, N_("Retired")),
    (Status.LOST, N_("Lost")),
)
CLEAR = (
    ("warranty_until", N_("Warranty until")),
    ("purchased_on", N_("Purchased on")),
    ("manufacturer", N_("Manufacturer")),
    ("model", N_("Model")),
)


class BulkForm(SchemaForm[bulk_schemas.BulkChange]):
    """What changes about the assets that were chosen."""

    schema: ClassVar = bulk_schemas.BulkChange
    ids = SelectMultipleField("Assets", coerce=int, validate_choice=False, default=[])
    matching = HiddenField(filters=[lambda typed: typed or None])
    seen = HiddenField(default="")
    back = HiddenField()  # the list that they were chosen from
    status = SelectField(N_("Status"), validate_choice=False)
    place = PickerField(N_("Client or project"))
    warranty_until = StringField(N_("Warranty until"), widget=widgets.DateInput())
    purchased_on = StringField(N_("Purchased on"), widget=widgets.DateInput())
    manufacturer = StringField(N_("Manufacturer"))
    model = StringField(N_("Model"))
    clear = SelectMultipleField(
        N_("Make empty"),
        validate_choice=False,
        default=[],
        option_widget=widgets.CheckboxInput(),
        widget=widgets.ListWidget(prefix_label=False),
    )
    reason = TextAreaField(N_("Reason"), render_kw={"rows": 2})

    def offer(self, url: str, *, present: str | None) -> None:
        """Fill in the choices; ``url`` finds places, ``present`` names the one that is chosen."""
        stay = gettext("Leave as it is")
        self.status.choices = [("", stay), *((str(key), gettext(word)) for key, word in STATES)]
        self.clear.choices = [(key, gettext(word)) for key, word in CLEAR]
        self.place.offer(url, present=present, fixed=[("", stay)])
