"""The database around the tables: roles, grants, migrations, and the limits of a connection."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import sql
from sqlalchemy import Connection, make_url, text

from webapp.core import registry
from webapp.core.config import ConfigError, Settings

APP_ROLE = "steward_app"
ALL_CLIENTS_ROLE = "steward_all"
SEALER_ROLE = "steward_sealer"
MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
MIN_SERVER = 150000
MONTHS_AHEAD = 13

# Milliseconds; a job that needs longer sets its own with SET LOCAL.
LIMITS = {
    "statement_timeout": 5000,
    "lock_timeout": 3000,
    "idle_in_transaction_session_timeout": 10000,
}
# Temporary tables come last, and what somebody set for the role does not count.
SEARCH_PATH = "pg_catalog,public,pg_temp"
CONNECT_ARGS: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 5000,
    "application_name": "steward",
    "options": " ".join(f"-c {name}={value}" for name, value in LIMITS.items())
    + f" -c timezone=UTC -c search_path={SEARCH_PATH}",
}

# Tables whose rows the app's role may not write freely.
READ_ONLY = (
    *("alembic_version", "pages", "permissions"),
    *("audit_seal", "audit_leaf", "audit_checkpoint", "audit_check"),
    *("asset_status_transitions", "ticket_priority_rules"),
)
APPEND_ONLY = ("audit_check_acknowledgement",)
AUDIT_TABLE = "audit_event"
SEAL_TABLES = ("audit_seal", "audit_leaf", "audit_checkpoint", "audit_check")  # the sealer's own
AUDIT_COLUMNS = (
    "request_id, actor_id, actor_name, via, ip, user_agent, method, path, page, action, category, outcome, "
    "object_type, object_id, object_label, client_id, changes, reason, occurred_at"
)


# The rights of a role count with those of the roles that it may change to.
ROLE_RIGHTS = """
SELECT current_user, bool_or(r.rolsuper OR r.rolbypassrls),
  bool_or(EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind IN ('r', 'p'))),
  bool_or(r.rolcreaterole)
FROM pg_roles r WHERE pg_has_role(current_user, r.oid, 'MEMBER')
"""


COMPLETE_ROLES = """
SELECT id FROM roles r
WHERE (SELECT count(*) FROM page_roles WHERE role_id = r.id) = (SELECT count(*) FROM pages)
  AND (SELECT count(*) FROM role_permissions WHERE role_id = r.id) = (SELECT count(*) FROM permissions)
"""


# Pages and permissions of the registry; what roles gain or lose by it is told role by role, as if somebody did it.
_ADD = "INSERT INTO {kind}s (key) SELECT unnest(CAST(:keys AS text[])) ON CONFLICT DO NOTHING"
_TELL = """
  INSERT INTO audit_event (action, category, actor_name, object_type, object_id, changes)
  SELECT '{type}.%(verb)s', 'system', 'system:migrate', '{type}', role_id, jsonb_build_object(
      'role_id', %(role)s, '{kind}_id', %(id)s, '{kind}', %(key)s)
"""
_REMOVE = (
    "WITH gone AS (DELETE FROM {kind}s WHERE key <> ALL (CAST(:keys AS text[])) RETURNING id, key), told AS ("
    + _TELL
    % {
        "verb": "deleted",
        "role": "jsonb_build_array(role_id, NULL)",
        "id": "jsonb_build_array(gone.id, NULL)",
        "key": "jsonb_build_array(key, NULL)",
    }
    + " FROM gone JOIN {table} ON {kind}_id = gone.id) SELECT count(*) FROM gone"
)
_COMPLETE = (
    "WITH given AS (INSERT INTO {table} (role_id, {kind}_id) SELECT role_id, e.id FROM {kind}s e,"
    " unnest(CAST(:complete AS bigint[])) AS role_id ON CONFLICT DO NOTHING RETURNING role_id, {kind}_id)"
    + _TELL
    % {
        "verb": "created",
        "role": "jsonb_build_array(NULL, role_id)",
        "id": "jsonb_build_array(NULL, given.{kind}_id)",
        "key": "jsonb_build_array(NULL, key)",
    }
    + " FROM given JOIN {kind}s e ON e.id = given.{kind}_id"
)


class UnsafeRole(ConfigError):
    """The app's database role could go around row level security or the log."""


def prepare(settings: Settings) -> None:
    """Create roles, bring the schema up to date, grant, and register pages and permissions."""
    owner = settings.owner_url()
    if owner is None:
        return
    bootstrap(settings)
    migrate(owner)


def migrate(owner_url: str, revision: str = "head") -> None:
    """Upgrade the schema as its owner."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = owner_url
    logging.getLogger("alembic").setLevel(logging.WARNING)
    command.upgrade(config, revision)


def settle(connection: Connection) -> None:
    """After migrations: set grants, pages and permissions, and make the log's months ahead.

    ``migrations/env.py`` calls it, so that `flask db upgrade` does the same as `flask serve`.
    """
    if connection.scalar(text("SELECT to_regproc('audit_add_months') IS NOT NULL")):
        grant(connection)
        sync(connection)
        connection.execute(text("SELECT audit_add_months(:ahead)"), {"ahead": MONTHS_AHEAD})


def bootstrap(settings: Settings) -> None:
    """Create the app's roles if they are missing, and let the app's role in.

    ``steward_app`` does not inherit: the policies of ``steward_all`` hold only after ``SET LOCAL ROLE``.
    """
    url = make_url(settings.owner_url() or "").set(drivername="postgresql")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as owner:
        if owner.info.server_version < MIN_SERVER:
            raise ConfigError("DATABASE_URL: PostgreSQL 15 or newer is needed")
        # Two installations may start at once on one server.
        owner.execute("SELECT pg_advisory_lock(hashtext('steward bootstrap'))")
        try:
            _make_roles(owner, settings)
        except psycopg.errors.InsufficientPrivilege as error:
            raise ConfigError(
                "DATABASE_OWNER_URL: the owner may not make the roles of Steward; somebody who may has to make"
                f" them first, see docs/operations.md ({' '.join(str(error).split())})"
            ) from error


def _make_roles(owner: psycopg.Connection[Any], settings: Settings) -> None:
    known = {row[0] for row in owner.execute("SELECT rolname FROM pg_roles").fetchall()}
    if ALL_CLIENTS_ROLE not in known:
        owner.execute("CREATE ROLE steward_all NOLOGIN NOINHERIT")
    for role in (APP_ROLE, SEALER_ROLE):
        if role not in known:
            owner.execute(sql.SQL("CREATE ROLE {} LOGIN NOINHERIT").format(sql.Identifier(role)))
        if settings.database_owner_url is None:
            owner.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                    sql.Identifier(role), settings.role_password(role)
                )
            )
    member = owner.execute("SELECT pg_has_role('steward_app', 'steward_all', 'MEMBER')").fetchone()
    if not member or not member[0]:
        owner.execute("GRANT steward_all TO steward_app")


def grant(connection: Connection) -> None:
    """Give the app's roles what they need on every table, and no more.

    Partitions get nothing: a policy or a column grant of the parent would not hold on them.
    """
    tables = connection.scalars(
        text(
            "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
            " AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
    ).all()
    roles = f"{APP_ROLE}, {ALL_CLIENTS_ROLE}"
    for table in tables:
        connection.execute(text(f'REVOKE ALL ON "{table}" FROM {roles}, PUBLIC'))
        if table in READ_ONLY:
            rights = "SELECT"
        elif table in APPEND_ONLY:
            rights = "SELECT, INSERT"
        elif table == AUDIT_TABLE:
            rights = f"SELECT, INSERT ({AUDIT_COLUMNS})"
        else:
            rights = "SELECT, INSERT, UPDATE, DELETE"
        connection.execute(text(f'GRANT {rights} ON "{table}" TO {roles}'))
    _grant_to_sealer(connection, set(tables))
    # Identity columns need no grant; the queue's serials and the numbers of tags and tickets do.
    serials = connection.scalars(
        text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'S' AND (starts_with(relname, 'procrastinate_')"
            " OR relname IN ('asset_tags', 'ticket_numbers'))"
        )
    ).all()
    for serial in serials:
        connection.execute(text(f'GRANT USAGE ON SEQUENCE "{serial}" TO {roles}'))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {roles}"))
    connection.execute(text("REVOKE CREATE ON SCHEMA public FROM PUBLIC"))
    # A table of one's own may have the name of one of ours.
    here = connection.dialect.identifier_preparer.quote(
        connection.scalar(text("SELECT current_database()"))
    )
    everybody = f"PUBLIC, {roles}, {SEALER_ROLE}"
    connection.execute(text(f"REVOKE CREATE, TEMPORARY ON DATABASE {here} FROM {everybody}"))


def _grant_to_sealer(connection: Connection, tables: set[str]) -> None:
    """Let the sealer read the log and add proofs; it sees nothing else and changes nothing."""
    if SEAL_TABLES[0] not in tables:
        return  # an older schema
    for table in tables:
        connection.execute(text(f'REVOKE ALL ON "{table}" FROM {SEALER_ROLE}'))
    connection.execute(text(f"GRANT SELECT ON {AUDIT_TABLE} TO {SEALER_ROLE}"))
    for table in tables.intersection(SEAL_TABLES):
        connection.execute(text(f"GRANT SELECT, INSERT ON {table} TO {SEALER_ROLE}"))
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {SEALER_ROLE}"))


def sync(connection: Connection) -> None:
    """Bring the tables of pages and permissions in step with the registry, and say so in the log.

    A role that holds everything gets what is new: nobody else could give it to anyone.
    """
    changed = 0
    complete = connection.scalars(text(COMPLETE_ROLES)).all()
    for kind, table, entries in (
        ("page", "page_roles", registry.PAGES),
        ("permission", "role_permissions", registry.PERMISSIONS),
    ):
        names = {"kind": kind, "table": table, "type": table.removesuffix("s")}
        keys = [entry.key for entry in entries]
        added = connection.execute(text(_ADD.format(**names)), {"keys": keys}).rowcount
        gone = connection.scalar(text(_REMOVE.format(**names)), {"keys": keys})
        changed += added + (gone or 0)
        connection.execute(text(_COMPLETE.format(**names)), {"complete": complete})
    if changed:  # grants of a page that is gone go with it, which must not happen unrecorded
        connection.execute(
            text(
                "INSERT INTO audit_event (action, category, actor_name, changes) VALUES"
                " ('access.synced', 'system', 'system:migrate', jsonb_build_object('entries', CAST(:n AS int)))"
            ),
            {"n": changed},
        )


def assert_safe_role(connection: Connection) -> None:
    """Refuse a role that bypasses row level security or owns tables.

    Raises:
        UnsafeRole: naming what the role could do.
    """
    _refuse(*connection.execute(text(ROLE_RIGHTS)).one())


def _refuse(role: str, bypasses: bool, owns: bool, creates: bool) -> None:
    problems = [
        problem
        for problem, found in (
            ("is a superuser or bypasses row level security", bypasses),
            ("owns tables", owns),
            ("may create roles", creates),
        )
        if found
    ]
    if problems:
        raise UnsafeRole(
            f"DATABASE_URL: the app's role {role} {' and '.join(problems)}; refusing to start."
        )


def refuse_unsafe(dbapi_connection: Any, _: Any) -> None:
    """Check the role of each new connection of the pool, whatever server started the app.

    Raises:
        UnsafeRole: as ``assert_safe_role`` does.
    """
    row = dbapi_connection.execute(ROLE_RIGHTS).fetchone()
    dbapi_connection.rollback()
    _refuse(*row)


def is_migrated(connection: Connection) -> bool:
    """Tell whether the schema is at the newest migration."""
    found = connection.scalars(text("SELECT version_num FROM alembic_version")).all()
    return list(found) == [_head()]


@lru_cache(maxsize=1)
def _head() -> str | None:
    return ScriptDirectory(str(MIGRATIONS)).get_current_head()
