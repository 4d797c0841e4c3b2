"""How the clocks of a ticket stand, from its columns alone: for the list, the ticket's page, a mail."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from webapp.core.language import gettext
from webapp.tickets.models import Status

STANDING = frozenset({Status.PENDING, Status.RESOLVED, Status.CLOSED})
# The columns that ``clocks_of`` reads; without ``pauses`` a standing clock does not know how much it has left.
COLUMNS = (
    *("status", "responded_at", "resolved_at", "response_due_at", "resolution_due_at"),
    *("response_warn_at", "resolution_warn_at", "response_breached_at", "resolution_breached_at"),
)
State = Literal["running", "met", "missed", "standing", "none"]
# For ``ui.badge``.
KINDS: dict[State, str] = {
    "running": "primary",
    "met": "success",
    "missed": "danger",
    "standing": "secondary",
    "none": "secondary",
}
MINUTE, HOUR, DAY = 60, 3600, 86400


@dataclass(frozen=True, kw_only=True, slots=True)
class Clock:
    """One target of a ticket.

    ``seconds`` are left until ``due`` by the clock on the wall (below 0: it is late by so much), and of a standing
    clock those that were left when it stopped; None if it has ended or nobody knows. ``late_soon``: people were to
    be warned by now. ``stands``: it waits with the ticket. ``ended_at``: when the answer or the solution came.
    """

    what: Literal["response", "resolution"]
    state: State
    due: datetime | None = None
    seconds: int | None = None
    late_soon: bool = False
    stands: bool = False
    ended_at: datetime | None = None

    @property
    def ticks(self) -> bool:
        """Whether the seconds change while somebody looks."""
        return self.due is not None and self.ended_at is None and not self.stands

    @property
    def kind(self) -> str:
        """The colour that tells how it stands."""
        return "warning" if self.state == "running" and self.late_soon else KINDS[self.state]


@dataclass(frozen=True, kw_only=True, slots=True)
class Clocks:
    """Both targets; ``next`` is the one that is due next, if any runs."""

    response: Clock
    resolution: Clock

    @property
    def next(self) -> Clock | None:
        """The running clock that is due first, else a standing one."""
        going = [one for one in (self.response, self.resolution) if one.due and not one.ended_at]
        ticking = [one for one in going if one.ticks] or going
        return min(ticking, key=_due_of, default=None)


def _due_of(clock: Clock) -> float:
    return clock.due.timestamp() if clock.due else 0


def clocks_of(ticket: Any, now: datetime) -> Clocks:
    """Return the clocks of a ticket, or of a row that has ``COLUMNS``.

    An answer is what meets the first target; whoever solves it without one has answered, too.
    """
    return Clocks(
        response=_clock(ticket, "response", ticket.responded_at or ticket.resolved_at, now),
        resolution=_clock(ticket, "resolution", ticket.resolved_at, now),
    )


def _clock(
    ticket: Any, what: Literal["response", "resolution"], ended: datetime | None, now: datetime
) -> Clock:
    due: datetime | None = getattr(ticket, f"{what}_due_at")
    missed = getattr(ticket, f"{what}_breached_at") is not None
    if due is None:
        # A ticket that was late stays so, even if the policy has no such target any more.
        return Clock(what=what, state="missed" if missed else "none", ended_at=ended)
    if ended is not None:
        # Being late was noted then; the due time of a clock that stood says when it would have been without that.
        state: State = "missed" if missed else "met"
        return Clock(what=what, state=state, due=due, ended_at=ended)
    stands = ticket.status in STANDING
    moment = standing_since(ticket) if stands else now
    seconds = None if moment is None else int((due - moment).total_seconds())
    missed = missed or (seconds is not None and seconds < 0)
    warn: datetime | None = getattr(ticket, f"{what}_warn_at")
    return Clock(
        what=what,
        state="missed" if missed else "standing" if stands else "running",
        due=due,
        seconds=seconds,
        late_soon=warn is not None and moment is not None and warn <= moment,
        stands=stands,
    )


def standing_since(ticket: Any) -> datetime | None:
    """Return since when the clocks stand; None if they do not, or the row does not say."""
    last = max(getattr(ticket, "pauses", None) or (), key=lambda one: one.lower, default=None)
    return last.lower if last is not None and last.upper is None else None


def time_left(seconds: int) -> str:
    """Say a length of time in its two largest units, without a sign: "2 d 4 h", "35 min"."""
    seconds = abs(seconds)
    if seconds < MINUTE:
        return gettext("under 1 min")
    days, hours, minutes = seconds // DAY, seconds % DAY // HOUR, seconds % HOUR // MINUTE
    if days:
        return gettext("%(d)s d %(h)s h", d=days, h=hours) if hours else gettext("%(d)s d", d=days)
    if hours and minutes:
        return gettext("%(h)s h %(m)s min", h=hours, m=minutes)
    return gettext("%(h)s h", h=hours) if hours else gettext("%(m)s min", m=minutes)
