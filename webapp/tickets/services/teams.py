"""Teams, their members, and their rota."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from webapp.access.identity import SignedIn
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import Denied, DomainError, check_version
from webapp.core.language import _, format_day
from webapp.tickets import rota
from webapp.tickets.desk_schemas import MemberAdd, Rotation, ShiftAdd, TeamEdit
from webapp.tickets.models import Team, TeamMember, TeamShift
from webapp.tickets.queries import teams as queries
from webapp.tickets.rota import Shift
from webapp.tickets.services.base import saying

PERMISSION = "tickets.configure"
REFUSALS: dict[str, tuple[str, str | None]] = {
    "uq_teams_name": (_("There is a team of this name."), "name"),
    "still_occupied": (
        _("The team has open tickets. Give them to another team, or resolve them first."),
        None,
    ),
    "uq_team_members_team_user": (_("This person is in the team already."), "user_id"),
    "ex_team_shifts_one_at_a_time": (_("Somebody is on duty then already."), None),
}


def _require(actor: SignedIn | None) -> None:
    """Teams count everywhere, so only those who may run the desk everywhere change them."""
    if actor is not None and not actor.can(PERMISSION):
        raise Denied(
            _("Teams count everywhere, so only those who may run the desk everywhere change them."),
            key=PERMISSION,
        )


def create(actor: SignedIn | None, command: TeamEdit) -> Team:
    """Add a team.

    Raises:
        Denied: if the actor may not run the desk.
        DomainError: if the name is taken.
    """
    _require(actor)
    team = Team(**dict(command))
    with saying(REFUSALS):
        db.session.add(team)
    return team


def save(actor: SignedIn | None, team: Team, command: TeamEdit, *, version: int | None) -> Team:
    """Change name and description of a team.

    Raises:
        Denied: if the actor may not run the desk.
        StaleVersion: if it was saved since ``version``.
        DomainError: if the name is taken, or the team is deleted.
    """
    team = _locked(actor, team)
    check_version(team, version)
    _refuse_deleted(team)
    with saying(REFUSALS):
        for name, value in dict(command).items():
            if getattr(team, name) != value:
                setattr(team, name, value)
    return team


def delete(actor: SignedIn | None, team: Team, *, version: int | None) -> None:
    """Hide a team that has no open tickets.

    Raises:
        Denied: if the actor may not run the desk.
        StaleVersion: if it was saved since ``version``.
        DomainError: if it has open tickets.
    """
    team = _locked(actor, team)
    check_version(team, version)
    if team.deleted_at is None:
        with saying(REFUSALS):
            team.deleted_at = datetime.now(UTC)


def restore(actor: SignedIn | None, team: Team) -> None:
    """Bring a deleted team back.

    Raises:
        Denied: if the actor may not run the desk.
        DomainError: if another team has its name by now.
    """
    team = _locked(actor, team)
    if team.deleted_at is not None:
        with saying(REFUSALS):
            team.deleted_at = None


# --- members ----------------------------------------------------------------------


def add_member(actor: SignedIn | None, team: Team, command: MemberAdd) -> TeamMember:
    """Take a person into a team.

    Raises:
        Denied: if the actor may not run the desk.
        DomainError: if they are in it, or have left.
    """
    team = _locked(actor, team)
    _refuse_deleted(team)
    person = queries.get_active_person(command.user_id)
    if person is None:
        raise DomainError(_("Choose one of the list."), field="user_id")
    member = TeamMember(team_id=team.id, user_id=person.id, is_lead=command.is_lead)
    trail.tell(member, "team.joined", **_about(team), changes={"member": [None, person.name]})
    with saying(REFUSALS):
        db.session.add(member)
    return member


def set_lead(actor: SignedIn | None, team: Team, member: TeamMember, *, lead: bool) -> None:
    """Have a member lead the team, or not any more; leads are told of missed service levels.

    Raises:
        Denied: if the actor may not run the desk.
    """
    _require(actor)
    if member.is_lead != lead:
        name = queries.name_of(member.user_id)
        action = "team.lead_made" if lead else "team.lead_ended"
        trail.tell(member, action, **_about(team), changes={"member": [None, name]})
        member.is_lead = lead
        db.session.flush()


def remove_member(actor: SignedIn | None, team: Team, member: TeamMember) -> int:
    """Take a person out of a team and off its rota; return how many shifts that were.

    Raises:
        Denied: if the actor may not run the desk.
    """
    _require(actor)
    name = queries.name_of(member.user_id)
    shifts = queries.coming_shifts(team.id, member.user_id)
    now = queries.database_time()
    for shift in shifts:
        _end(team, shift, now, name)
    trail.tell(member, "team.left", **_about(team), changes={"member": [name, None]})
    db.session.delete(member)
    db.session.flush()
    return len(shifts)


# --- the rota ---------------------------------------------------------------------


def add_shift(actor: SignedIn, team: Team, command: ShiftAdd) -> None:
    """Put a member on duty, from when to when by the actor's clock.

    Raises:
        Denied: if the actor may not run the desk.
        DomainError: if they are no member, or somebody is on duty then.
    """
    team = _locked(actor, team)
    zone = rota.zone_of(actor.timezone)
    times = (
        rota.moment(when.date(), when.time(), zone) for when in (command.starts_at, command.ends_at)
    )
    starts_at, ends_at = times
    if ends_at <= starts_at:
        raise DomainError(_("The end lies before the start."), field="ends_at")
    _put_on_duty(team, [Shift(user_id=command.user_id, starts_at=starts_at, ends_at=ends_at)])


def rotate(actor: SignedIn | None, team: Team, command: Rotation) -> int:
    """Have members follow each other, a week each; return how many shifts that made.

    Raises:
        Denied: if the actor may not run the desk.
        DomainError: if one is no member, or somebody is on duty then.
    """
    team = _locked(actor, team)
    shifts = list(
        rota.weekly(
            command.order,
            since=command.since,
            weekday=command.weekday,
            at=command.at,
            zone=rota.zone_of(command.timezone),
            weeks=command.weeks,
        )
    )
    _put_on_duty(team, shifts)
    return len(shifts)


def remove_shift(actor: SignedIn | None, team: Team, shift: TeamShift) -> None:
    """Take a shift out of the rota; one that runs ends now.

    Raises:
        Denied: if the actor may not run the desk.
    """
    _require(actor)
    _end(team, shift, queries.database_time(), queries.name_of(shift.user_id))
    db.session.flush()


def _put_on_duty(team: Team, shifts: Sequence[Shift]) -> None:
    _refuse_deleted(team)
    names = {row.user_id: row.name for row in queries.members_of(team.id) if row.is_active}
    if any(shift.user_id not in names for shift in shifts):
        raise DomainError(_("Only members of the team can be on duty."), field="user_id")
    if taken := queries.clash(team.id, shifts[0].starts_at, shifts[-1].ends_at):
        raise DomainError(
            _(
                "%(name)s is on duty already, from %(start)s to %(end)s. Delete that shift first.",
                name=taken.name,
                start=format_day(taken.starts_at.date()),
                end=format_day(taken.ends_at.date()),
            ),
        )
    rows = []
    for shift in shifts:
        row = TeamShift(
            team_id=team.id,
            user_id=shift.user_id,
            starts_at=shift.starts_at,
            ends_at=shift.ends_at,
        )
        trail.tell(
            row, "team.on_duty", **_about(team), changes={"member": [None, names[shift.user_id]]}
        )
        rows.append(row)
    with saying(REFUSALS):
        db.session.add_all(rows)


def _end(team: Team, shift: TeamShift, now: datetime, name: str | None) -> None:
    """Delete a shift that has not begun; what was worked stays."""
    trail.tell(shift, "team.off_duty", **_about(team), changes={"member": [name, None]})
    if shift.starts_at < now:
        shift.ends_at = now
    else:
        db.session.delete(shift)


def _locked(actor: SignedIn | None, team: Team) -> Team:
    _require(actor)
    return queries.get_team(team.id, lock=True) or team


def _refuse_deleted(team: Team) -> None:
    if team.deleted_at is not None:
        raise DomainError(_("This team is deleted. Restore it first."))


def _about(team: Team) -> dict[str, Any]:
    """The log tells it of the team."""
    return {"object_type": "team", "object_id": team.id, "object_label": team.name}
