"""What people call the states, kinds and priorities of tickets."""

from webapp.core.language import _
from webapp.tickets.models import Kind, Level, LinkKind, Priority, Status, Via

KIND = {
    Kind.INCIDENT: _("Incident"),
    Kind.REQUEST: _("Request"),
    Kind.MAINTENANCE: _("Maintenance"),
}
STATUS = {
    Status.NEW: _("New"),
    Status.OPEN: _("Open"),
    Status.PENDING: _("Pending"),
    Status.ON_HOLD: _("On hold"),
    Status.RESOLVED: _("Resolved"),
    Status.CLOSED: _("Closed"),
}
PRIORITY = {
    Priority.URGENT: _("Urgent"),
    Priority.HIGH: _("High"),
    Priority.NORMAL: _("Normal"),
    Priority.LOW: _("Low"),
}
LEVEL = {
    Level.HIGH: _("High"),
    Level.MEDIUM: _("Medium"),
    Level.LOW: _("Low"),
}
# What the ticket at hand is to the other; and seen from the other end.
LINK = {
    LinkKind.DUPLICATE: _("Duplicate of"),
    LinkKind.BLOCKS: _("Blocks"),
    LinkKind.CAUSED_BY: _("Caused by"),
    LinkKind.RELATED: _("Related to"),
}
LINK_BACK = {
    LinkKind.DUPLICATE: _("Has the duplicate"),
    LinkKind.BLOCKS: _("Blocked by"),
    LinkKind.CAUSED_BY: _("Causes"),
    LinkKind.RELATED: _("Related to"),
}
# How something came in that the desk wrote down.
HEARD = {
    Via.PHONE: _("By phone"),
    Via.EMAIL: _("By e-mail"),
    Via.IN_PERSON: _("In person"),
}
