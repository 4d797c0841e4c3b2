"""What is done from the command line."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask.testing import FlaskCliRunner
from sqlalchemy import make_url

from tests import factories
from tests.conftest import SECRET, dsn
from webapp import create_app
from webapp.core.config import Settings
from webapp.core.db import db
from webapp.core.registry import PAGE_BY_KEY, PERMISSION_BY_KEY

PASSWORD = "wobbly lantern quartz 9"
Rows = list[dict[str, Any]]


@pytest.fixture
def run(app: Any) -> Callable[..., Any]:
    """`run("users", "create-admin", input="…")`: what the command says, and its exit code."""
    runner: FlaskCliRunner = app.test_cli_runner()
    return lambda *args, **more: runner.invoke(args=list(args), **more)


@pytest.fixture
def without_owner(app: Any, settings: Settings) -> Any:
    """The app as it is when only the URL of its own role is known."""
    own = settings.model_copy(update={"database_url": settings.app_url()})
    app.extensions["steward"] = own
    yield own
    app.extensions["steward"] = settings


def test_create_admin_asks(run: Any, client: Any, audit_rows: Callable[..., Rows]) -> None:
    said = run(
        "users", "create-admin", input=f"Ana@Example.com\nAna Ruiz\n{PASSWORD}\n{PASSWORD}\n"
    )
    assert said.exit_code == 0, said.output
    assert "Ana Ruiz may sign in as" in said.output and PASSWORD not in said.output
    sent = {"email": "ana@example.com", "password": PASSWORD}
    assert client.post("/login", data=sent).status_code == 303
    assert client.get("/roles").status_code == 200
    row = audit_rows(action="user.created", object_label="Ana Ruiz")[-1]  # the log outlives tests
    assert row["actor_name"] == "system:create-admin"


def test_create_admin_takes_all_by_option(run: Any, client: Any) -> None:
    options = ("--email", "ben@example.com", "--name", "Ben", "--password-stdin")
    assert run("users", "create-admin", *options, input=f"{PASSWORD}\n").exit_code == 0
    sent = {"email": "ben@example.com", "password": PASSWORD}
    assert client.post("/login", data=sent).status_code == 303


def test_create_admin_may_be_the_first_command(
    settings: Settings, new_database: Callable[[str], str]
) -> None:
    app = create_app(settings.model_copy(update={"database_url": new_database("first")}))
    options = ("--email", "ana@example.com", "--name", "Ana", "--password-stdin")
    done = app.test_cli_runner().invoke(args=["users", "create-admin", *options], input=PASSWORD)
    assert done.exit_code == 0, done.output
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        (("ana@example.com", "Ana", "short"), "at least 12"),
        (("ana@example.com", "Ana", "password1234"), "too easy"),
        (("ana@example.com", "Ana", ""), "at least 12"),
        (("taken@example.com", "Ana", PASSWORD), "has an account already"),
        (("TAKEN@example.com", "Ana", PASSWORD), "has an account already"),
        (("no address", "Ana", PASSWORD), "no address"),
        (("ana@example.com", " ", PASSWORD), "' '"),
    ],
)
def test_create_admin_refuses_in_words(
    run: Any, owner: Any, typed: tuple[str, str, str], says: str
) -> None:
    email, name, password = typed
    factories.make_user(email="taken@example.com")
    options = ("--email", email, "--name", name, "--password-stdin")
    said = run("users", "create-admin", *options, input=f"{password}\n")
    assert said.exit_code == 1
    assert said.output.startswith("Error: ") and says in said.output
    assert owner.execute("SELECT count(*) AS n FROM users").fetchone()["n"] == 1


def test_partitions_are_made_ahead(run: Any, owner: Any) -> None:
    query = "SELECT count(*) AS n FROM pg_inherits WHERE inhparent = 'audit_event'::regclass"
    before = owner.execute(query).fetchone()["n"]
    assert f"{before} months are there" in run("audit", "partitions").output
    said = run("audit", "partitions", "--ahead", str(before + 1)).output
    assert said.count("made audit_event_") == 2
    assert owner.execute(query).fetchone()["n"] == before + 2
    assert run("audit", "partitions", "--ahead", "500").exit_code == 2


def test_pages_permissions_and_grants_are_brought_in_step(
    run: Any, owner: Any, audit_rows: Callable[..., Rows]
) -> None:
    may = "SELECT has_table_privilege('steward_app', 'users', 'TRUNCATE') AS may"
    keys = "SELECT array_agg(key ORDER BY key) AS keys FROM pages"
    before = owner.execute(keys).fetchone()
    owner.execute("DELETE FROM pages WHERE key = 'users'")
    owner.execute("INSERT INTO pages (key) VALUES ('gone')")
    role = factories.make_role("dashboard")
    owner.execute("SET session_replication_role = replica")
    held = "INSERT INTO page_roles (role_id, page_id) SELECT %s, id FROM pages WHERE key = 'gone'"
    owner.execute(held, [role.id])
    owner.execute("SET session_replication_role = DEFAULT")
    owner.execute("GRANT TRUNCATE ON users TO steward_app")
    assert "in step" in run("access", "sync").output
    assert owner.execute(keys).fetchone() == before
    assert owner.execute(may).fetchone() == {"may": False}
    assert audit_rows(action="access.synced")[-1]["changes"] == {"entries": 2}
    lost = audit_rows("page_role", role.id, action="page_role.deleted")[-1]
    assert lost["changes"]["page"] == ["gone", None] and lost["actor_name"] == "system:migrate"


def test_a_role_that_holds_everything_gets_what_is_new(run: Any, owner: Any) -> None:
    holds = (
        "SELECT count(*) AS n FROM page_roles pr JOIN pages p ON p.id = pr.page_id"
        " WHERE p.key = 'audit' AND pr.role_id = %s"
    )
    pages = [key for key in PAGE_BY_KEY if key != "audit"]
    some = factories.make_role(*pages)
    every = factories.make_role(*pages, *PERMISSION_BY_KEY)
    owner.execute("DELETE FROM pages WHERE key = 'audit'")  # as if this version brought it
    run("access", "sync")
    assert owner.execute(holds, [every.id]).fetchone() == {"n": 1}
    assert owner.execute(holds, [some.id]).fetchone() == {"n": 0}


@pytest.mark.parametrize("command", [("access", "sync"), ("audit", "partitions")])
def test_only_the_owner_may(run: Any, without_owner: Settings, command: tuple[str, str]) -> None:
    said = run(*command)
    assert said.exit_code == 1 and "DATABASE_OWNER_URL" in said.output


def test_db_url_is_for_other_programs(
    run: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", SECRET)
    monkeypatch.setenv("DATABASE_URL", dsn(settings.owner_url() or ""))
    for options, role in (
        ((), "steward_app"),
        (("--owner",), make_url(settings.owner_url() or "").username),
    ):
        said = run("db-url", *options)
        assert said.exit_code == 0, said.output
        with psycopg.connect(said.output.strip()) as connection:
            row = connection.execute("SELECT current_user").fetchone()
        assert row == (role,)
    monkeypatch.setenv("DATABASE_URL", dsn(settings.app_url()))
    assert run("db-url").exit_code == 0
    said = run("db-url", "--owner")
    assert said.exit_code == 1 and "not known here" in said.output
    monkeypatch.setenv("DATABASE_URL", "mysql://somewhere/else")
    assert "must start with postgresql://" in run("db-url").output


def test_much_data_only_for_measuring(
    run: Any, app: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, owner: Any
) -> None:
    monkeypatch.delenv("STEWARD_BENCH", raising=False)
    monkeypatch.setitem(app.extensions, "steward", settings.model_copy(update={"demo": False}))
    said = run("seed", "--size", "large")
    assert said.exit_code == 1 and "DEMO=1 or STEWARD_BENCH=1" in said.output
    assert run("seed", "--size", "huge").exit_code == 2
    assert owner.execute("SELECT count(*) AS n FROM users").fetchone()["n"] == 0
