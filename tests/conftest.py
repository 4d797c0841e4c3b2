"""One real PostgreSQL and one app a run; tests commit for real, and are cleaned up after.

`TEST_DATABASE_URL` names another server (any database of it, as a user who may create databases
and roles); else the PostgreSQL of the wheel is started in a temporary directory.
"""

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flask import Flask
from psycopg.rows import dict_row, tuple_row
from pydantic import SecretStr
from sqlalchemy import NullPool, create_engine, event, make_url

from tests import factories
from tests.pages import CheckedClient
from webapp import create_app
from webapp.core import database, embedded_pg
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.security import limiter
from webapp.jobs import worker

SECRET = "only for tests, only for tests, only for tests"
# Filled by migrations, or append-only: tests look for their own rows.
KEPT = (
    *("alembic_version", "pages", "permissions", "audit_event", "asset_status_transitions"),
    *("ticket_transitions", "ticket_priority_rules"),
    *("audit_seal", "audit_leaf", "audit_checkpoint", "audit_check", "audit_check_acknowledgement"),
)
TABLES = (
    "SELECT relname, pg_relation_size(oid) > 512 * 1024 FROM pg_class"
    " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition"
    " AND relname <> ALL (%s)"
)
_written = False
_owner_url = ""


# The files that take longest begin first, so that no core is idle in the end; those that wait beside those that work.
LONG = (
    *("faults/test_ledger.py", "browser/test_pages_light.py", "faults/test_jobs.py"),
    *("security/test_hostile.py", "browser/test_pages_dark.py", "faults/test_faults.py"),
    *("core/test_serve.py", "security/test_routes.py", "test_migrations.py", "audit/test_asof.py"),
    *("oversight/test_plans.py", "tickets/test_plans.py", "assets/test_plans.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        name = item.path.relative_to(Path(__file__).parent).as_posix()
        return LONG.index(name) if name in LONG else len(LONG)

    items.sort(key=rank)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "rate_limits: with the limits on requests, else off")


def dsn(url: str, **parts: Any) -> str:
    """The URL as psycopg wants it."""
    changed = make_url(url).set(drivername="postgresql", **parts)
    return changed.render_as_string(hide_password=False)


@contextmanager
def own_directory() -> Iterator[Path]:
    """A directory for a server; pytest's own are shut to its user when another run begins."""
    with tempfile.TemporaryDirectory(prefix="steward-test-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """A database of the server, as somebody who may create others."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    with own_directory() as home:
        server = embedded_pg.server_for(home)
        server.ensure()
        url = server.uri(embedded_pg.OWNER, embedded_pg.DATABASE)
        with psycopg.connect(dsn(url), autocommit=True) as connection:
            # Nothing outlives the run. Commits are waited for all the same: until they are, a VACUUM marks no page as
            # visible to all, and plans are others.
            for setting in ("fsync", "full_page_writes"):
                connection.execute(f"ALTER SYSTEM SET {setting} = off")
            connection.execute("SELECT pg_reload_conf()")
        yield url
        server.stop()


@pytest.fixture(scope="session")
def new_database(server_url: str) -> Iterator[Callable[..., str]]:
    """Makes databases, empty or like another, and drops them in the end."""
    made = []

    def create(name: str, *, like: str = "template1") -> str:
        name = f"steward_test_{os.getpid()}_{name}"
        with psycopg.connect(dsn(server_url), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {like}")
        made.append(name)
        return make_url(server_url).set(database=name).render_as_string(hide_password=False)

    yield create
    with psycopg.connect(dsn(server_url), autocommit=True) as connection:
        for name in made:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def migrated_database(new_database: Callable[..., str]) -> Callable[[str], str]:
    """Makes databases as `database.prepare` leaves them: copies of one, which takes a tenth of the time."""
    url = new_database("template")
    database.prepare(Settings(database_url=url, secret_key=SecretStr(SECRET)))

    def copy(name: str) -> str:
        made = new_database(name, like=make_url(url).database)
        engine = create_engine(made, poolclass=NullPool)
        with engine.begin() as connection:
            database.grant(connection)  # rights on the database itself are not copied
        return made

    return copy


@pytest.fixture(scope="session")
def settings(
    migrated_database: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    made = Settings(
        database_url=migrated_database("app"),
        secret_key=SecretStr(SECRET),
        data_dir=tmp_path_factory.mktemp("data"),
        demo=True,
        log_level="CRITICAL",
    )
    global _owner_url  # noqa: PLW0603 - one database a run
    _owner_url = dsn(made.owner_url() or "")
    return made


@pytest.fixture(scope="session")
def _the_app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config.update(TESTING=False, WTF_CSRF_ENABLED=False)
    app.test_client_class = CheckedClient
    limiter.enabled = False
    event.listen(db.session, "after_commit", _note_commit)
    factories.use(app)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def app(_the_app: Flask, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """The app. Push no context of it around a request: both would share `g`."""
    if request.node.get_closest_marker("rate_limits"):
        limiter.enabled = True
        limiter.reset()
    yield _the_app
    limiter.enabled = False


@pytest.fixture
def client(app: Flask) -> CheckedClient:
    """A browser that is not signed in, without CSRF checks."""
    return app.test_client()  # type: ignore[return-value]


@pytest.fixture
def with_csrf(app: Flask) -> Iterator[None]:
    """CSRF checks as in production, for every client of the test."""
    app.config["WTF_CSRF_ENABLED"] = True
    yield
    app.config["WTF_CSRF_ENABLED"] = False


@pytest.fixture
def csrf_client(with_csrf: None, client: CheckedClient) -> CheckedClient:
    return client


@pytest.fixture
def work(app: Flask) -> Callable[..., Any]:
    """What a service needs outside a request: an app context with a unit of work."""
    return factories.work


@pytest.fixture
def run_jobs(app: Flask, settings: Settings) -> Callable[[], None]:
    """Does the jobs that are due, as a worker would, and returns when none is left."""
    return lambda: worker.run_waiting(app, settings)


@pytest.fixture
def sign_in(app: Flask) -> Callable[..., CheckedClient]:
    """`sign_in("users", "users.edit", client_id=1)`: a client signed in as a new person.

    The keys are pages and permissions ("*": all, none: no role), the rest is the scope.
    `user=` signs in somebody who exists.
    """

    def enter(*keys: str, user: Any = None, name: str | None = None, **place: int) -> CheckedClient:
        if user is None:
            user = factories.make_user(**({"name": name} if name else {}))
        if keys:
            factories.grant(user, factories.make_role(*keys), **place)
        client = app.test_client()
        token = factories.open_session(user)
        with client.session_transaction() as cookie:
            cookie["_user_id"] = token
        client.user = user  # type: ignore[attr-defined]
        return client  # type: ignore[return-value]

    return enter


@pytest.fixture
def owner(app: Flask, settings: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection as the owner of the tables, autocommit, rows as dicts."""
    _note_commit()
    url = dsn(settings.owner_url() or "")
    with psycopg.connect(url, autocommit=True, row_factory=dict_row) as connection:
        yield connection


@pytest.fixture
def app_role(app: Flask, settings: Settings) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A connection as the role that the app works as."""
    _note_commit()
    with psycopg.connect(dsn(settings.app_url()), row_factory=dict_row) as connection:
        yield connection
        connection.rollback()


@pytest.fixture
def audit_rows(
    owner: psycopg.Connection[dict[str, Any]],
) -> Callable[..., list[dict[str, Any]]]:
    """`audit_rows("user", 3)` or `audit_rows(action="role.updated")`: what the log says, oldest first."""

    def find(
        object_type: str | None = None, object_id: int | None = None, **columns: Any
    ) -> list[dict[str, Any]]:
        wanted = {"object_type": object_type, "object_id": object_id, **columns}
        wanted = {name: value for name, value in wanted.items() if value is not None}
        where = " AND ".join(f"{name} = %({name})s" for name in wanted) or "true"
        query = f"SELECT * FROM audit_event WHERE {where} ORDER BY id"  # noqa: S608 - our names
        return owner.execute(query, wanted).fetchall()

    return find


@pytest.fixture
def statements(app: Flask) -> Callable[[], Any]:
    """Collect the SQL of a `with` block, without BEGIN and COMMIT."""

    @contextmanager
    def watch() -> Iterator[list[str]]:
        seen: list[str] = []

        def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
            seen.append(statement)

        with app.app_context():
            engine = db.engine
        event.listen(engine, "before_cursor_execute", note)
        try:
            yield seen
        finally:
            event.remove(engine, "before_cursor_execute", note)

    return watch


def _note_commit(*_: Any) -> None:
    global _written  # noqa: PLW0603 - one database a run
    _written = True


@pytest.fixture(scope="session")
def _sweeper() -> Iterator[Callable[[], None]]:
    """Empties the tables, over a connection that stays."""
    kept: list[psycopg.Connection[Any]] = []

    def sweep() -> None:
        if not kept or kept[0].closed or kept[0].broken:
            kept[:] = [psycopg.connect(_owner_url, autocommit=True)]
            kept[0].execute("SET lock_timeout = '5s'")
        empty(kept[0])

    yield sweep
    for connection in kept:
        connection.close()


def empty(connection: psycopg.Connection[Any]) -> None:
    """Delete all rows, which takes a tenth of the time of a TRUNCATE; that is for tables grown large."""
    free = connection.info.parameter_status("is_superuser") == "on"  # to delete in any order
    cursor = connection.cursor(row_factory=tuple_row)
    found = cursor.execute(TABLES, [list(KEPT)]).fetchall()
    if large := [name for name, is_large in found if is_large or not free]:
        cursor.execute(f"TRUNCATE {', '.join(large)} CASCADE")
    names = [name for name, _ in found if name not in large]
    exists = ", ".join(f"EXISTS (SELECT FROM {name})" for name in names)
    filled = cursor.execute(f"SELECT {exists}").fetchone() or ()
    deletes = [f"DELETE FROM {name}" for name, rows in zip(names, filled, strict=True) if rows]  # noqa: S608
    if deletes:
        with connection.transaction():
            cursor.execute("; ".join(["SET LOCAL session_replication_role = replica", *deletes]))


@pytest.fixture(autouse=True)
def _clean_up(_sweeper: Callable[[], None]) -> Iterator[None]:
    """Empty the tables after a test that committed. Ids go on rising, so the log stays unambiguous."""
    global _written  # noqa: PLW0603
    yield
    if _written and _owner_url:
        _written = False
        _sweeper()
