"""What people call the states of assets."""

from webapp.assets.models import Condition, Status
from webapp.core.language import _

OUT_OF_SIGHT = _("a place that you cannot see")  # stands for the name of who has something
STATUS = {
    Status.PLANNED: _("Planned"),
    Status.IN_STOCK: _("In stock"),
    Status.IN_USE: _("In use"),
    Status.IN_REPAIR: _("In repair"),
    Status.RETIRED: _("Retired"),
    Status.LOST: _("Lost"),
}
CONDITION = {
    Condition.GOOD: _("Good"),
    Condition.WORN: _("Worn"),
    Condition.DAMAGED: _("Damaged"),
}
