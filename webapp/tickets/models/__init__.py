"""Tables of tickets and of the desk that works on them."""

from webapp.tickets.models.conversation import Draft, Message, Presence, TimeEntry, Via, Watcher
from webapp.tickets.models.desk import (
    BusinessHours,
    BusinessSpan,
    CannedReply,
    Holiday,
    SlaPolicy,
    SlaTarget,
    Team,
    TeamMember,
    TeamShift,
)
from webapp.tickets.models.relations import Link, LinkKind, Merge
from webapp.tickets.models.ticket import (
    DUE,
    Contact,
    Kind,
    Level,
    Priority,
    Status,
    Ticket,
)
from webapp.tickets.models.workflow import PriorityRule, Transition, TransitionRole

__all__ = [
    "DUE",
    "BusinessHours",
    "BusinessSpan",
    "CannedReply",
    "Contact",
    "Draft",
    "Holiday",
    "Kind",
    "Level",
    "Link",
    "LinkKind",
    "Merge",
    "Message",
    "Presence",
    "Priority",
    "PriorityRule",
    "SlaPolicy",
    "SlaTarget",
    "Status",
    "Team",
    "TeamMember",
    "TeamShift",
    "Ticket",
    "TimeEntry",
    "Transition",
    "TransitionRole",
    "Via",
    "Watcher",
]
