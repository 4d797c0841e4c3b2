"""Reads for the page of one ticket."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, DateTime, bindparam, cast, func, literal, null, select, union_all
from sqlalchemy.orm import aliased

from webapp.assets.models import Asset, AssetType
from webapp.attachments.models import Attachment
from webapp.core.db import db
from webapp.organisation.models import Client, Location, Project
from webapp.organisation.tree import Place
from webapp.tickets.models import (
    Contact,
    Draft,
    Link,
    Merge,
    Message,
    Presence,
    SlaPolicy,
    Team,
    Ticket,
    TimeEntry,
    Watcher,
)
from webapp.tickets.queries import presence
from webapp.users.models import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What a ticket's page names besides the ticket's own columns; None is what it has not, or lies out of sight."""

    client_id: int
    client_name: str
    client_code: str
    location_id: int
    location_name: str
    project_id: int | None
    project_name: str | None
    asset_id: int | None
    asset_tag: str | None
    asset_name: str | None
    asset_status: str | None
    asset_warranty_until: date | None
    asset_deleted_at: datetime | None
    asset_type: str | None
    requester_name: str | None
    requester_email: str | None
    requester_phone: str | None
    requester_active: bool | None
    assignee_name: str | None
    assignee_active: bool | None
    team_name: str | None
    policy_name: str | None
    merged_number: int | None

    @property
    def place(self) -> Place:
        """Where the ticket lies, for permissions."""
        return Place(
            location_id=self.location_id, client_id=self.client_id, project_id=self.project_id
        )


@cache
def _around() -> Any:
    """The statement, made once: with so many columns that takes longer than the database does."""
    requester, assignee, merged = aliased(User), aliased(User), aliased(Ticket)
    return (
        select(
            Client.id.label("client_id"),
            Client.name.label("client_name"),
            Client.code.label("client_code"),
            Client.location_id,
            Location.name.label("location_name"),
            Project.id.label("project_id"),
            Project.name.label("project_name"),
            Asset.id.label("asset_id"),
            Asset.tag.label("asset_tag"),
            Asset.name.label("asset_name"),
            Asset.status.label("asset_status"),
            Asset.warranty_until.label("asset_warranty_until"),
            Asset.deleted_at.label("asset_deleted_at"),
            AssetType.name.label("asset_type"),
            func.coalesce(requester.name, Contact.name).label("requester_name"),
            func.coalesce(requester.email, Contact.email).label("requester_email"),
            Contact.phone.label("requester_phone"),
            requester.is_active.label("requester_active"),
            assignee.name.label("assignee_name"),
            assignee.is_active.label("assignee_active"),
            Team.name.label("team_name"),
            SlaPolicy.name.label("policy_name"),
            merged.number.label("merged_number"),
        )
        .select_from(Client)
        .join(Location, Location.id == Client.location_id)
        .outerjoin(Project, Project.id == bindparam("project"))
        .outerjoin(Asset, Asset.id == bindparam("asset"))
        .outerjoin(AssetType, AssetType.id == Asset.type_id)
        .outerjoin(requester, requester.id == bindparam("user"))
        .outerjoin(Contact, Contact.id == bindparam("contact"))
        .outerjoin(assignee, assignee.id == bindparam("assignee"))
        .outerjoin(Team, Team.id == bindparam("team"))
        .outerjoin(SlaPolicy, SlaPolicy.id == bindparam("policy"))
        .outerjoin(merged, merged.id == bindparam("merged"))
        .where(Client.id == bindparam("client"))
    )


def around_of(ticket: Ticket) -> Around:
    """Name all that a ticket points at, in one statement."""
    values = {
        "client": ticket.client_id,
        "project": ticket.project_id,
        "asset": ticket.asset_id,
        "user": ticket.requester_user_id,
        "contact": ticket.requester_contact_id,
        "assignee": ticket.assignee_id,
        "team": ticket.team_id,
        "policy": ticket.sla_policy_id,
        "merged": ticket.merged_into_id,
    }
    row = db.session.execute(_around(), values).one()
    return Around(**row._mapping)  # noqa: SLF001 - the public name of a row's values


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What stands beside the conversation: what the reader typed and did not send, and who else is here."""

    reply: str
    note: str
    note_is_newest: bool  # of what was typed
    people: Sequence[Any]  # rows (name, typing)


@cache
def _beside() -> Any:
    mine, ticket = bindparam("me", type_=BigInteger), bindparam("ticket", type_=BigInteger)
    drafts = select(
        literal("draft").label("part"),
        Draft.body.label("text"),
        Draft.is_note.label("flag"),
        Draft.saved_at.label("at"),
    ).where(Draft.ticket_id == ticket, Draft.user_id == mine)
    people = (
        select(literal("here"), User.name, presence.is_typing(), cast(null(), DateTime(True)))
        .join(Presence, Presence.user_id == User.id)
        .where(Presence.ticket_id == ticket, Presence.user_id != mine, presence.is_here())
        .limit(presence.MOST)
    )
    return union_all(drafts, people)


def beside(ticket_id: int, user_id: int) -> Beside:
    """Read drafts and presence, in one statement."""
    rows = db.session.execute(_beside(), {"ticket": ticket_id, "me": user_id}).all()
    typed = {row.flag: row.text for row in rows if row.part == "draft"}
    kept = (row for row in rows if row.part == "draft" and row.text.strip())
    newest = max(kept, key=lambda row: row.at, default=None)
    here = [presence.Here(name=row.text, typing=row.flag) for row in rows if row.part == "here"]
    return Beside(
        reply=typed.get(False, ""),
        note=typed.get(True, ""),
        note_is_newest=newest is not None and newest.flag,
        people=sorted(here, key=lambda one: (not one.typing, one.name)),
    )


MOST_RELATED = 1000
RELATED = (
    *("ticket_message", "attachment", "ticket_watcher", "time_entry", "ticket_link"),
    "ticket_merge",
)


def related(ticket: Ticket) -> dict[str, list[int]]:
    """Rows whose story belongs to the ticket's: messages, files, watchers, links, merges, time. Ids by object type."""
    found: dict[str, list[int]] = {kind: [] for kind in RELATED}
    for kind, key in db.session.execute(related_rows(), {"ticket": ticket.id}):
        found[kind].append(key)
    return found


@cache
def related_rows() -> Any:
    """The statement that finds them (kind, id), with ``ticket`` to fill in; made once."""
    here = bindparam("ticket", type_=BigInteger)
    mine: dict[str, Any] = {
        "ticket_message": (Message.id, Message.ticket_id == here),
        "attachment": (Attachment.id, Attachment.ticket_id == here),
        "ticket_watcher": (Watcher.id, Watcher.ticket_id == here),
        "time_entry": (TimeEntry.id, TimeEntry.ticket_id == here),
        "ticket_link": (Link.id, (Link.ticket_id == here) | (Link.other_id == here)),
        "ticket_merge": (Merge.id, (Merge.source_id == here) | (Merge.target_id == here)),
    }
    parts = [
        select(
            select(literal(kind).label("kind"), key.label("id"))
            .where(condition)
            .order_by(key.desc())
            .limit(MOST_RELATED)
            .subquery()
        )
        for kind, (key, condition) in mine.items()
    ]
    return union_all(*parts)
