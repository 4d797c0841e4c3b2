"""The two clients of ``tests.assets.isolation``, each with a desk's worth of rows, and people who work for one."""

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

from tests import factories
from tests.assets import isolation as assets
from tests.assets.isolation import KINDS, MISSING, scope_of
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.tickets.models import (
    BusinessHours,
    Draft,
    Link,
    LinkKind,
    Merge,
    Message,
    Presence,
    SlaPolicy,
    TimeEntry,
    Watcher,
)

__all__ = ["KINDS", "MISSING", "RIGHTS", "SECRETS", "Scoped", "make_world", "own", "scope_of"]
SECRETS = ("Secretive", "RIVAL", "rivals", "secretref", "secretword", "rival@example.net")
OF_TICKET = ("ticket_messages", "ticket_watchers", "time_entries", "ticket_presence")
OF_CLIENT = ("tickets", *OF_TICKET, "ticket_links", "ticket_merges", "contacts")
RIGHTS = (
    *("tickets", "tickets.desk", "assets", "dashboard", "organisation"),
    *("tickets.create", "tickets.edit", "tickets.reply", "tickets.assign", "tickets.merge"),
    *("tickets.export", "tickets.configure", "organisation.edit", "assets.edit"),
)


def make_world() -> SimpleNamespace:
    """Tickets of Alpha works and of Alpha rivals; whatever one has, the other has, too."""
    world = assets.make_world()
    world.agent = factories.make_user(name="Some Agent")
    world.contact = _contact(world.mine, "Alpha asker", "works@example.net")
    world.rival = _contact(world.theirs, "Secretive asker", "rival@example.net")
    place = {"client_id": world.mine.id, "project_id": world.project.id}
    there = {"client_id": world.theirs.id, "project_id": world.other.id}
    world.ticket = _ticket(
        "Alpha printer",
        "myref",
        asset_id=world.asset.id,
        requester_contact_id=world.contact.id,
        **place,
    )
    world.loose = _ticket("Alpha loose", "looseref", client_id=world.mine.id)
    world.apart = _ticket("Alpha apart", "apartref", **place | {"project_id": world.second.id})
    world.secret_ticket = _ticket(
        "Alpha Secretive",
        "secretref",
        asset_id=world.secret.id,
        requester_contact_id=world.rival.id,
        **there,
    )
    world.free_ticket = _ticket("Alpha Secretive free", "secretref2", client_id=world.theirs.id)
    world.merged = _ticket("Alpha merged", "mergedref", **_closed(world.ticket), **place)
    world.secret_merged = _ticket(
        "Alpha Secretive merged", "secretref3", **_closed(world.secret_ticket), **there
    )
    _hang_on(world, world.ticket, world.merged, "Alpha")
    _hang_on(world, world.secret_ticket, world.secret_merged, "Secretive secretword")
    with factories.work():
        for one, other in (
            (world.ticket, world.merged),
            (world.ticket, world.loose),
            (world.ticket, world.secret_ticket),
            (world.secret_ticket, world.free_ticket),
        ):
            db.session.add(_link(one, other))
        hours = BusinessHours(name="Always")
        db.session.add(hours)
        db.session.flush()
        world.policies = {}
        for name, key in (
            ("General", None),
            ("Mine", world.mine.id),
            ("Secretive", world.theirs.id),
        ):
            policy = SlaPolicy(name=name, client_id=key, hours_id=hours.id)
            db.session.add(policy)
            db.session.flush()
            world.policies[name] = policy.id
    return world


def _contact(client: Any, name: str, email: str) -> Any:
    return factories.make_contact(client_id=client.id, name=name, email=email)


def _ticket(subject: str, ref: str, **values: Any) -> Any:
    return factories.make_ticket(subject, external_ref=ref, tags=["alpha"], **values)


def _closed(into: Any) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {"status": "closed", "merged_into_id": into.id, "resolved_at": now, "closed_at": now}


def _link(one: Any, other: Any) -> Link:
    return Link(
        client_id=one.client_id,
        ticket_id=one.id,
        other_client_id=other.client_id,
        other_id=other.id,
        kind=LinkKind.RELATED,
    )


def _hang_on(world: Any, ticket: Any, merged: Any, word: str) -> None:
    """A message, a file, who follows and is there, time, a draft, and what was merged into it."""
    of = {"client_id": ticket.client_id, "ticket_id": ticket.id}
    with factories.work():
        message = Message(body=f"{word} message", **of)
        db.session.add(message)
        db.session.flush()
        file = Attachment(name=f"{word}.pdf", message_id=message.id, **of)
        file.sha256, file.size, file.media_type = assets.SHA, 5, "application/pdf"
        merge = Merge(client_id=ticket.client_id, source_id=merged.id, target_id=ticket.id)
        user = {"user_id": world.holder.id}
        db.session.add_all(
            [
                file,
                merge,
                Watcher(**of, **user),
                Presence(**of, **user, seen_at=datetime.now(UTC)),
                TimeEntry(**of, **user, minutes=5, spent_on=date(2026, 1, 1)),
                Draft(ticket_id=ticket.id, is_note=False, body=f"{word} draft", **user),
            ]
        )


def own(world: Any, kind: str) -> list[int]:
    """The tickets that the person sees."""
    seen = [world.ticket, world.merged]
    return [one.id for one in (seen if kind == "project" else [*seen, world.loose, world.apart])]


class Scoped(assets.Scoped):
    """The app's own connection, as for a page of tickets."""

    def _execute(self, statement: str, values: Any, before: str = "") -> Any:
        done = f"SELECT set_config('app.page', 'tickets', true); {before}"
        return super()._execute(statement, values, done)
