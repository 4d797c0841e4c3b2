"""The form that confirms an undoing."""

from typing import ClassVar

from wtforms import BooleanField, HiddenField, TextAreaField

from webapp.core.forms import SchemaForm
from webapp.core.language import N_
from webapp.oversight.undo_schemas import Undoing
from webapp.oversight.undoing.steps import Plan


class UndoForm(SchemaForm[Undoing]):
    """Why it is undone, and whether part of it will do."""

    schema: ClassVar = Undoing
    reason = TextAreaField(
        N_("Reason"),
        description=N_("The log keeps it with every row of the undoing."),
        render_kw={"rows": 2},
    )
    part = BooleanField(N_("Undo what can be undone, and leave the rest as it is"))
    seen = HiddenField(default="")
    agreed = HiddenField(default="")

    def show(self, plan: Plan) -> None:
        """Carry the marks of what the page shows."""
        self.seen.data, self.agreed.data = plan.seal, plan.agreement
        self.seen.raw_data = self.agreed.raw_data = None
