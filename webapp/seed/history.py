"""A year of work: who signed in, moved, renamed, granted, left, looked and was refused."""

from collections.abc import Callable
from datetime import date, timedelta

from sqlalchemy import select, text

from webapp.access.models import UserRole
from webapp.core import trail
from webapp.core.db import db
from webapp.core.errors import DomainError
from webapp.core.registry import PAGE_BY_KEY
from webapp.organisation import services as organisation
from webapp.organisation.models import Client, Project
from webapp.organisation.schemas import ClientEdit, ProjectEdit
from webapp.seed import names
from webapp.seed.demo import Demo, Someone, some_scope
from webapp.users import services as users
from webapp.users.models import User

STEPS_A_DAY = 3


def live_a_day(demo: Demo, day: int) -> None:
    """Do a day's work; ``day`` counts back from today."""
    moments = []
    for _ in range(STEPS_A_DAY):
        demo.working_hour(day)
        moments.append(demo.now)
    for moment in sorted(moments):
        demo.now = moment
        chosen = demo.chance.choices(list(DEEDS), weights=list(DEEDS.values()))[0]
        chosen(demo)


def finish(demo: Demo) -> None:
    """Say when people were last here, and that the demo is complete."""
    demo.now = demo.base
    here = [person.id for person in demo.people if person.id not in demo.gone]
    with demo.step():
        for person in here:
            seen = demo.base - timedelta(hours=demo.chance.randint(1, 400))
            db.session.execute(
                text("UPDATE users SET last_seen_at = :at, last_sign_in_at = :at WHERE id = :id"),
                {"at": seen, "id": person},
            )
        trail.note("system.seeded", category="system", changes={"people": len(demo.people)})


def _anyone(demo: Demo) -> Someone:
    return demo.chance.choice([p for p in demo.people if p.id not in demo.gone])


def _colleague(demo: Demo) -> Someone:
    """Somebody whose account is not one of the documented ones."""
    late = demo.people[len(names.ACCOUNTS) :]
    return demo.chance.choice([p for p in late if p.id not in demo.gone])


def _sign_in(demo: Demo) -> None:
    who = _anyone(demo)
    with demo.step(who):
        trail.note(
            "session.opened",
            category="sign-in",
            object_type="user",
            object_id=who.id,
            object_label=who.name,
        )


def _fail_to_sign_in(demo: Demo) -> None:
    who = _anyone(demo)
    with demo.step():
        trail.context().update(actor_name=None, ip="198.51.100.7")
        trail.note("session.refused", category="sign-in", outcome="denied", object_label=who.email)


def _be_refused(demo: Demo) -> None:
    who = _colleague(demo)
    key = demo.chance.choice(names.REFUSED)
    with demo.step(who):
        trail.note(
            "access.denied",
            category="access",
            outcome="denied",
            reason=f"None of your roles opens the page “{PAGE_BY_KEY[key].title}”.",
            changes={"missing": key},
        )


def _look(demo: Demo) -> None:
    whom = _anyone(demo)
    with demo.step(demo.chance.choice((demo.people[0], demo.people[5]))):
        trail.note(
            "user.viewed",
            category="read",
            object_type="user",
            object_id=whom.id,
            object_label=whom.name,
        )


def _export(demo: Demo) -> None:
    with demo.step(demo.people[0]):
        trail.note("user.exported", category="export", changes={"rows": len(demo.people)})


def _give_role(demo: Demo) -> None:
    whom = _colleague(demo)
    role = demo.chance.choice(names.TITLES)
    scope, reason = some_scope(demo), demo.chance.choice(names.REASONS)
    with demo.step(demo.people[0]):
        try:
            users.give_role(
                demo.boss,
                user=db.session.get_one(User, whom.id),
                role_id=demo.role_ids[role],
                scope=scope,
                reason=reason,
            )
        except DomainError:  # holds it there already
            return


def _take_role(demo: Demo) -> None:
    whom = _colleague(demo)
    reason = demo.chance.choice(names.REASONS)
    with demo.step(demo.people[0]):
        grants = db.session.scalars(
            select(UserRole).where(UserRole.user_id == whom.id).order_by(UserRole.id)
        ).all()
        if len(grants) > 1:
            user = db.session.get_one(User, whom.id)
            users.take_role(demo.boss, user=user, grant=grants[-1], reason=reason)


def _move_client(demo: Demo) -> None:
    client_id, site = demo.chance.choice(demo.clients), demo.chance.choice(demo.sites)
    with demo.step(demo.people[3]):
        client = db.session.get_one(Client, client_id)
        command = ClientEdit(
            name=client.name,
            code=client.code,
            location_id=site,
            contact_email=client.contact_email,
            notes=client.notes,
        )
        organisation.save(Client, client_id, command, version=client.version)


def _extend_project(demo: Demo) -> None:
    project_id, days = demo.chance.choice(demo.projects), demo.chance.choice((14, 30, 60))
    with demo.step(demo.people[3]):
        project = db.session.get_one(Project, project_id)
        ends: date | None = project.ends_on and project.ends_on + timedelta(days=days)
        command = ProjectEdit(
            name=project.name,
            client_id=project.client_id,
            starts_on=project.starts_on,
            ends_on=ends,
            description=f"Extended by {days} days.",
        )
        organisation.save(Project, project_id, command, version=project.version)


def _leave(demo: Demo) -> None:
    whom = _colleague(demo)
    if len(demo.gone) >= 6:  # noqa: PLR2004 - the demo keeps most of its people
        _sign_in(demo)
        return
    with demo.step(demo.people[0]):
        user = db.session.get_one(User, whom.id)
        users.deactivate(demo.boss, user, reason=demo.chance.choice(names.LEAVING))
    demo.gone.add(whom.id)


# What people do, and how often.
DEEDS: dict[Callable[[Demo], None], int] = {
    _sign_in: 40,
    _fail_to_sign_in: 4,
    _be_refused: 6,
    _look: 8,
    _export: 2,
    _give_role: 8,
    _take_role: 6,
    _move_client: 6,
    _extend_project: 12,
    _leave: 2,
}
