"""Records are rebuilt from the log alone, and each version is what the table held."""

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from tests import factories
from tests.audit.changes import CHANGES, MODELS, Choice
from tests.tickets.levels import make_policy
from webapp.access import queries as access
from webapp.access.identity import SignedIn
from webapp.audit import asof
from webapp.core.errors import Denied, DomainError, NotSaved

Owner = psycopg.Connection[dict[str, Any]]
Held = dict[tuple[str, int], dict[str, Any]]
WORDS = st.text(st.characters(categories=("L", "Nd", "P", "S")), max_size=12).map(str.strip)
STEPS = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 10_000), st.integers(0, 10_000), WORDS),
    min_size=8,
    max_size=16,
)


def held_by_tables(owner: Owner, known: Held) -> Held:
    """What the tables hold, read past the app, in the form in which the log would write it."""
    found: Held = {key: {} for key in known}
    for kind, model in MODELS.items():
        columns = asof.tracked(kind)
        for row in owner.execute(f"SELECT * FROM {model.__tablename__}"):  # noqa: S608 - our names
            found[kind, row["id"]] = {
                name: asof.MASK
                if name in model.audit_secret and row[name] is not None
                else asof.plain(column, row[name])
                for name, column in columns.items()
            }
    return found


def make_boss() -> SignedIn:
    person = factories.make_user()
    factories.grant(person, factories.make_role("*"))
    with factories.work():
        grants = tuple(access.grants_of([person.id])[person.id])
    values = {"theme": "system", "locale": "en", "timezone": "UTC", "token": "", "unread": 0}
    return SignedIn(
        id=person.id, name=person.name, email=person.email, session_id=0,
        last_seen_at=datetime.now(UTC), grants=grants, **values,
    )  # fmt: skip


@pytest.fixture
def boss(app: Flask) -> SignedIn:
    """One of each kind of record, so that every change finds something, and who may do all."""
    client = factories.make_client()
    project = factories.make_project(client_id=client.id)
    size = {"key": "size", "kind": "number"}
    kind = factories.make_type(None, size, {"key": "wet", "kind": "yesno"})
    for _ in range(2):
        factories.make_asset(client_id=client.id, type_id=kind.id)
        factories.make_ticket(client_id=client.id, project_id=project.id, body="It leaks.")
    factories.make_client()
    factories.grant(factories.make_user(), factories.make_role("tickets"))
    make_policy({"normal": (1, 60), "high": (5, None)})
    return make_boss()


@given(STEPS)
@settings(
    max_examples=14,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
def test_every_version_is_what_the_table_held(owner: Owner, boss: SignedIn, steps: Any) -> None:
    known: Held = {}
    moments: list[tuple[datetime, Held]] = []
    for change, a, b, word in steps:
        with suppress(DomainError, Denied, IntegrityError, NotSaved), factories.work():
            change(Choice(boss, a, b, word, f"{next(factories._numbers):06}"))
        known = held_by_tables(owner, known)
        now = owner.execute("SELECT clock_timestamp() AS now").fetchone()
        assert now
        moments.append((now["now"], known))
    with factories.work():
        versions = {key: asof.versions_of(*key) for key in known}
    for at, tables in moments:
        for key, values in tables.items():
            then = asof.snapshot(*key, versions[key], at=at)
            assert then is not None, (key, at)
            assert (then.unknown, then.gaps) == (frozenset(), ()), key
            assert then.values == values, (key, at)
