"""How the desk works: teams and their rota, business hours, service levels, canned replies."""

from datetime import date, datetime

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.db import Audited, IntPK, Model, Name, Timestamped, Versioned
from webapp.tickets.models.ticket import Kind, Priority

LIVE = text("deleted_at IS NULL")


class Team(Audited, Timestamped, Versioned, Model):
    """People who share a queue."""

    __tablename__ = "teams"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        Index("uq_teams_name", text("lower(name)"), unique=True, postgresql_where=LIVE),
    )
    audit_type = "team"

    id: Mapped[IntPK]
    name: Mapped[Name]
    description: Mapped[str] = mapped_column(Text, default="", server_default="")
    deleted_at: Mapped[datetime | None]


class TeamMember(Audited, Model):
    """A person in a team; leads are told when a service level is missed."""

    __tablename__ = "team_members"
    __table_args__ = (
        UniqueConstraint("team_id", "user_id", name="uq_team_members_team_user"),
        Index("ix_team_members_user_id", "user_id"),
    )
    audit_type = "team_member"

    id: Mapped[IntPK]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    is_lead: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


class TeamShift(Audited, Model):
    """Who of a team is on duty from when to when; never two at a time."""

    __tablename__ = "team_shifts"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at", name="starts_before_it_ends"),
        # Core PostgreSQL has no gist operator class for bigint; a range of one number does as well.
        ExcludeConstraint(
            (text("int8range(team_id, team_id, '[]')"), "&&"),
            (text("tstzrange(starts_at, ends_at)"), "&&"),
            name="ex_team_shifts_one_at_a_time",
            using="gist",
        ),
        Index("ix_team_shifts_team_id", "team_id", "starts_at"),
        Index("ix_team_shifts_user_id", "user_id"),
    )
    audit_type = "team_shift"

    id: Mapped[IntPK]
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]

    @property
    def audit_label(self) -> str:
        """When it begins."""
        return f"{self.starts_at:%Y-%m-%d %H:%M}"


class BusinessHours(Audited, Timestamped, Versioned, Model):
    """A calendar: the hours of a week in a time zone; without any span it never closes."""

    __tablename__ = "business_hours"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        Index("uq_business_hours_name", text("lower(name)"), unique=True),
    )
    audit_type = "business_hours"

    id: Mapped[IntPK]
    name: Mapped[Name]
    timezone: Mapped[str] = mapped_column(String(64), default="UTC", server_default="UTC")


class BusinessSpan(Audited, Model):
    """Open from minute to minute of a weekday (0 is Monday, as in ``date.weekday``), by the clock on the wall."""

    __tablename__ = "business_spans"
    __table_args__ = (
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
        CheckConstraint(
            "0 <= opens AND opens < closes AND closes <= 1440", name="opens_before_it_closes"
        ),
        ExcludeConstraint(
            (text("int8range(hours_id * 7 + weekday, hours_id * 7 + weekday, '[]')"), "&&"),
            (text("int4range(opens::integer, closes::integer)"), "&&"),
            name="ex_business_spans_apart",
            using="gist",
        ),
        Index("ix_business_spans_hours_id", "hours_id", "weekday", "opens"),
    )
    audit_type = "business_span"

    id: Mapped[IntPK]
    hours_id: Mapped[int] = mapped_column(ForeignKey("business_hours.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(SmallInteger)
    opens: Mapped[int] = mapped_column(SmallInteger)
    closes: Mapped[int] = mapped_column(SmallInteger)


class Holiday(Audited, Model):
    """A day on which a calendar stays closed."""

    __tablename__ = "holidays"
    __table_args__ = (UniqueConstraint("hours_id", "day", name="uq_holidays_hours_day"),)
    audit_type = "holiday"

    id: Mapped[IntPK]
    hours_id: Mapped[int] = mapped_column(ForeignKey("business_hours.id", ondelete="CASCADE"))
    day: Mapped[date]
    name: Mapped[Name]


class SlaPolicy(Audited, Timestamped, Versioned, Model):
    """Targets for tickets of a client (None: all) and kind (None: all). The most particular policy counts.

    ``warn_percent``: how much of a target's time has passed when people are warned.
    """

    __tablename__ = "sla_policies"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name_not_blank"),
        CheckConstraint("warn_percent BETWEEN 1 AND 99", name="warn_percent"),
        Index(
            "uq_sla_policies_scope",
            "client_id",
            "kind",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=LIVE,
        ),
        Index("ix_sla_policies_hours_id", "hours_id"),
    )
    audit_type = "sla_policy"

    id: Mapped[IntPK]
    name: Mapped[Name]
    client_id: Mapped[int | None] = mapped_column(ForeignKey("clients.id", ondelete="CASCADE"))
    kind: Mapped[Kind | None]
    hours_id: Mapped[int] = mapped_column(ForeignKey("business_hours.id", ondelete="RESTRICT"))
    warn_percent: Mapped[int] = mapped_column(SmallInteger, default=80, server_default="80")
    deleted_at: Mapped[datetime | None]


class SlaTarget(Audited, Model):
    """How many business minutes a policy gives for tickets of a priority; None: no such target."""

    __tablename__ = "sla_targets"
    __table_args__ = (
        CheckConstraint("num_nonnulls(response, resolution) > 0", name="some_target"),
        CheckConstraint("response BETWEEN 1 AND 525600", name="response_minutes"),
        CheckConstraint("resolution BETWEEN 1 AND 525600", name="resolution_minutes"),
        UniqueConstraint("policy_id", "priority", name="uq_sla_targets_policy_priority"),
    )
    audit_type = "sla_target"

    id: Mapped[IntPK]
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policies.id", ondelete="CASCADE"))
    priority: Mapped[Priority]
    response: Mapped[int | None] = mapped_column(Integer)
    resolution: Mapped[int | None] = mapped_column(Integer)


class CannedReply(Audited, Timestamped, Versioned, Model):
    """A text that is used again and again, found by ``::shortcut``; of a person, of a team, or of everybody."""

    __tablename__ = "canned_replies"
    __table_args__ = (
        CheckConstraint("shortcut ~ '^[a-z0-9][a-z0-9-]{0,39}$'", name="shortcut_format"),
        CheckConstraint("btrim(title) <> ''", name="title_not_blank"),
        CheckConstraint("btrim(body) <> ''", name="body_not_blank"),
        CheckConstraint("num_nonnulls(owner_id, team_id) <= 1", name="one_owner"),
        Index(
            "uq_canned_replies_shortcut",
            "owner_id",
            "team_id",
            "shortcut",
            unique=True,
            postgresql_nulls_not_distinct=True,
            postgresql_where=LIVE,
        ),
        Index("ix_canned_replies_team_id", "team_id"),
    )
    audit_type = "canned_reply"

    id: Mapped[IntPK]
    shortcut: Mapped[str] = mapped_column(String(40))
    title: Mapped[Name]
    body: Mapped[str] = mapped_column(Text)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"))
    deleted_at: Mapped[datetime | None]

    @property
    def audit_label(self) -> str:
        """Its title."""
        return self.title
