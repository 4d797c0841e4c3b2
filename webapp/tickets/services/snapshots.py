"""What closing changes about a ticket, as JSON keeps it, and set back again."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.dialects.postgresql.ranges import MultiRange

from webapp.tickets.models import Status, Ticket

COLUMNS = (
    *("status", "merged_into_id", "resolution", "resolved_at", "closed_at", "reopened", "pauses"),
    *("assignee_id", "team_id", "sla_policy_id", "responded_at", "sla_check_at"),
    *("response_due_at", "response_warn_at", "response_warned_at", "response_breached_at"),
    *("resolution_due_at", "resolution_warn_at", "resolution_warned_at", "resolution_breached_at"),
)


def take(ticket: Ticket) -> dict[str, Any]:
    """Return the columns as they are now."""
    return {name: _packed(getattr(ticket, name)) for name in COLUMNS}


def set_back(ticket: Ticket, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Give a ticket what it had before something; what that had not changed stays as it is now."""
    for name in COLUMNS:
        if before[name] != after[name]:
            setattr(ticket, name, _unpacked(name, before[name]))


def _packed(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, MultiRange | list):
        return [[_packed(one.lower), _packed(one.upper), one.bounds] for one in value]
    return str(value) if isinstance(value, Status) else value


def _unpacked(name: str, value: Any) -> Any:
    if value is None:
        return None
    if name == "status":
        return Status(value)
    if name == "pauses":
        return MultiRange(
            Range(_unpacked("_at", low), _unpacked("_at", high), bounds=bounds)
            for low, high, bounds in value
        )
    return datetime.fromisoformat(value) if name.endswith("_at") else value
