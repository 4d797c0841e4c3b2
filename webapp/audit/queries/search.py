"""Searches of the log. Every filter goes by an index of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    any_,
    cast,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, INET, TSQUERY
from sqlalchemy.types import BigInteger

from webapp.audit.models import AuditEvent
from webapp.core.db import db

SHOWN = (
    AuditEvent.id,
    AuditEvent.recorded_at,
    AuditEvent.occurred_at,
    AuditEvent.request_id,
    AuditEvent.actor_id,
    AuditEvent.actor_name,
    AuditEvent.via,
    AuditEvent.action,
    AuditEvent.category,
    AuditEvent.outcome,
    AuditEvent.object_type,
    AuditEvent.object_id,
    AuditEvent.object_label,
    AuditEvent.client_id,
    AuditEvent.path,
    AuditEvent.changes,
    AuditEvent.reason,
)
CLOCKS = {"recorded_at": AuditEvent.recorded_at, "occurred_at": AuditEvent.occurred_at}

A_DAY = timedelta(days=1)  # more than clocks differ
SAYS_IT_ALL = frozenset({"ticket_message"})  # kinds whose label is the beginning of their text


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """What of the log is asked for; what is empty leaves its column open. Names are looked up by whoever makes it."""

    actor_ids: tuple[int, ...] = ()
    systems: tuple[str, ...] = ()  # "system:seed"
    agents: tuple[str, ...] = ()  # "token:4", "job:7": what acted for somebody
    nobody: bool = (
        False  # somebody was named whom nobody knows, or words without a letter: nothing is found
    )
    actions: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    object_type: str | None = None
    object_ids: tuple[int, ...] = ()
    label: str | None = None  # words of the record's name, as to_tsquery reads them
    client_ids: tuple[int, ...] = ()
    network: tuple[str, str] | None = None  # the first and last address
    via: str | None = None
    request: str | None = None
    words: str | None = None  # as to_tsquery reads them
    pointing: tuple[
        str, ...
    ] = ()  # each a tsquery: values that point at what the words name will do as well
    facets: tuple[str, ...] = ()  # each a tsquery; all of them hold
    covered: tuple[str, ...] = ()  # kinds of records whose values the reader may not know
    since: datetime | None = None
    until: datetime | None = None
    clock: str = "recorded_at"  # which of the two times since and until mean

    @property
    def by_words(self) -> bool:
        """True if the index of words is the way in."""
        return bool(self.label or self.words or self.facets)


def matching(asked: Filter, *, everything: bool) -> Select[Any]:
    """Return all rows that match, the oldest first.

    Without ``everything`` only rows of the clients in the reader's scope.
    """
    return (
        select(AuditEvent)
        .where(*conditions(asked), in_sight(everything=everything))
        .order_by(AuditEvent.recorded_at, AuditEvent.id)
    )


def count_upto(asked: Filter, most: int, *, everything: bool) -> int:
    """Count the rows that match, up to ``most``."""
    few = (
        select(literal(1))
        .select_from(AuditEvent)
        .where(*conditions(asked), in_sight(everything=everything))
        .limit(most)
        .subquery()
    )
    return int(db.session.scalar(select(func.count()).select_from(few)) or 0)


def some_of(asked: Filter, most: int = 1000) -> Sequence[Any]:
    """Return whom and what some rows are about that match and are of clients in the reader's scope."""
    columns = (AuditEvent.actor_id, AuditEvent.object_type, AuditEvent.object_id)
    found = select(*columns).where(*conditions(asked), in_sight(everything=False)).limit(most)
    return list(db.session.execute(found))


def in_sight(*, everything: bool) -> ColumnElement[bool]:
    """Rows of no client are for who reads all; that a policy hides other clients' rows finds no index."""
    if everything:
        return true()
    scope: Select[Any] = select(func.steward_scope("client", type_=ARRAY(BigInteger)))
    return AuditEvent.client_id == any_(cast(scope.scalar_subquery(), ARRAY(BigInteger)))


def conditions(asked: Filter, *, words: bool = True) -> Iterable[ColumnElement[bool]]:
    """Yield what a row has to be, so that each index is found; without ``words`` those have been looked up."""
    if asked.nobody:
        yield false()
    if words and asked.by_words:
        yield AuditEvent.search.bool_op("@@")(words_of(asked))
    for condition in (_who, _what, _besides_words, _when, _where_from):
        yield from condition(asked)


def words_of(asked: Filter) -> Any:
    """Return the query for the index of words."""
    parts: list[Any] = [
        func.to_tsquery("simple", words, type_=TSQUERY)
        for words in (asked.words, asked.label)
        if words
    ]
    if asked.words and asked.pointing:
        named = cast(" | ".join(asked.pointing), TSQUERY)
        parts[0] = parts[0].op("||", return_type=TSQUERY())(named)
    if asked.facets:
        parts.append(cast(" & ".join(asked.facets), TSQUERY))
    return reduce(lambda one, other: one.op("&&", return_type=TSQUERY())(other), parts)


def is_one_of(column: Any, values: Sequence[Any]) -> ColumnElement[bool]:
    """Compare with one or several; one alone keeps the order of the index."""
    found: ColumnElement[bool] = column == values[0] if len(values) == 1 else column.in_(values)
    return found


def _who(asked: Filter) -> Iterable[ColumnElement[bool]]:
    ways = []
    if asked.actor_ids:
        ways.append(is_one_of(AuditEvent.actor_id, asked.actor_ids))
    if asked.systems:
        named = is_one_of(AuditEvent.actor_name, asked.systems)
        ways.append(and_(AuditEvent.actor_id.is_(None), named))
    if asked.agents:
        ways.append(is_one_of(AuditEvent.via, asked.agents))
    if ways:
        yield or_(*ways)


def _what(asked: Filter) -> Iterable[ColumnElement[bool]]:
    for column, values in (
        (AuditEvent.action, asked.actions),
        (AuditEvent.category, asked.categories),
        (AuditEvent.object_id, asked.object_ids),
        (AuditEvent.client_id, asked.client_ids),
    ):
        if values:
            yield is_one_of(column, values)
    if asked.object_type:
        yield AuditEvent.object_type == asked.object_type
    if asked.outcomes:
        yield is_one_of(AuditEvent.outcome, asked.outcomes)
        if "ok" not in asked.outcomes:
            yield AuditEvent.outcome != "ok"  # what the partial index is for


def _besides_words(asked: Filter) -> Iterable[ColumnElement[bool]]:
    if asked.label:  # the words may stand in values, too; here the name is meant
        name = func.to_tsvector("simple", func.coalesce(AuditEvent.object_label, ""))
        yield name.bool_op("@@")(func.to_tsquery("simple", asked.label))
        if hidden := SAYS_IT_ALL.intersection(asked.covered):
            kind = AuditEvent.object_type
            yield or_(kind.is_(None), kind.not_in(hidden))
    if asked.covered and (asked.words or asked.facets):
        yield or_(*_known(asked))


def _known(asked: Filter) -> Iterable[ColumnElement[bool]]:
    """What a value that nobody may see would tell by being found, only the rest of the row may tell."""
    yield AuditEvent.object_type.is_(None)
    yield AuditEvent.object_type.not_in(asked.covered)
    if asked.words and not asked.facets:
        told = (AuditEvent.object_label, AuditEvent.actor_name, AuditEvent.reason)
        plain = func.to_tsvector("simple", func.concat_ws(" ", *told))
        yield and_(
            AuditEvent.object_type.not_in(SAYS_IT_ALL),
            plain.bool_op("@@")(func.to_tsquery("simple", asked.words)),
        )


def _when(asked: Filter) -> Iterable[ColumnElement[bool]]:
    clock = CLOCKS[asked.clock]
    if asked.since:
        yield clock >= asked.since
        if clock is not AuditEvent.recorded_at:  # nothing is recorded before it happens
            yield AuditEvent.recorded_at >= asked.since
    if asked.until:
        yield clock < asked.until
    if clock is not AuditEvent.recorded_at or not asked.until:
        # A year of empty months lies ahead: the planner need not look at them.
        yield AuditEvent.recorded_at < datetime.now(UTC) + A_DAY


def _where_from(asked: Filter) -> Iterable[ColumnElement[bool]]:
    if asked.network:
        first, last = asked.network
        if first == last:
            yield AuditEvent.ip == cast(first, INET)
        else:  # as ranges of the index: <<= finds none under a policy
            yield AuditEvent.ip >= cast(first, INET)
            yield AuditEvent.ip <= cast(last, INET)
    if asked.via:
        yield AuditEvent.via == asked.via
    if asked.request:
        yield AuditEvent.request_id == asked.request
